package checkpoints

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/simkit"
)

// How long the tokens of the real Keystone are good for: at least, and at most where the machine is so busy that a
// sign-in takes seconds.
const (
	shortLife = 8 * time.Second
	longLife  = time.Minute
)

// realCloud is Debian's Keystone on the loopback interface, behind a proxy that counts sign-ins, and a backup service
// that asks it about tokens.
type realCloud struct {
	t      *testing.T
	direct string // address of Keystone itself
	proxy  *simkit.Proxy
	backup *httptest.Server
	admin  string // token
	life   time.Duration

	mu       sync.Mutex
	signIns  int
	refused  int // requests to the backup service
	served   int
	verdicts map[string]verdict
}

type verdict struct {
	good bool
	at   time.Time
}

// newRealCloud starts Keystone, or skips the test where it is not installed.
func newRealCloud(t *testing.T) *realCloud {
	t.Helper()
	if testing.Short() {
		t.Skip("takes the better part of a minute")
	}
	for _, program := range []string{"keystone-manage", "uwsgi"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("Keystone is not installed (%s): bash .ci/run keystone installs it on Debian, as root", program)
		}
	}
	c := &realCloud{t: t, verdicts: map[string]verdict{}}
	c.startKeystone(t.TempDir())
	var err error
	// It ends each connection without saying so.
	c.proxy, err = simkit.StartProxy(c.direct, &http.Transport{DisableKeepAlives: true}, false)
	require.NoError(t, err)
	t.Cleanup(c.proxy.Close)
	c.proxy.Decide(func(req *http.Request) simkit.ProxyFault {
		if req.Method == http.MethodPost && strings.HasSuffix(req.URL.Path, "/auth/tokens") {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.signIns++
		}
		return simkit.ProxyFault{}
	})
	c.backup = httptest.NewTLSServer(http.HandlerFunc(c.serve))
	t.Cleanup(c.backup.Close)
	return c
}

// startKeystone sets up a Keystone of its own in a folder and starts it.
func (c *realCloud) startKeystone(dir string) {
	c.t.Helper()
	began := time.Now()
	port := freePort(c.t)
	c.direct = "http://" + port
	config := filepath.Join(dir, "keystone.conf")
	for _, folder := range []string{"fernet", "credential", "log"} {
		require.NoError(c.t, os.Mkdir(filepath.Join(dir, folder), 0o700))
	}
	configure := func(life time.Duration) {
		c.life = life
		require.NoError(c.t, os.WriteFile(config, fmt.Appendf(nil, `[DEFAULT]
log_dir=%[1]s/log
[database]
connection=sqlite:///%[1]s/keystone.db
[auth]
methods=password,token,totp
[token]
provider=fernet
expiration=%[2]d
[fernet_tokens]
key_repository=%[1]s/fernet
[fernet_receipts]
key_repository=%[1]s/fernet
[credential]
key_repository=%[1]s/credential
[cache]
enabled=false
`, dir, int(life/time.Second)), 0o600))
	}
	configure(shortLife)
	owner := []string{}
	if os.Geteuid() == 0 {
		owner = []string{"--keystone-user", "root", "--keystone-group", "root"}
	}
	for _, arguments := range [][]string{
		{"db_sync"},
		append([]string{"fernet_setup"}, owner...),
		append([]string{"credential_setup"}, owner...),
		{
			"bootstrap", "--bootstrap-password", "s3cret", "--bootstrap-region-id", "RegionOne",
			"--bootstrap-admin-url", c.direct + "/v3/", "--bootstrap-public-url", c.direct + "/v3/", "--bootstrap-internal-url", c.direct + "/v3/",
		},
	} {
		out, err := exec.CommandContext(c.t.Context(), "keystone-manage", append([]string{"--config-file", config}, arguments...)...).CombinedOutput()
		require.NoErrorf(c.t, err, "keystone-manage %s\n%s", arguments[0], out)
	}
	const usual = 12 * time.Second // until here
	slower := time.Since(began).Seconds() / usual.Seconds()
	configure(min(max(shortLife, time.Duration(slower*float64(shortLife)).Truncate(time.Second)), longLife))
	c.serveKeystone(dir, port)
	c.t.Logf("Keystone is ready after %s, its tokens are good for %s", time.Since(began).Round(time.Second/10), c.life)
}

