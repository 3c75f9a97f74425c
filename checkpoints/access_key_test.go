package checkpoints

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

var testKey = accessKey{id: "QTWAOYTTINDUT2QVKYUC", secret: drkit.NewSecret("MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc")}

// gateway checks signatures as the gateway does, from what has arrived and nothing else.
type gateway struct {
	t       *testing.T
	key     accessKey
	answers []*http.Response
	dates   []string
	bodies  []string
}

func (g *gateway) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		body, _ = io.ReadAll(req.Body)
		assert.EqualValues(g.t, len(body), req.ContentLength)
	}
	g.bodies = append(g.bodies, string(body))
	date := req.Header.Get("X-Sdk-Date")
	g.dates = append(g.dates, date)
	when, err := time.Parse("20060102T150405Z", date)
	require.NoError(g.t, err)
	assert.LessOrEqual(g.t, time.Since(when).Abs(), 15*time.Minute)

	said := regexp.MustCompile(`SignedHeaders=([a-z;-]+), Signature=([0-9a-f]{64})$`).FindStringSubmatch(req.Header.Get("Authorization"))
	require.Len(g.t, said, 3)
	assert.Contains(g.t, said[1], "host;x-project-id;x-sdk-date")
	again := req.Clone(g.t.Context())
	require.NoError(g.t, g.key.sign(again, body, req.Header.Get("X-Project-Id"), when))
	assert.Equal(g.t, again.Header.Get("Authorization"), req.Header.Get("Authorization"))
	assert.Empty(g.t, req.Header.Get("X-Auth-Token"))
	if len(g.answers) == 0 {
		return reply(200, `{}`), nil
	}
	answer := g.answers[0]
	g.answers = g.answers[1:]
	return answer, nil
}

func (g *gateway) client(credentials Credentials, options ...drkit.Option) *Client {
	client, err := NewClient(cbrURL, project, credentials, append([]drkit.Option{drkit.WithTransport(g)}, options...)...)
	require.NoError(g.t, err)
	return client
}

// Each attempt is signed anew, with the time at which it leaves.
func TestRetriesAreSignedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		throttled := reply(429, `{"error_code":"APIGW.0308","error_msg":"limit:5,time:1 minute"}`)
		throttled.Header.Set("Retry-After", "20")
		g := &gateway{t: t, key: testKey, answers: []*http.Response{throttled, reply(503, "")}}
		client := g.client(testKey)
		require.NoError(t, list(t.Context(), client))
		require.Len(t, g.dates, 3)
		assert.NotEqual(t, g.dates[0], g.dates[1])
		assert.Equal(t, []string{"", "", ""}, g.bodies)

		g.dates, g.bodies = nil, nil
		g.answers = []*http.Response{reply(502, "")}
		require.ErrorIs(t, create(t.Context(), client), drkit.ErrOutcomeUnknown)
		assert.Equal(t, []string{`{"name":"v"}`}, g.bodies, "a signature changes nothing about what must not repeat")
		require.NoError(t, client.Close(t.Context()))
	})
}

// The signature covers what leaves, after the user's middleware had its way.
func TestWhatIsSentIsSigned(t *testing.T) {
	t.Parallel()
	g := &gateway{t: t, key: testKey}
	client := g.client(testKey, drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			assert.Empty(t, req.Header.Get("Authorization"), "it is not signed yet")
			req = req.Clone(req.Context())
			req.URL.RawQuery = "z=1&a=%20b"
			req.Header.Set("Content-Type", "application/json; charset=utf-8")
			req.Body, req.ContentLength = io.NopCloser(strings.NewReader(`{"name":"other"}`)), -1
			return next.RoundTrip(req)
		})
	}))
	require.NoError(t, create(t.Context(), client))
	assert.Equal(t, []string{`{"name":"other"}`}, g.bodies)
	require.NoError(t, client.Close(t.Context()))
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestTemporaryKeys(t *testing.T) {
	t.Parallel()
	g := &gateway{t: t, key: testKey}
	g.key.token, g.key.temporary = drkit.NewSecret("a security token"), true
	client := g.client(TemporaryKey(testKey.id, testKey.secret, g.key.token))
	require.NoError(t, list(t.Context(), client))
	require.ErrorContains(t, client.Sessions.End(t.Context()), "have no session")
	g.answers = []*http.Response{reply(400, `{"error_code":"X","error_msg":"for a security token and `+testKey.secret.Reveal()+`"}`)}
	require.ErrorContains(t, list(t.Context(), client), "for [redacted] and [redacted]")
}

// Five refused signatures in a row lock a key, so one is enough.
func TestRefusedSignatures(t *testing.T) {
	t.Parallel()
	g := &gateway{t: t, key: testKey, answers: []*http.Response{
		reply(401, `{"unauthorized":{"code":"401","message":"Malformed request url"}}`),
		reply(401, `<html>Sign in to the proxy</html>`),
		reply(401, `{"error_code":"APIGW.0303","error_msg":"Incorrect app authentication information: signature expired"}`),
	}}
	client := g.client(testKey)
	require.ErrorIs(t, list(t.Context(), client), drkit.ErrNotFound)
	require.ErrorIs(t, list(t.Context(), client), drkit.ErrUnauthorized, "what a proxy says is not about the key")
	for range 5 {
		err := create(t.Context(), client)
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		require.ErrorContains(t, err, "APIGW.0303")
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	}
	assert.Len(t, g.dates, 3)
	session, err := client.Sessions.SignIn(t.Context())
	require.NoError(t, err)
	assert.Empty(t, session)
	assert.Len(t, g.dates, 3, "there is nothing to ask")
	require.NoError(t, create(t.Context(), client), "and yet the key is tried once more")
}

func TestSigningThatCannotBe(t *testing.T) {
	t.Parallel()
	g := &gateway{t: t, key: testKey}
	client := g.client(testKey, drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(req *http.Request) (*http.Response, error) {
			req = req.Clone(req.Context())
			req.URL.RawQuery = "a=%zz"
			return next.RoundTrip(req)
		})
	}))
	err := resource{client}.do(t.Context(), transport.Call{Operation: &createVault, Body: "x"}, nil)
	require.ErrorContains(t, err, "signing: query: ")
	require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	assert.Empty(t, g.dates)
}
