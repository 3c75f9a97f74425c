package transport_test

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// lease is a service whose sessions last, and say how long.
type lease struct {
	mu      sync.Mutex
	life    time.Duration
	known   time.Duration // how long after a sign-in the service knows the token
	signIns int
	err     error
	refuse  bool // whatever token comes
	seen    []string
	ended   int
	began   time.Time
}

func (l *lease) session(s *transport.Session) {
	s.SignIn = func(context.Context) (transport.Grant, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.signIns++
		l.began = time.Now()
		return transport.Grant{Token: drkit.NewSecret("token-" + string(rune('a'+l.signIns))), Life: l.life}, l.err
	}
	s.SignOut = func(context.Context) error { l.ended++; return nil }
}

func (l *lease) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen = append(l.seen, req.Header.Get("X-Token"))
	if l.refuse || time.Since(l.began) < l.known {
		return answers(401, `{"code":"SessionOver","msg":"sign in"}`)(req)
	}
	return answers(200, `{"id":"1"}`)(req)
}

func (l *lease) client(t *testing.T, change func(*transport.Config)) *transport.Client {
	return newClientWith(t, "https://a.example.com", func(c *transport.Config) {
		l.session(&c.Session)
		if change != nil {
			change(c)
		}
	}, drkit.WithTransport(l))
}

func TestSessionIsRenewedAheadOfItsEnd(t *testing.T) {
	t.Parallel()
	for life, margin := range map[time.Duration]time.Duration{24 * time.Hour: 5 * time.Minute, time.Minute: 15 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			l := &lease{life: life}
			client := l.client(t, nil)
			require.NoError(t, get(t.Context(), client))
			<-time.After(life - margin*6/5 - time.Millisecond)
			require.NoError(t, get(t.Context(), client))
			assert.Equal(t, 1, l.signIns)
			<-time.After(margin/5 + time.Millisecond)
			require.NoError(t, get(t.Context(), client))
			assert.Equal(t, 2, l.signIns)

			l.err = errors.New("away")
			<-time.After(life - margin)
			require.NoError(t, get(t.Context(), client))
			require.NoError(t, get(t.Context(), client))
			assert.Equal(t, 3, l.signIns, "a renewal that fails is not tried again at once")
			<-time.After(margin)
			require.ErrorContains(t, get(t.Context(), client), "away")
			assert.Equal(t, []string{"token-b", "token-b", "token-c", "token-c", "token-c"}, l.seen)
		})
	}
}

func TestSessionOfUnknownLifeIsNotRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &lease{}
		client := l.client(t, nil)
		require.NoError(t, get(t.Context(), client))
		<-time.After(1000 * time.Hour)
		require.NoError(t, get(t.Context(), client))
		assert.Equal(t, 1, l.signIns)
	})
}

// A token that was refused before anything was done under it serves on for a while, and each call tries it twice.
func TestRefusedTokenRests(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &lease{refuse: true}
		client := l.client(t, func(c *transport.Config) { c.Session.Rest = time.Minute })
		for range 10 {
			require.ErrorIs(t, get(t.Context(), client), drkit.ErrUnauthorized)
		}
		assert.Equal(t, 1, l.signIns)
		<-time.After(time.Minute)
		require.ErrorIs(t, get(t.Context(), client), drkit.ErrUnauthorized)
		assert.Equal(t, 2, l.signIns)
		assert.Len(t, l.seen, 10*2+1+2, "and the call is sent again under the new one")

		l.refuse = false
		require.NoError(t, get(t.Context(), client))
		l.refuse = true
		require.ErrorIs(t, get(t.Context(), client), drkit.ErrUnauthorized)
		assert.Equal(t, 3, l.signIns, "a token that was good may have ended")
	})
}

