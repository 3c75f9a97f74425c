package transport_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// meter counts requests by the moment in which they come, and answers.
type meter struct {
	mu sync.Mutex
	at []time.Time
}

func (m *meter) RoundTrip(req *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.at = append(m.at, time.Now())
	m.mu.Unlock()
	return answers(200, `{"id":"7"}`)(req)
}

// most returns how many requests have come within any minute.
func (m *meter) most() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	most := 0
	for i := range m.at {
		n := 0
		for _, at := range m.at[i:] {
			if at.Sub(m.at[i]) < time.Minute {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// Clients that share a limit keep to it together, and each to its own. What waits for one of the two limits does not
// use up the other.
func TestSharedLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		shared := drkit.NewRateLimit(1.2, 20) // 92 a minute at most
		all := &meter{}
		var single []*meter
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		var callers sync.WaitGroup
		for range 3 {
			own := &meter{}
			single = append(single, own)
			client := newClient(t, "https://a.example.com", shared, drkit.WithRateLimit(0.6, 10), drkit.WithTransport(both{own, all}))
			for range 20 {
				callers.Go(func() {
					for ctx.Err() == nil {
						_, err := client.Do(ctx, transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
						if err != nil {
							assert.ErrorIs(t, err, context.DeadlineExceeded)
						}
					}
				})
			}
		}
		callers.Wait()
		assert.LessOrEqual(t, all.most(), 92)
		assert.Greater(t, len(all.at), 700, "of 740 in ten minutes")
		for _, one := range single {
			assert.LessOrEqual(t, one.most(), 46)
			assert.Greater(t, len(one.at), 150, "each gets its part")
		}
	})
}

// both counts a request twice.
type both struct{ one, other *meter }

func (b both) RoundTrip(req *http.Request) (*http.Response, error) {
	_, _ = b.one.RoundTrip(req)
	return b.other.RoundTrip(req)
}

// A closed client, and a context that ends, give up their place in the queue.
func TestSharedLimitIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		client := newClient(t, "https://a.example.com", drkit.NewRateLimit(0.001, 1), drkit.WithTransport(&meter{}))
		call := transport.Call{Operation: &readThing, Path: []string{"7"}}
		_, err := client.Do(t.Context(), call, nil)
		require.NoError(t, err)
		var waiting sync.WaitGroup
		waiting.Go(func() {
			_, err := client.Do(t.Context(), call, nil)
			assert.ErrorIs(t, err, drkit.ErrClosed)
		})
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = client.Do(ctx, call, nil)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, client.Close(t.Context()))
		waiting.Wait()
	})
}

// A turn is taken for what leaves in that moment: not before the note, whose requests take turns of their own.
func TestTurnAfterTheNote(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		all := &meter{}
		client := y.client(t, drkit.WithRateLimit(1, 1), drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(req *http.Request) (*http.Response, error) {
				_, _ = all.RoundTrip(req)
				return next.RoundTrip(req)
			})
		}))
		_, err := y.move(t.Context(), client)
		require.NoError(t, err)
		require.Len(t, all.at, 3)
		for i := range all.at[1:] {
			assert.Equal(t, time.Second, all.at[i+1].Sub(all.at[i]))
		}
	})
}

// Where the note has met the end of the session, the operation goes out under the new one.
func TestTokenOfTheNote(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		y.breaks("sessions", signsIn("a"), signsIn("b"), says(204, ""))
		y.breaks("jobs", says(401, `{"code":"SessionOver","msg":"sign in"}`))
		var token string
		y.breaks("move", func(req *http.Request, do func() (*http.Response, error)) (*http.Response, error) {
			token = req.Header.Get("X-Token")
			return do()
		})
		var client *transport.Client
		client, err := newConfigured("https://a.example.com", withSession(&client), drkit.WithTransport(y))
		require.NoError(t, err)
		_, err = y.move(t.Context(), client)
		require.NoError(t, err)
		assert.Equal(t, "b", token)
		assert.Equal(t, 1, y.count("POST move"))
		require.NoError(t, client.Close(t.Context()))
	})
}

