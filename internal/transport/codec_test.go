package transport_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// inWords is a codec of a service that speaks words.
var inWords = transport.Codec{
	MediaType: "text/words",
	Encode: func(operation *api.Operation, body any) ([]byte, error) {
		text, ok := body.(string)
		if !ok {
			return nil, errors.New("not a word")
		}
		return []byte(operation.Name + " " + text), nil
	},
	Decode: func(data []byte, out any) error {
		word, ok := out.(*string)
		if !ok || len(data) == 0 {
			return errors.New("no words")
		}
		*word = string(data)
		return nil
	},
	Redact: func(data []byte) []byte { return []byte(strings.ReplaceAll(string(data), "hush", "[hidden]")) },
}

// A service may write bodies in its own way.
func TestCodec(t *testing.T) {
	t.Parallel()
	speaks := func(c *transport.Config) {
		given(c)
		c.Codec = inWords
		c.Accept = func(string, bool) string { return inWords.MediaType }
	}
	network := scripted(func(r *http.Request) (*http.Response, error) {
		assert.Equal(t, []string{"text/words"}, r.Header["Content-Type"])
		assert.Equal(t, []string{"text/words"}, r.Header["Accept"])
		body := make([]byte, 100)
		n, _ := r.Body.Read(body)
		assert.Equal(t, "Things.Replace go", string(body[:n]))
		return answers(200, "hush gone")(r)
	}, answers(200, ""))
	client := newClientWith(t, "https://a.example.com", speaks, drkit.WithTransport(network))
	var shown, got string
	ctx := drkit.OnResponse(t.Context(), func(r drkit.Response) { shown = string(r.Body) })
	_, err := client.Do(ctx, transport.Call{Operation: &replaceThing, Path: []string{"1"}, Body: "go"}, &got)
	require.NoError(t, err)
	assert.Equal(t, "hush gone", got)
	assert.Equal(t, "[hidden] gone", shown)
	_, err = client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"1"}}, &got)
	require.ErrorContains(t, err, "cannot be used (application/json): no words")
	_, err = client.Do(t.Context(), transport.Call{Operation: &replaceThing, Path: []string{"1"}, Body: 1}, &got)
	require.ErrorContains(t, err, "request body: not a word")
	assert.Equal(t, 2, network.count())
}

// Operations that share their path and method are told apart by an action.
func TestActions(t *testing.T) {
	t.Parallel()
	stop := moveThing
	stop.Path, stop.Action = "/things/{thingId}", "stop now"
	for want, query := range map[string]any{
		"/things/1?action=stop+now": nil, "/things/1?action=stop+now&limit=2": struct {
			Limit int `url:"limit"`
		}{2},
	} {
		network := scripted(answers(200, "{}"))
		client := newClient(t, "https://a.example.com", drkit.WithTransport(network))
		_, err := client.Do(t.Context(), transport.Call{Operation: &stop, Path: []string{"1"}, Query: query}, nil)
		require.NoError(t, err)
		assert.Equal(t, want, network.seen[0].URL.RequestURI())
	}
}

// A sign-in may bring its credentials in a header, which other calls do not have.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	network := scripted(answers(200, "{}", "X-Token", "t"), answers(200, "{}"))
	var client *transport.Client
	client, err := newConfigured("https://a.example.com", func(c *transport.Config) {
		c.Session.SignIn = func(ctx context.Context) (transport.Grant, error) {
			call := transport.Call{Operation: &signIn, Header: map[string]string{"Authorization": "Basic eDp5"}}
			answer, err := client.Do(ctx, call, nil)
			return transport.Grant{Token: drkit.NewSecret(answer.Header("X-Token"))}, err
		}
	}, drkit.WithTransport(network))
	require.NoError(t, err)
	_, err = client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"1"}}, nil)
	require.NoError(t, err)
	assert.Equal(t, "Basic eDp5", network.seen[0].Header.Get("Authorization"))
	assert.Empty(t, network.seen[1].Header.Get("Authorization"))
	require.NoError(t, client.Close(t.Context()))
}

