package transport_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// siteServer loses the session at a site until it is regained.
type siteServer struct {
	lost  atomic.Bool
	calls atomic.Int64
}

func (s *siteServer) RoundTrip(req *http.Request) (*http.Response, error) {
	s.calls.Add(1)
	if req.URL.Query().Get("site") != "" && s.lost.Load() {
		return answers(401, `{"code":"SiteLost","msg":"extend"}`)(req)
	}
	return answers(200, `{"id":"1"}`)(req)
}

func TestSessionAtASiteIsRegained(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		operation *api.Operation
		regains   error // how regaining ends
		calls     int64 // sent by each caller
		unknown   bool
		fails     bool
	}{
		"read":                              {&readThing, nil, 2, false, false},
		"replaceable":                       {&replaceThing, nil, 2, false, false},
		"once is not sent again":            {&moveThing, nil, 1, true, true},
		"read at a site that stays lost":    {&readThing, errors.New("no"), 1, false, true},
		"replaceable at one that is no use": {&replaceThing, errors.New("no"), 1, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &siteServer{}
				server.lost.Store(true)
				var regained atomic.Int64
				client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
					c.Session.Token = drkit.NewSecret("given-token")
					c.Session.Lost = func(e *drkit.Error) bool { return e.Code == "SiteLost" }
					c.Session.Regain = func(_ context.Context, site string) error {
						<-time.After(time.Second)
						assert.Equal(t, "south", site)
						regained.Add(1)
						server.lost.Store(tc.regains != nil)
						return tc.regains
					}
				}, drkit.WithTransport(server))
				const callers = 20
				var all sync.WaitGroup
				for range callers {
					all.Go(func() {
						call := transport.Call{Operation: tc.operation, Path: []string{"7"}, Site: "south"}
						_, err := client.Do(t.Context(), call, nil)
						assert.Equal(t, tc.fails, err != nil, err)
						assert.Equal(t, tc.unknown, errors.Is(err, drkit.ErrOutcomeUnknown), err)
						if tc.fails {
							assert.ErrorIs(t, err, drkit.ErrUnauthorized)
						}
					})
				}
				all.Wait()
				assert.EqualValues(t, 1, regained.Load(), "once for all who need it")
				assert.Equal(t, callers*tc.calls, server.calls.Load())
				_, err := client.Do(t.Context(), transport.Call{Operation: tc.operation, Path: []string{"7"}}, nil)
				require.NoError(t, err, "the local site was never lost")
			})
		})
	}
}

func TestCallsThatCompleteASignIn(t *testing.T) {
	t.Parallel()
	network := scripted(answers(200, `{"id":"1"}`), answers(500, `{"code":"X","msg":"you sent fresh-token"}`))
	client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
		c.Session.SignIn = func(context.Context) (transport.Grant, error) {
			t.Error("a call that brings its token needs no session")
			return transport.Grant{}, nil
		}
	}, drkit.WithTransport(network), drkit.WithReadOnly())
	call := transport.Call{Operation: &moveThing, Path: []string{"7"}, Token: drkit.NewSecret("fresh-token"), Session: true}
	_, err := client.Do(t.Context(), call, nil)
	require.NoError(t, err, "a read-only client may change its session")
	assert.Equal(t, "fresh-token", network.seen[0].Header.Get("X-Token"))
	_, err = client.Do(t.Context(), call, nil)
	require.ErrorContains(t, err, "[redacted]")
	assertNoSecret(t, err.Error(), "fresh-token")
}

func TestSecretsThatComeLater(t *testing.T) {
	t.Parallel()
	const secret = `p"w<&>+ö`
	said := `{"code":"X","msg":"you sent p\"w\u003c\u0026\u003e+ö and p\"w<&>+ö"}`
	client := newClient(t, "https://a.example.com", drkit.WithTransport(scripted(answers(500, said))))
	client.Hide(drkit.NewSecret(secret), drkit.NewSecret(secret))
	ctx := drkit.OnResponse(t.Context(), func(r drkit.Response) {
		assert.JSONEq(t, `{"code":"X","msg":"you sent [redacted] and [redacted]"}`, string(r.Body))
	})
	_, err := client.Do(ctx, transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
	require.ErrorContains(t, err, "you sent [redacted] and [redacted]")

	failed := &drkit.TaskError{Message: "with " + secret, Args: []string{secret}, Warnings: nil, Stack: secret}
	client.ScrubTask(failed)
	assert.Equal(t, &drkit.TaskError{Message: "with [redacted]", Args: []string{"[redacted]"}, Stack: "[redacted]"}, failed)
}

func TestSignInByNameKeepsItsName(t *testing.T) {
	t.Parallel()
	var seen []string
	server := &sessionServer{}
	client := newSessionClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
		seen = append(seen, req.Header.Get("operationID"))
		return server.RoundTrip(req)
	}))
	var observed []drkit.Response
	ctx := drkit.OnResponse(drkit.WithOperationID(t.Context(), "drill-7"), func(r drkit.Response) { observed = append(observed, r) })
	require.NoError(t, client.SignIn(ctx))
	assert.Equal(t, []string{"drill-7"}, seen)
	require.Len(t, observed, 1)
	assert.Equal(t, "fake.Sessions.SignIn", observed[0].Operation)
	require.Error(t, client.SignIn(drkit.WithOperationID(t.Context(), "a\nb")))

	server.expire()
	require.NoError(t, get(ctx, client))
	assert.Equal(t, "drill-7", seen[1])
	assert.NotEqual(t, "drill-7", seen[2], "a sign-in that a call causes serves others, too")
}
