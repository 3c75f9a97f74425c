package checkpoints

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

const (
	iamURL  = "https://iam.example.com/v3"
	cbrURL  = "https://cbr.example.com"
	project = "0605767b9b8025f32f99c018f4e00c50"
)

// cloud is an identity service and a backup service, as round tripper: time is that of the test's bubble, and no
// sockets are needed.
type cloud struct {
	t *testing.T

	mu      sync.Mutex
	life    time.Duration        // of tokens
	clock   time.Duration        // how far the clock of the cloud is from that of the client
	slow    time.Duration        // how long a sign-in takes
	tokens  map[string]time.Time // end of each token, by the client's clock
	issued  int
	bodies  []string // of sign-ins
	under   []string // tokens that sign-ins came under
	queries []string // of sign-ins
	revoked []string
	calls   int // to the backup service
	catalog string
	seen    []*http.Request // by the backup service

	signIn func(*http.Request) *http.Response // instead of a token, unless nil, or nil is returned
	answer func(*http.Request) *http.Response // of the backup service, likewise
}

func newCloud(t *testing.T) *cloud {
	return &cloud{
		t: t, life: 24 * time.Hour, tokens: map[string]time.Time{},
		catalog: catalogOf("cbr", "public", "eu-de", cbrURL+"/v3/"+project),
	}
}

// catalogOf writes a catalogue from type, interface, region and address of each endpoint.
func catalogOf(rows ...string) string {
	var services []string
	for i := 0; i+3 < len(rows); i += 4 {
		services = append(services, fmt.Sprintf(`{"type":%q,"name":"x","endpoints":[{"interface":%q,"region":%q,"region_id":%q,"url":%q}]}`,
			rows[i], rows[i+1], rows[i+2], rows[i+2], rows[i+3]))
	}
	return "[" + strings.Join(services, ",") + "]"
}

func (c *cloud) RoundTrip(req *http.Request) (*http.Response, error) {
	assert.Equal(c.t, "en-us", req.Header.Get("X-Language"), "of messages")
	switch req.URL.Host {
	case "iam.example.com":
		return c.identify(req)
	case "cbr.example.com":
		return c.serve(req), nil
	default:
		c.t.Errorf("a request went to %s", req.URL.Host)
		return reply(502, ""), nil
	}
}

func (c *cloud) identify(req *http.Request) (*http.Response, error) {
	if c.slow > 0 {
		select {
		case <-time.After(c.slow):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !assert.Equal(c.t, "/v3/auth/tokens", req.URL.Path) {
		return reply(404, ""), nil
	}
	if req.Method == http.MethodDelete {
		assert.Equal(c.t, req.Header.Get("X-Subject-Token"), req.Header.Get("X-Auth-Token"))
		c.revoked = append(c.revoked, req.Header.Get("X-Subject-Token"))
		delete(c.tokens, req.Header.Get("X-Subject-Token"))
		return reply(204, ""), nil
	}
	body, _ := io.ReadAll(req.Body)
	c.bodies, c.under = append(c.bodies, string(body)), append(c.under, req.Header.Get("X-Auth-Token"))
	c.queries = append(c.queries, req.URL.RawQuery)
	if c.signIn != nil {
		if resp := c.signIn(req); resp != nil {
			return resp, nil
		}
	}
	c.issued++
	token := fmt.Sprintf("gAAAAABtoken%04d", c.issued)
	now := time.Now()
	c.tokens[token] = now.Add(c.life)
	catalog := c.catalog
	if req.URL.Query().Has("nocatalog") {
		catalog = "[]"
	}
	resp := reply(201, fmt.Sprintf(`{"token":{"issued_at":%q,"expires_at":%q,"methods":["password"],
		"user":{"id":"u1","name":"ops","domain":{"id":"d1","name":"acme"}},
		"project":{"id":%q,"name":"eu-de","domain":{"id":"d1","name":"acme"}},
		"roles":[{"id":"r1","name":"te_admin"}],"catalog":%s}}`,
		stamp(now.Add(c.clock)), stamp(now.Add(c.clock+c.life)), project, catalog))
	resp.Header.Set("X-Subject-Token", token)
	return resp, nil
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func (c *cloud) serve(req *http.Request) *http.Response {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	c.seen = append(c.seen, req)
	if c.answer != nil {
		if resp := c.answer(req); resp != nil {
			return resp
		}
	}
	if end, known := c.tokens[req.Header.Get("X-Auth-Token")]; !known || !time.Now().Before(end) {
		return reply(401, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information: token expires","request_id":"r"}`)
	}
	return reply(200, `{"vaults":[],"count":0}`)
}

func reply(status int, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: int64(len(body)),
		Body: io.NopCloser(bytes.NewBufferString(body)),
	}
}

func (c *cloud) expireAll() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.tokens)
}

func (c *cloud) counts() (signIns, calls int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.bodies), c.calls
}

// set changes what the cloud does from now on.
func (c *cloud) set(change func(*cloud)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

var (
	listVaults  = api.Operation{Name: "Vaults.List", Method: "GET", Path: "/v3/{project_id}/vaults", Class: api.Read}
	getVault    = api.Operation{Name: "Vaults.Get", Method: "GET", Path: "/v3/{project_id}/vaults/{vault_id}", Class: api.Read}
	createVault = api.Operation{
		Name: "Vaults.Create", Method: "POST", Path: "/v3/{project_id}/vaults", Class: api.Once,
		Refusals: []string{"APIGW.0301", "APIGW.0303", "401"},
	}
	versions = api.Operation{Name: "Versions.Get", Method: "GET", Path: "/{api_version}", Class: api.Read}
)

func list(ctx context.Context, c *Client) error {
	return resource{c}.do(ctx, transport.Call{Operation: &listVaults}, nil)
}

func create(ctx context.Context, c *Client) error {
	return resource{c}.do(ctx, transport.Call{Operation: &createVault, Body: map[string]string{"name": "v"}}, nil)
}

func (c *cloud) options(more ...drkit.Option) []drkit.Option {
	return append([]drkit.Option{drkit.WithTransport(c), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1})}, more...)
}

// client returns one that signs in with a password, at an endpoint that only the catalogue knows.
func (c *cloud) client(more ...drkit.Option) *Client {
	return c.clientOf(ops(Identity{URL: iamURL, Project: Project{ID: project}, Region: "eu-de"}), more...)
}

func (c *cloud) clientOf(credentials Credentials, more ...drkit.Option) *Client {
	client, err := NewClient("", "", credentials, c.options(more...)...)
	require.NoError(c.t, err)
	c.t.Cleanup(func() { assert.NoError(c.t, client.Close(context.Background())) })
	return client
}

func ops(at Identity) Credentials {
	return Password(at, User{Name: "ops", Domain: Domain{Name: "acme"}}, drkit.NewSecret("tr0ub4dor&3"))
}

func compact(t testing.TB, text string) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, json.Compact(&out, []byte(text)))
	return out.String()
}