// serveKeystone runs it with one thread: its SQLite connections do not travel between threads.
func (c *realCloud) serveKeystone(dir, port string) {
	c.t.Helper()
	log, err := os.Create(filepath.Join(dir, "uwsgi.log"))
	require.NoError(c.t, err)
	program, err := exec.LookPath("keystone-wsgi-public")
	require.NoError(c.t, err)
	// Not on the test's context: a worker that is killed with its master leaves no orphan.
	uwsgi := exec.Command("uwsgi", "--plugin", "python3", "--http-socket", port, "--wsgi-file", program,
		"--master", "--processes", "1", "--lazy-apps", "--die-on-term", "--buffer-size", "65535",
		"--env", "OS_KEYSTONE_CONFIG_FILES="+filepath.Join(dir, "keystone.conf"), "--env", "OS_KEYSTONE_CONFIG_DIR="+dir)
	uwsgi.Stdout, uwsgi.Stderr = log, log
	require.NoError(c.t, uwsgi.Start())
	c.t.Cleanup(func() {
		_ = uwsgi.Process.Signal(os.Interrupt)
		kill := time.AfterFunc(20*time.Second, func() { _ = uwsgi.Process.Kill() })
		_ = uwsgi.Wait()
		kill.Stop()
		_ = log.Close()
		if c.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			c.t.Logf("uwsgi:\n%s", text[max(0, len(text)-4000):])
		}
	})
	require.Eventually(c.t, func() bool {
		resp, err := http.Get(c.direct + "/v3")
		if err == nil {
			_ = resp.Body.Close()
		}
		return err == nil && resp.StatusCode == http.StatusOK
	}, 4*time.Minute, time.Second/5, "Keystone does not answer")
}

func freePort(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return listener.Addr().String()
}

// ask sends a request to Keystone itself, as the administrator or with a token. Now and then its database is locked
// by a transaction that it has forgotten, and it hangs up.
func (c *realCloud) ask(method, path, token, body string) *http.Response {
	c.t.Helper()
	for left := 5; ; left-- {
		header := token
		if token == "admin" {
			header = c.admin
		}
		resp, err := c.try(method, path, header, body)
		switch {
		case err != nil && left > 0:
		case err != nil:
			require.NoError(c.t, err)
		case token == "admin" && left > 0 && ended(resp):
			c.admin = c.ask(http.MethodPost, "/v3/auth/tokens", "", `{"auth":{"identity":{"methods":["password"],
				"password":{"user":{"name":"admin","domain":{"id":"default"},"password":"s3cret"}}},
				"scope":{"project":{"name":"admin","domain":{"id":"default"}}}}}`).Header.Get("X-Subject-Token")
		default:
			return resp
		}
	}
}

// ended reports whether Keystone has refused a token, before the request or while it ran.
func ended(resp *http.Response) bool {
	text, _ := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp.StatusCode == http.StatusUnauthorized ||
		resp.StatusCode == http.StatusNotFound && bytes.Contains(text, []byte("Failed to validate token"))
}

func (c *realCloud) try(method, path, token, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(context.Background(), method, c.direct+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Close = true
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", token)
	req.Header.Set("X-Subject-Token", token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp, err
}

// make creates something in Keystone and returns its id.
func (c *realCloud) make(kind, plural, members string) string {
	c.t.Helper()
	resp := c.ask(http.MethodPost, "/v3/"+plural, "admin", `{"`+kind+`":`+members+`}`)
	text, _ := io.ReadAll(resp.Body)
	require.Equalf(c.t, http.StatusCreated, resp.StatusCode, "%s: %s", kind, text)
	var answer map[string]struct{ ID string }
	require.NoError(c.t, json.Unmarshal(text, &answer))
	return answer[kind].ID
}

// serve is the backup service, which believes Keystone alone.
func (c *realCloud) serve(w http.ResponseWriter, req *http.Request) {
	good := c.judge(req.Header.Get("X-Auth-Token"))
	c.mu.Lock()
	defer c.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	if !good {
		c.refused++
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}`)
		return
	}
	c.served++
	_, _ = io.WriteString(w, `{"vaults":[],"count":0}`)
}

// judge asks Keystone about a token, at most five times a second: it takes its time.
func (c *realCloud) judge(token string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.verdicts[token]; time.Since(known.at) < time.Second/5 {
		return known.good
	}
	resp := c.ask(http.MethodGet, "/v3/auth/tokens?nocatalog=1", token, "")
	c.verdicts[token] = verdict{resp.StatusCode == http.StatusOK, time.Now()}
	return c.verdicts[token].good
}

// client returns one that trusts the proxy and the backup service.
func (c *realCloud) client(credentials Credentials) *Client {
	c.t.Helper()
	through := c.proxy.Transport()
	pool := through.TLSClientConfig.RootCAs.Clone()
	pool.AddCert(c.backup.Certificate())
	client, err := NewClient("", "", credentials, drkit.WithRootCAs(pool))
	require.NoError(c.t, err)
	c.t.Cleanup(func() { assert.NoError(c.t, client.Close(context.Background())) })
	return client
}

// tally returns the sign-ins, and the requests to the backup service, since the last time.
func (c *realCloud) tally() (signIns, served, refused int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	signIns, served, refused = c.signIns, c.served, c.refused
	c.signIns, c.served, c.refused = 0, 0, 0
	return signIns, served, refused
}