// What a session does not allow is not sent under it.
func TestCallsThatAreNotAdmitted(t *testing.T) {
	t.Parallel()
	network := scripted(answers(200, "{}", "X-Token", "t"), answers(200, "{}"))
	var client *transport.Client
	client, err := newConfigured("https://a.example.com", withSession(&client), drkit.WithTransport(network))
	require.NoError(t, err)
	refused := errors.New("not with this session")
	asked := func() error {
		assert.Equal(t, 1, network.count(), "there is a session")
		return refused
	}
	_, err = client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"1"}, Admit: asked}, nil)
	require.ErrorIs(t, err, refused)
	require.EqualError(t, err, "fake.Things.Move: not with this session")
	assert.Equal(t, 1, network.count())
	_, err = client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"1"}, Admit: func() error { return nil }}, nil)
	require.NoError(t, err)
	assert.Equal(t, 2, network.count())
}

// Where errors have no codes, the contract lists statuses: of the service's own answers only.
func TestRefusalsByStatus(t *testing.T) {
	t.Parallel()
	listed := moveThing
	listed.Refusals = []string{"401"}
	for name, tc := range map[string]struct {
		body string
		sent int
		want error
	}{
		"its own":         {"no: over", 4, nil},
		"somebody's":      {"<html>", 2, drkit.ErrOutcomeUnknown},
		"with a code":     {"code: over", 2, drkit.ErrOutcomeUnknown},
		"nobody's at all": {"", 2, drkit.ErrOutcomeUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			network := scripted(answers(200, "", "X-Token", "first"), answers(401, tc.body), answers(200, "", "X-Token", "second"), answers(200, "{}"))
			var client *transport.Client
			client, err := newConfigured("https://a.example.com", func(c *transport.Config) {
				withSession(&client)(c)
				c.Session.Expired = func(answer *drkit.Error) bool { return errors.Is(answer, drkit.ErrUnauthorized) }
				c.DecodeError = func(_ int, body []byte) (transport.ServiceError, bool) {
					kind, text, own := strings.Cut(string(body), ": ")
					said := transport.ServiceError{Message: text}
					if kind == "code" {
						said.Code = "Over"
					}
					return said, own
				}
			}, drkit.WithTransport(network))
			require.NoError(t, err)
			_, err = client.Do(t.Context(), transport.Call{Operation: &listed, Path: []string{"1"}}, nil)
			if tc.want == nil {
				require.NoError(t, err)
			} else {
				require.ErrorIs(t, err, tc.want)
			}
			assert.Equal(t, tc.sent, network.count())
		})
	}
}

// A session that nobody has used for as long as it lives is not tried any more; one that is given is.
func TestIdleSessions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := scripted(
			answers(200, "", "X-Token", "first"), answers(200, "{}"), // a slow one
			func(r *http.Request) (*http.Response, error) {
				<-time.After(50 * time.Second) // of the bubble
				return answers(200, "{}")(r)
			},
			answers(200, "{}"), answers(200, "", "X-Token", "second"), answers(200, "{}"),
		)
		var client *transport.Client
		client, err := newConfigured("https://a.example.com", func(c *transport.Config) {
			withSession(&client)(c)
			c.Session.Idle = time.Minute
		}, drkit.WithTransport(network))
		require.NoError(t, err)
		read := func(client *transport.Client, pause time.Duration) {
			<-time.After(pause) // of the bubble
			_, err := client.Do(context.Background(), transport.Call{Operation: &readThing, Path: []string{"1"}}, nil)
			require.NoError(t, err)
		}
		read(client, 0)
		read(client, time.Minute)
		read(client, 55*time.Second) // counted from the end of the slow one
		assert.Equal(t, 4, network.count())
		read(client, time.Minute+1)
		assert.Equal(t, 6, network.count())
		assert.Equal(t, "second", network.seen[5].Header.Get("X-Token"))

		alone := scripted(answers(200, "{}"))
		holder := newClientWith(t, "https://a.example.com", func(c *transport.Config) { given(c); c.Session.Idle = time.Minute }, drkit.WithTransport(alone))
		read(holder, 0)
		read(holder, time.Hour)
		assert.Equal(t, "given-token", alone.seen[1].Header.Get("X-Token"))
		require.NoError(t, client.Close(context.Background()))
	})
}