// Not all of a service knows a token as soon as there is one.
func TestTokenThatIsNotKnownYet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := &lease{known: 400 * time.Millisecond}
		client := l.client(t, func(c *transport.Config) { c.Session.Rest = time.Minute })
		require.NoError(t, get(t.Context(), client))
		assert.Equal(t, []string{"token-b", "token-b"}, l.seen)

		l.refuse, l.seen = true, nil // the token has ended, and its successor takes a moment
		time.AfterFunc(100*time.Millisecond, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.refuse = false
		})
		require.NoError(t, get(t.Context(), client))
		assert.Equal(t, []string{"token-b", "token-c", "token-c"}, l.seen)
		assert.Equal(t, 2, l.signIns)
	})
}

// What must not repeat goes out again only where the service has said that it did nothing.
func TestWhatMustNotRepeatUnderATokenThatIsNotKnownYet(t *testing.T) {
	t.Parallel()
	for name, refusals := range map[string][]string{"proof": {"SessionOver"}, "no proof": nil} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &lease{known: 400 * time.Millisecond}
				client := l.client(t, func(c *transport.Config) { c.Session.Rest = time.Minute })
				operation := api.Operation{Name: "Things.Create", Method: "POST", Path: "/things", Class: api.Once, Refusals: refusals}
				_, err := client.Do(t.Context(), transport.Call{Operation: &operation}, nil)
				if refusals == nil {
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					assert.Len(t, l.seen, 1)
					return
				}
				require.NoError(t, err)
				assert.Len(t, l.seen, 2)
			})
		})
	}
}

// Neither the caller nor Close waits until the service knows the token.
func TestEndWhileATokenIsNotKnownYet(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		by   func(client *transport.Client, cancel context.CancelFunc) error
		want error
	}{
		"caller": {func(_ *transport.Client, cancel context.CancelFunc) error { cancel(); return nil }, context.Canceled},
		"Close": {
			func(client *transport.Client, _ context.CancelFunc) error { return client.Close(context.Background()) },
			drkit.ErrClosed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				l := &lease{refuse: true}
				client := l.client(t, func(c *transport.Config) { c.Session.Rest = time.Minute })
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				began := time.Now()
				time.AfterFunc(100*time.Millisecond, func() { assert.NoError(t, end.by(client, cancel)) })
				err := get(ctx, client)
				require.ErrorIs(t, err, end.want)
				require.ErrorContains(t, err, "SessionOver")
				assert.Equal(t, 100*time.Millisecond, time.Since(began))
				assert.Len(t, l.seen, 1)
			})
		})
	}
}

// Where a refusal is no proof, the call is not sent again, and yet the next one signs in anew.
func TestDoubtedSession(t *testing.T) {
	t.Parallel()
	l := &lease{}
	client := l.client(t, func(c *transport.Config) {
		c.Session.Expired = func(e *drkit.Error) bool { return errors.Is(e, drkit.ErrUnauthorized) }
	})
	fragile := moveThing
	fragile.Refusals = nil
	moved := func() error {
		_, err := client.Do(t.Context(), transport.Call{Operation: &fragile, Path: []string{"7"}}, nil)
		return err
	}
	require.NoError(t, moved())
	l.refuse = true
	require.ErrorIs(t, moved(), drkit.ErrOutcomeUnknown)
	l.refuse = false
	require.NoError(t, moved())
	assert.Equal(t, []string{"token-b", "token-b", "token-c"}, l.seen)
}

func TestSessionThatOutlivesTheClient(t *testing.T) {
	t.Parallel()
	l := &lease{}
	client := l.client(t, func(c *transport.Config) { c.Session.Outlives = true })
	require.NoError(t, get(t.Context(), client))
	require.NoError(t, client.SignOut(t.Context()))
	assert.Equal(t, 1, l.ended)
	require.NoError(t, get(t.Context(), client))
	require.NoError(t, client.Close(t.Context()))
	assert.Equal(t, 1, l.ended)
}

// Paths of a service that keeps its projects apart.
var (
	readScoped = api.Operation{Name: "Things.Get", Method: http.MethodGet, Path: "/v3/{project_id}/things/{thingId}", Class: api.Read}
	moveScoped = api.Operation{Name: "Things.Move", Method: http.MethodPost, Path: "/v3/{project_id}/things/{thingId}", Class: api.Once}
)

