package vcav_test

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"testing"

	"github.com/stretchr/testify/require"
)

const benchServerVariable = "DRKIT_BENCH_SERVER"

// hello is what a server of a benchmark says of itself: the certificate, or its thumbprint.
type hello struct{ URL, Certificate, Thumbprint string }

// startBenchServer runs this test binary again as a server, so that neither its time nor its allocations
// count.
func startBenchServer(b testing.TB, mode string) hello {
	b.Helper()
	command := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestBenchServer$")
	command.Env = append(os.Environ(), benchServerVariable+"="+mode)
	input, err := command.StdinPipe()
	require.NoError(b, err)
	output, err := command.StdoutPipe()
	require.NoError(b, err)
	require.NoError(b, command.Start())
	b.Cleanup(func() { _ = input.Close(); _ = command.Wait() })
	var server hello
	require.NoError(b, json.NewDecoder(bufio.NewReader(output)).Decode(&server))
	return server
}

// TestBenchServer is the server of the benchmarks, when started by them; it ends with its standard input.
func TestBenchServer(t *testing.T) {
	mode, child := os.LookupEnv(benchServerVariable)
	if !child {
		t.Log("a process of its own in benchmarks only")
		return
	}
	switch mode {
	case "list":
		require.NoError(t, serveList())
	case "large bundles":
		require.NoError(t, serveLargeBundles())
	case "tasks":
		require.NoError(t, serveTasks())
	case "wait":
		contestant(t)
	case "bundle over HTTP/1.1", "bundle over HTTP/2":
		require.NoError(t, serveBundle(mode == "bundle over HTTP/2"))
	case "steps":
		require.NoError(t, serveSteps())
	default:
		require.NoError(t, serveAbout(mode == "about over HTTP/2"))
	}
}

// serveAbout answers one small document.
func serveAbout(http2 bool) error {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/vnd.vmware.h4-v4.1+json;charset=UTF-8")
		_, _ = io.WriteString(w, `{"serviceType":"CLOUD","productName":"Cloud Service","instanceId":"a6f1e2d0-0000-4000-8000-0000000000aa",`+
			`"buildVersion":"4.1.0.1","buildDate":1606132528104}`)
	}))
	server.EnableHTTP2 = http2
	server.StartTLS()
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	return sayHello(hello{URL: server.URL, Certificate: string(certificate)})
}

// sayHello tells the parent where the server is, and returns when the parent is done with it.
func sayHello(server hello) error {
	if err := json.NewEncoder(os.Stdout).Encode(server); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}
