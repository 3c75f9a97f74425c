package transport_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// Each attempt is signed as it leaves, with what middleware has made of it.
func TestRequestsAreSigned(t *testing.T) {
	t.Parallel()
	network := scripted(answers(503, ``), answers(200, `{"id":"1"}`))
	var signed []string
	client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
		c.Sign = func(req *http.Request, body []byte) error {
			signed = append(signed, string(body)+" "+req.Header.Get("X-More"))
			req.Header.Set("Authorization", "signature")
			return nil
		}
	}, drkit.WithTransport(network), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}),
		drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTrip(func(req *http.Request) (*http.Response, error) {
				assert.Empty(t, req.Header.Get("Authorization"), "an attempt does not begin with the signature of the last")
				req = req.Clone(req.Context())
				req.Header.Set("X-More", "more")
				return next.RoundTrip(req)
			})
		}))
	_, err := client.Do(t.Context(), transport.Call{Operation: &replaceThing, Path: []string{"7"}, Body: "x"}, nil)
	require.NoError(t, err)
	assert.Equal(t, []string{`"x" more`, `"x" more`}, signed)
	for _, sent := range network.seen {
		body, err := io.ReadAll(sent.Body)
		require.NoError(t, err)
		assert.Equal(t, `"x"`, string(body))
		assert.EqualValues(t, 3, sent.ContentLength)
		assert.Equal(t, "signature", sent.Header.Get("Authorization"))
		assert.NotContains(t, sent.Header, "X-Token")
	}
	require.NoError(t, client.SignIn(t.Context()), "there is no session")
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

func TestWhatCannotBeSignedIsNotSent(t *testing.T) {
	t.Parallel()
	network := scripted(answers(200, `{"id":"1"}`))
	client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
		c.Sign = func(*http.Request, []byte) error { return errors.New("no key") }
	}, drkit.WithTransport(network), drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
		return roundTrip(func(req *http.Request) (*http.Response, error) {
			if req.Header.Get("X-Break") != "" {
				req.Body = io.NopCloser(brokenReader{})
			}
			return next.RoundTrip(req)
		})
	}))
	err := move(t.Context(), client)
	require.ErrorContains(t, err, "signing: no key")
	require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	call := transport.Call{Operation: &moveThing, Path: []string{"7"}, Body: "x", Header: map[string]string{"x-break": "yes"}}
	_, err = client.Do(t.Context(), call, nil)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	assert.Zero(t, network.count())
}

func TestRefusedSignatureIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	network := scripted(answers(401, "<html>"), answers(401, `{"code":"SessionOver","msg":"signature expired"}`), answers(200, `{"id":"1"}`))
	client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
		c.Sign = func(*http.Request, []byte) error { return nil }
	}, drkit.WithTransport(network))
	require.ErrorIs(t, get(t.Context(), client), drkit.ErrUnauthorized, "a proxy's word")
	for range 3 {
		require.ErrorIs(t, move(t.Context(), client), drkit.ErrUnauthorized)
	}
	assert.Equal(t, 2, network.count())
	require.NoError(t, client.SignIn(t.Context()))
	require.NoError(t, move(t.Context(), client))
}

// Names of headers tell what must not be shown.
func TestHeadersThatAreNotShown(t *testing.T) {
	t.Parallel()
	names := []string{"X-Token", "X-Subject-Token", "X-Auth-Token", "Authorization", "Set-Cookie", "X-Security-Token"}
	var header []string
	for _, name := range names {
		header = append(header, name, "what nobody may see")
	}
	client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(answers(200, `{"id":"1"}`, append(header, "X-Plain", "fine")...))))
	var shown drkit.Response
	require.NoError(t, get(drkit.OnResponse(t.Context(), func(r drkit.Response) { shown = r }), client))
	for _, name := range names {
		assert.Equal(t, []string{"[redacted]"}, shown.Header[name], name)
	}
	assert.Equal(t, "fine", shown.Header["X-Plain"][0])
}

// Two clients of one user share a rate limit, and what must not show.
func TestClientsBesideEachOther(t *testing.T) {
	t.Parallel()
	first := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(answers(200, `{"id":"1"}`))))
	second := newClientWith(t, "https://b.example.com", func(c *transport.Config) {
		c.Beside, c.Session.Token = first, drkit.NewSecret("another-token")
	}, drkit.WithTransport(scripted(answers(400, `{"code":"X","msg":"given-token and another-token"}`))))
	err := get(t.Context(), second)
	require.Error(t, err)
	assert.Equal(t, 2, strings.Count(err.Error(), "[redacted]"))
}