// Endpoint and scope may come with the first session, and then stay.
func TestPlaceThatComesWithTheSession(t *testing.T) {
	t.Parallel()
	grant := transport.Grant{Token: drkit.NewSecret("token-a"), Endpoint: "https://b.example.com/base/", Scope: "p 1"}
	network := scripted(answers(200, `{"id":"1"}`))
	client := newClientWith(t, "", func(c *transport.Config) {
		c.Elsewhere, c.ScopeParameter = true, "project_id"
		c.Session.SignIn = func(context.Context) (transport.Grant, error) { return grant, nil }
	}, drkit.WithTransport(network))
	endpoint, scope := client.Place()
	assert.Empty(t, endpoint+scope)
	call := transport.Call{Operation: &readScoped, Path: []string{"{project_id}"}}
	_, err := client.Do(t.Context(), call, nil)
	require.NoError(t, err)
	assert.Equal(t, "https://b.example.com/base/v3/p%201/things/%7Bproject_id%7D", network.seen[0].URL.String())
	assert.Equal(t, "b.example.com", network.seen[0].Host)
	endpoint, scope = client.Place()
	assert.Equal(t, []string{"https://b.example.com/base", "p 1"}, []string{endpoint, scope})

	require.NoError(t, client.SignOut(t.Context()))
	_, err = client.Do(t.Context(), transport.Call{Operation: &moveScoped, Path: []string{"7", "8"}}, nil)
	require.ErrorContains(t, err, "2 arguments")
	_, err = client.Do(t.Context(), transport.Call{Operation: &moveScoped}, nil)
	require.ErrorContains(t, err, "0 arguments")
}

func TestPlaceThatDoesNotCome(t *testing.T) {
	t.Parallel()
	for want, grant := range map[string]transport.Grant{
		"does not say where the service is":          {},
		"the service names as its own address: ":     {Endpoint: "http://b.example.com"},
		"or what it is for":                          {Endpoint: "https://b.example.com"},
		"the session is for nothing that can be":     {Endpoint: "https://b.example.com", Scope: ".."},
		"the service names as its own address: endp": {Endpoint: "https://b.example.com?x", Scope: "p"},
	} {
		grant.Token = drkit.NewSecret("token-a")
		network := scripted(answers(200, `{"id":"1"}`))
		client := newClientWith(t, "", func(c *transport.Config) {
			c.Elsewhere, c.ScopeParameter = true, "project_id"
			c.Session.SignIn = func(context.Context) (transport.Grant, error) { return grant, nil }
		}, drkit.WithTransport(network))
		_, err := client.Do(t.Context(), transport.Call{Operation: &moveScoped, Path: []string{"7"}}, nil)
		require.ErrorContains(t, err, want)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Zero(t, network.count())
	}
	_, err := newConfigured("", nil)
	require.Error(t, err, "only who says so may leave the endpoint out")
	_, err = newConfigured("https://a.example.com", func(c *transport.Config) { c.ScopeParameter, c.Scope = "project_id", ".." })
	require.ErrorContains(t, err, `project_id ".." is not an id`)
}

// A scope that the session must have: one for another is no session of this client.
func TestScopeThatIsGiven(t *testing.T) {
	t.Parallel()
	scope := "p1"
	network := scripted(answers(200, `{"id":"1"}`))
	client := newClientWith(t, "https://a.example.com", func(c *transport.Config) {
		c.ScopeParameter, c.Scope = "project_id", "p1"
		c.Session.SignIn = func(context.Context) (transport.Grant, error) {
			return transport.Grant{Token: drkit.NewSecret("token-a"), Scope: scope, Endpoint: "https://evil.example.com"}, nil
		}
	}, drkit.WithTransport(network))
	_, err := client.Do(t.Context(), transport.Call{Operation: &readScoped, Path: []string{"7"}}, nil)
	require.NoError(t, err)
	assert.Equal(t, "https://a.example.com/v3/p1/things/7", network.seen[0].URL.String(), "the endpoint of the user stays")
	require.NoError(t, client.SignOut(t.Context()))
}