// What stands between the endpoint and the paths, and a header for services that sign in with one.
func TestBaseAndAuthorization(t *testing.T) {
	t.Parallel()
	for endpoint, want := range map[string]string{
		"https://a.example.com":         "https://a.example.com/api/v2/things/7%3A8",
		"https://a.example.com/gateway": "https://a.example.com/gateway/api/v2/things/7%3A8",
	} {
		s := scripted(answers(200, `{"id":"7"}`))
		client := newClientWith(t, endpoint, func(c *transport.Config) {
			c.Base = func(string) string { return "/api/v2" }
			c.Session.Token = drkit.NewSecret("given-token")
		}, drkit.WithTransport(s))
		call := transport.Call{Operation: &readThing, Path: []string{"7:8"}, Authorization: drkit.NewSecret("Basic b3BzOng=")}
		_, err := client.Do(t.Context(), call, nil)
		require.NoError(t, err)
		assert.Equal(t, want, s.seen[0].URL.String())
		assert.Equal(t, strings.TrimPrefix(want, "https://a.example.com"), s.seen[0].URL.RequestURI())
		assert.Equal(t, []string{"Basic b3BzOng="}, s.seen[0].Header["Authorization"])
	}
}

// An operation that several tasks come of is found when all of them are.
func TestSeveralTasks(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		tasks   int // that show up
		unknown string
	}{
		"all":      {3, ""},
		"too few":  {2, "there are 2 of its 3 tasks"},
		"too many": {4, "there are 4 new tasks that may be it"},
		"none":     {0, "no task came of it so far"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.takes = time.Hour
				y.breaks("move", func(*http.Request, func() (*http.Response, error)) (*http.Response, error) {
					for i := range tc.tasks {
						y.add(job{ID: string(rune('a' + i)), Kind: "move", Thing: "7", User: "ops", Started: time.Now(), Ended: time.Now().Add(time.Hour)})
					}
					return nil, context.Canceled
				})
				client := y.client(t)
				work := y.work(client, &moveThing, "7")
				work.Tasks = 3
				work.Poller = func(found transport.Found, _ func(context.Context) error) any { return found }
				answer, err := client.Do(t.Context(), transport.Call{Operation: &moveThing, Path: []string{"7"}, Work: work}, nil)
				if tc.unknown != "" {
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
					assert.ErrorContains(t, err, tc.unknown)
					return
				}
				require.NoError(t, err)
				found, _ := answer.Poller.(transport.Found)
				assert.Equal(t, []string{"a", "b", "c"}, found.Jobs)
			})
		})
	}
}

// A session that ends while many wait for their turn: the sign-in does not queue behind them, and those who come
// after it go out under the new session, without another try.
func TestSessionEndsWhileManyWait(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]drkit.Option{
		"a limit of its own": {drkit.WithRateLimit(1, 1)},
		"a shared limit":     {drkit.WithRateLimit(1, 1), drkit.NewRateLimit(2, 2)},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				began, tokens, requests := time.Now(), 0, 0
				network := roundTripper(func(req *http.Request) (*http.Response, error) {
					mu.Lock()
					defer mu.Unlock()
					requests++
					switch {
					case req.Method == http.MethodPost:
						tokens++
						return answers(200, `{}`, "X-Token", strings.Repeat("t", tokens))(req)
					case req.Method == http.MethodDelete:
						return answers(204, ``)(req)
					case req.Header.Get("X-Token") == "t" && time.Since(began) > 10*time.Second:
						return answers(401, `{"code":"SessionOver","msg":"sign in"}`)(req)
					default:
						return answers(200, `{"id":"7"}`)(req)
					}
				})
				var client *transport.Client
				client, err := newConfigured("https://a.example.com", withSession(&client), append(options, drkit.WithTransport(network))...)
				require.NoError(t, err)
				var callers sync.WaitGroup
				for range 300 {
					callers.Go(func() {
						_, err := client.Do(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
						assert.NoError(t, err)
					})
				}
				callers.Wait()
				assert.Equal(t, 300+2+1, requests, "two sign-ins, and one call that met the end of the session")
				require.NoError(t, client.Close(t.Context()))
			})
		})
	}
}
