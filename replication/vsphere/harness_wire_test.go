package vsphere_test

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/wiretest"
	"github.com/drkit-go/drkit/replication/vsphere"
)

const (
	endpoint = "https://vr-west.example.com"
	base     = "/api/rest/vr/v2"
	// Tokens hold what a careless client would mangle.
	givenToken = "c51d0e7a-(tide)_41=="
	samplesDir = "../../testdata/vsphere"
	signInLine = "POST /api/rest/vr/v2/session"

	west      = "3f2c8d10-5b7e-4a61-9c04-a1d2e3f40011" // vCenter Servers
	east      = "9a4b1c77-02de-4f35-8b60-c5d6e7f80022"
	vrWest    = "51d0a9c2-7714-4e2b-a6f3-0b9c8d7e0033" // management servers
	pairing   = "7c19e0b5-83a4-4d62-b7f8-2e3d4c5b0055"
	ledger    = "GID-20b7c0aa-0001" // a replication
	ledgerVM  = "VirtualMachine:vm-80:" + west
	tillVM    = "VirtualMachine:vm-81:" + west
	server    = "HmsRemoteHbrServer:HBRSRV-5d1f0a3c-0000-4000-8000-00000000a001:" + vrWest
	reef      = "Datastore:datastore-16:" + east
	rehearsal = "Folder:group-v3:" + east
	dock      = "ClusterComputeResource:domain-c8:" + east
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// service is a mocked appliance.
type service struct {
	*wiretest.Service
	t testing.TB
}

func newService(t testing.TB) *service { return &service{wiretest.NewService(t, endpoint), t} }

// on lays out the answers to a method and an escaped path below that of the API.
func (s *service) on(method, path string, answers ...httpmock.Responder) {
	s.t.Helper()
	s.On(method, base+path, answers...)
}

// lines returns the request lines so far, without the path of the API.
func (s *service) lines() []string {
	lines := s.Lines()
	for i := range lines {
		lines[i] = strings.Replace(lines[i], base, "", 1)
	}
	return lines
}

// signsIn lays out a sign-in for each token.
func (s *service) signsIn(tokens ...string) {
	s.t.Helper()
	answers := make([]httpmock.Responder, len(tokens))
	for i, token := range tokens {
		answers[i] = httpmock.NewJsonResponderOrPanic(200, map[string]string{"session_id": token})
	}
	s.on("POST", "/session", answers...)
	s.on("DELETE", "/session", says(204, ""))
}

// client returns a client over the mocked service whose token is given, so that it does not sign in.
func (s *service) client(options ...drkit.Option) *vsphere.Client {
	s.t.Helper()
	return s.clientOf(vsphere.Token(drkit.NewSecret(givenToken)), options...)
}

func (s *service) clientOf(credentials vsphere.Credentials, options ...drkit.Option) *vsphere.Client {
	s.t.Helper()
	return newClient(s.t, s.Mock, credentials, options...)
}

func newClient(t testing.TB, network http.RoundTripper, credentials vsphere.Credentials, options ...drkit.Option) *vsphere.Client {
	t.Helper()
	client, err := vsphere.NewClient(endpoint, credentials, append([]drkit.Option{drkit.WithTransport(network)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

// fast lets tests of the wire send as they like.
var fast = drkit.WithRateLimit(1e6, 1e6)

// ops are credentials of a user, and opsHeader what they are on the wire.
func ops() vsphere.Credentials {
	return vsphere.Login("ops@west.local", drkit.NewSecret("salt & spray"))
}

const opsHeader = "Basic b3BzQHdlc3QubG9jYWw6c2FsdCAmIHNwcmF5"

// headers are all that a request has; an empty token is none. The service takes no operation ID.
func headers(token string, hasBody bool) http.Header {
	h := http.Header{"Accept": {"application/json"}, "User-Agent": {"drkit-go"}}
	if token != "" {
		h["X-Dr-Session"] = []string{token}
	}
	if hasBody {
		h["Content-Type"] = []string{"application/json"}
	}
	return h
}

// testdata returns a wire sample.
func testdata(t testing.TB, name string) string {
	t.Helper()
	return wiretest.Read(t, samplesDir, name)
}

// answer gives a sample; an empty name is an answer without a body.
func answer(t testing.TB, status int, sample string) httpmock.Responder {
	t.Helper()
	if sample == "" {
		return httpmock.NewStringResponder(status, "")
	}
	return says(status, testdata(t, sample))
}

// says gives a JSON document, or nothing.
func says(status int, text string) httpmock.Responder {
	return wiretest.WithHeader(httpmock.NewStringResponder(status, text), "Content-Type", "application/json")
}

// answerOf returns the answer of the service that err holds.
func answerOf(t testing.TB, err error) *drkit.Error {
	t.Helper()
	var answer *drkit.Error
	require.ErrorAs(t, err, &answer)
	return answer
}

// one decodes a sample.
func one[T any](t testing.TB, sample string) T {
	t.Helper()
	var value T
	require.NoError(t, json.Unmarshal([]byte(testdata(t, sample)), &value))
	return value
}

// rows decodes the list of a sample. What its page lacks is in the row with the number that the place names.
func rows[T any](t testing.TB, sample string) []T {
	t.Helper()
	var page struct {
		List []T
		Meta struct{ Errors []vsphere.MetaError } `json:"_meta"`
	}
	require.NoError(t, json.Unmarshal([]byte(testdata(t, sample)), &page))
	for _, failure := range page.Meta.Errors {
		row := int(failure.Field[len("$.list[")] - '0')
		meta := reflect.ValueOf(&page.List[row]).Elem().FieldByName("Meta")
		if meta.Type() == reflect.TypeFor[vsphere.Metadata]() {
			meta = meta.FieldByName("Errors")
			meta.Set(reflect.Append(meta, reflect.ValueOf(failure)))
		} else {
			meta.Set(reflect.ValueOf(drkit.Some(vsphere.Metadata{Errors: []vsphere.MetaError{failure}})))
		}
	}
	return page.List
}

// begun is the id of the work that a poller follows.
type begun string

func started(poller *drkit.Poller[vsphere.Task], err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return begun(poller.ID()), nil
}

// wire is the context of the tests that look at the one request of a call: what a client notes before it sends an
// operation that must not repeat has tests of its own.
func wire(t testing.TB) context.Context { return drkit.WithoutNote(t.Context()) }
