package checkpoints_test

import (
	"bufio"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const benchServerVariable = "DRKIT_BENCH_SERVER"

// hello is what a server of a benchmark says of itself.
type hello struct{ URL, Certificate string }

// startBenchServer runs this test binary again as a server, so that neither its time nor its allocations count.
func startBenchServer(b *testing.B) hello {
	b.Helper()
	command := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestBenchServer$")
	command.Env = append(os.Environ(), benchServerVariable+"=1")
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
	if _, child := os.LookupEnv(benchServerVariable); !child {
		t.Log("a process of its own in benchmarks only")
		return
	}
	vault, backup := member(t, "vaults_get.answer", "vault"), member(t, "backups_get.answer", "backup")
	vaults := `{"vaults":[` + strings.Join(numbered(vault, vaultID, benchVaults), ",") + `],"count":` + strconv.Itoa(benchVaults) + `}`
	backups := numbered(backup, backupID, benchBackups)
	found, number := testdata(t, "tags_find_vaults.answer"), testdata(t, "tags_find_vaults.count.answer")
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, text)
	}
	mux.HandleFunc("GET "+prefix+"/vaults", func(w http.ResponseWriter, _ *http.Request) { say(w, vaults) })
	mux.HandleFunc("POST "+prefix+"/vault/resource_instances/action", func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		if strings.Contains(string(text), `"count"`) {
			say(w, number)
			return
		}
		say(w, found)
	})
	mux.HandleFunc("GET "+prefix+"/backups", func(w http.ResponseWriter, r *http.Request) {
		offset, _ := strconv.Atoi(r.URL.Query().Get("offset"))
		page := backups[offset:min(offset+benchPage, len(backups))]
		say(w, `{"backups":[`+strings.Join(page, ",")+`],"count":`+strconv.Itoa(len(backups))+`}`)
	})
	policies, policy := testdata(t, "policies_list.answer"), testdata(t, "policies_create.answer")
	mux.HandleFunc("GET "+prefix+"/policies", func(w http.ResponseWriter, _ *http.Request) { say(w, policies) })
	mux.HandleFunc("POST "+prefix+"/policies", func(w http.ResponseWriter, _ *http.Request) { say(w, policy) })
	server := httptest.NewTLSServer(mux)
	defer server.Close()
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, json.NewEncoder(os.Stdout).Encode(hello{server.URL, string(certificate)}))
	_, err := io.Copy(io.Discard, os.Stdin)
	require.NoError(t, err)
}

const benchVaults, benchBackups, benchPage = 100, 1000, 100

// member returns a member of a sample as compact JSON.
func member(t *testing.T, sample, name string) string {
	t.Helper()
	text, err := json.Marshal(given[json.RawMessage](t, sample, name))
	require.NoError(t, err)
	return string(text)
}

// numbered returns as many objects as are asked for, each with an identifier of its own.
func numbered(object, id string, count int) []string {
	all := make([]string, count)
	for i := range all {
		all[i] = strings.Replace(object, `"id":"`+id+`"`, fmt.Sprintf(`"id":"%s-%04d"`, id[:31], i), 1)
	}
	return all
}
