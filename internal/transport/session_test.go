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
	"github.com/drkit-go/drkit/internal/transport"
)

// sessionServer hands out tokens and accepts only the newest. It is a round tripper, so that it works
// inside synctest without sockets.
type sessionServer struct {
	mu       sync.Mutex
	signIns  int
	token    string
	refuse   bool
	slow     time.Duration
	moved    int
	signOuts int
}

func (s *sessionServer) RoundTrip(req *http.Request) (*http.Response, error) {
	switch {
	case req.URL.Path == "/sessions" && req.Method == http.MethodPost:
		if s.slow > 0 {
			select {
			case <-time.After(s.slow):
			case <-req.Context().Done():
				return nil, req.Context().Err()
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.signIns++
		if s.refuse {
			return answers(401, `{"code":"WrongPassword","msg":"no"}`)(req)
		}
		s.token = "token-" + time.Now().Format("150405.000") + "-" + string(rune('a'+s.signIns))
		return answers(200, `{}`, "X-Token", s.token)(req)
	case req.URL.Path == "/sessions":
		s.mu.Lock()
		defer s.mu.Unlock()
		s.signOuts++
		s.token = ""
		return answers(204, ``)(req)
	default:
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.token == "" || req.Header.Get("X-Token") != s.token {
			return answers(401, `{"code":"SessionOver","msg":"sign in"}`)(req)
		}
		if req.Method == http.MethodPost {
			s.moved++
		}
		return answers(200, `{"id":"1"}`)(req)
	}
}

func (s *sessionServer) expire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = ""
}

func (s *sessionServer) counts() (signIns, signOuts, moved int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signIns, s.signOuts, s.moved
}

func newSessionClient(t *testing.T, server http.RoundTripper, options ...drkit.Option) *transport.Client {
	t.Helper()
	var client *transport.Client
	client, err := newConfigured("https://appliance.example.com", withSession(&client), append(options, drkit.WithTransport(server))...)
	require.NoError(t, err)
	return client
}

func get(ctx context.Context, client *transport.Client) error {
	_, err := client.Do(ctx, transport.Call{Operation: &readThing, Path: []string{"7"}}, nil)
	return err
}

func move(ctx context.Context, client *transport.Client) error {
	_, err := client.Do(ctx, transport.Call{Operation: &moveThing, Path: []string{"7"}}, nil)
	return err
}

func TestOneSignInForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &sessionServer{slow: time.Second}
		client := newSessionClient(t, server)
		assert.Zero(t, server.signIns, "nothing happens before the first call")
		var all sync.WaitGroup
		for range 100 {
			all.Go(func() { assert.NoError(t, get(t.Context(), client)) })
		}
		all.Wait()
		signIns, _, _ := server.counts()
		assert.Equal(t, 1, signIns)

		server.expire()
		for range 100 {
			all.Go(func() { assert.NoError(t, move(t.Context(), client)) })
		}
		all.Wait()
		signIns, _, moved := server.counts()
		assert.Equal(t, 2, signIns, "one for everybody who met the expiry")
		assert.Equal(t, 100, moved, "each is sent again once, because the service said that it did nothing")

		require.NoError(t, client.Close(t.Context()))
		_, signOuts, _ := server.counts()
		assert.Equal(t, 1, signOuts)
		require.NoError(t, client.Close(t.Context()), "a second Close does nothing")
		require.ErrorIs(t, get(t.Context(), client), drkit.ErrClosed)
	})
}

func TestCallerThatGivesUpDoesNotEndTheSignInForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &sessionServer{slow: 10 * time.Second}
		client := newSessionClient(t, server)
		var all sync.WaitGroup
		all.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			began := time.Now()
			err := move(ctx, client)
			assert.ErrorIs(t, err, context.DeadlineExceeded)
			assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.Equal(t, time.Second, time.Since(began))
		})
		synctest.Wait()
		all.Go(func() { assert.NoError(t, get(t.Context(), client)) })
		all.Wait()
		signIns, _, _ := server.counts()
		assert.Equal(t, 1, signIns)
		require.NoError(t, client.Close(t.Context()))
	})
}

// The bubble of synctest fails the test if a goroutine is left, as a sign-in would be here.
func TestSignInThatNobodyWaitsForEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &sessionServer{slow: 24 * time.Hour}
		client := newSessionClient(t, server, drkit.WithTimeout(48*time.Hour))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, get(ctx, client), context.DeadlineExceeded)
		synctest.Wait()
		server.slow = 0
		require.NoError(t, get(t.Context(), client), "the next call signs in anew")
		signIns, _, _ := server.counts()
		assert.Equal(t, 1, signIns)
	})
}

func TestRefusedCredentialsAreNotTriedAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &sessionServer{refuse: true}
		client := newSessionClient(t, server)
		for range 5 {
			err := move(t.Context(), client)
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
			require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			var answer *drkit.Error
			require.ErrorAs(t, err, &answer)
			assert.Equal(t, "fake.Sessions.SignIn", answer.Operation)
			assert.Equal(t, "WrongPassword", answer.Code)
			assert.ErrorContains(t, err, "fake.Things.Move: signing in: ")
		}
		signIns, _, _ := server.counts()
		assert.Equal(t, 1, signIns, "accounts get locked")

		server.refuse = false
		require.NoError(t, client.SignIn(t.Context()), "an explicit sign-in tries once more")
		require.NoError(t, move(t.Context(), client))
	})
}

// A sign-in that a proxy turns away says nothing of the credentials.
func TestProxysRefusalIsNotTheServices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, fault := range []func(*http.Request) (*http.Response, error){
			answers(401, "<html>"), answers(403, "<html>"), answers(503, ""), fails(errReset), answers(200, "{}"),
		} {
			server := &sessionServer{}
			faulty := true
			client := newSessionClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
				if faulty && req.URL.Path == "/sessions" {
					return fault(req)
				}
				return server.RoundTrip(req)
			}))
			err := move(t.Context(), client)
			require.Error(t, err)
			require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, "the move itself was not sent")
			faulty = false
			require.NoError(t, move(t.Context(), client))
		}
	})
}

func TestExpiryIsMetOncePerCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &sessionServer{}
		over := answers(401, `{"code":"SessionOver","msg":"sign in"}`)
		things := 0
		client := newSessionClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path == "/sessions" {
				return server.RoundTrip(req)
			}
			things++
			return over(req)
		}))
		err := move(t.Context(), client)
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, "each time the service said that it did nothing")
		assert.Equal(t, 2, things)
		signIns, _, _ := server.counts()
		assert.Equal(t, 2, signIns)
	})
}

// net/http may still be writing the header of a request that has its answer, or was given up, when the next one gets
// another token.
func TestHeaderOnItsWayIsLeftAlone(t *testing.T) {
	t.Parallel()
	server := &sessionServer{}
	var writing sync.WaitGroup
	over := make(chan struct{})
	client := newSessionClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
		if req.Method == http.MethodGet {
			writing.Go(func() {
				token := req.Header.Get("X-Token")
				<-over
				assert.Equal(t, token, req.Header.Get("X-Token"))
			})
		}
		return server.RoundTrip(req)
	}))
	require.NoError(t, get(t.Context(), client))
	server.expire()
	require.NoError(t, get(t.Context(), client))
	close(over)
	writing.Wait()
	signIns, _, _ := server.counts()
	assert.Equal(t, 2, signIns)
}

func TestGivenTokenIsNeitherRenewedNorSignedOut(t *testing.T) {
	t.Parallel()
	server := &sessionServer{token: "somebody's"}
	var client *transport.Client
	client, err := newConfigured("https://appliance.example.com", func(c *transport.Config) {
		withSession(&client)(c)
		c.Session.Token = drkit.NewSecret("somebody's")
	}, drkit.WithTransport(server))
	require.NoError(t, err)
	require.NoError(t, get(t.Context(), client))
	require.Error(t, client.SignOut(t.Context()))
	server.expire()
	require.ErrorIs(t, get(t.Context(), client), drkit.ErrUnauthorized)
	require.NoError(t, client.Close(t.Context()))
	signIns, signOuts, _ := server.counts()
	assert.Zero(t, signIns)
	assert.Zero(t, signOuts)
}

func TestCloseEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &sessionServer{}
		client := newSessionClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.URL.Path != "/sessions" {
				return stalls(req)
			}
			return server.RoundTrip(req)
		}))
		var all sync.WaitGroup
		all.Go(func() {
			err := get(t.Context(), client)
			assert.ErrorIs(t, err, drkit.ErrClosed)
			assert.NotErrorIs(t, err, context.Canceled, "the caller's context has not ended")
		})
		all.Go(func() {
			err := move(t.Context(), client)
			assert.ErrorIs(t, err, drkit.ErrClosed)
			assert.ErrorIs(t, err, drkit.ErrOutcomeUnknown, "it was sent")
		})
		synctest.Wait()
		require.NoError(t, client.Close(t.Context()))
		all.Wait()
		_, signOuts, _ := server.counts()
		assert.Equal(t, 1, signOuts)
		require.ErrorIs(t, client.SignIn(t.Context()), drkit.ErrClosed)
		require.ErrorIs(t, client.SignOut(t.Context()), drkit.ErrClosed)
	})
}

func TestCloseEndsPausesAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		network *script
		options []drkit.Option
	}{
		"before a retry":         {scripted(answers(503, "", "Retry-After", "25")), nil},
		"before the second turn": {scripted(answers(200, `{"id":"1"}`)), []drkit.Option{drkit.WithRateLimit(0.01, 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				client := newClient(t, "https://appliance.example.com", append(tc.options, drkit.WithTransport(tc.network))...)
				began := time.Now()
				time.AfterFunc(10*time.Second, func() { assert.NoError(t, client.Close(context.Background())) })
				var err error
				for err == nil {
					err = get(t.Context(), client)
				}
				require.ErrorIs(t, err, drkit.ErrClosed)
				require.NotErrorIs(t, err, context.Canceled)
				assert.Equal(t, 10*time.Second, time.Since(began))
				require.ErrorIs(t, get(t.Context(), client), drkit.ErrClosed)
			})
		})
	}
}

// Signing out ends, also on an appliance that has stalled and a context that never ends.
func TestSignOutHasALimit(t *testing.T) {
	t.Parallel()
	for name, signOut := range map[string]func(*transport.Client) error{
		"Close":   func(c *transport.Client) error { return c.Close(context.Background()) },
		"SignOut": func(c *transport.Client) error { return c.SignOut(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := &sessionServer{}
				client := newSessionClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
					if req.Method == http.MethodDelete {
						return stalls(req)
					}
					return server.RoundTrip(req)
				}), drkit.WithTimeout(20*time.Second))
				require.NoError(t, get(t.Context(), client))
				began := time.Now()
				err := signOut(client)
				require.ErrorIs(t, err, drkit.ErrUnavailable)
				require.NotErrorIs(t, err, context.DeadlineExceeded, "the caller's context has not ended")
				assert.Equal(t, 20*time.Second, time.Since(began))
			})
		})
	}
}

// A connection that went stale while nobody called does not leave the session open.
func TestCloseSignsOutAgainAfterAReset(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, resets := &sessionServer{}, 1
		client := newSessionClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
			if req.Method == http.MethodDelete && resets > 0 {
				resets--
				return nil, errReset
			}
			return server.RoundTrip(req)
		}))
		require.NoError(t, get(t.Context(), client))
		require.NoError(t, client.Close(t.Context()))
		_, signOuts, _ := server.counts()
		assert.Equal(t, 1, signOuts)
	})
}

// A download that is read on after the client has closed ends, too.
func TestCloseEndsDownloads(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := roundTripper(func(req *http.Request) (*http.Response, error) {
			resp, err := answers(200, "")(req)
			resp.Body = &drip{req.Context(), []time.Duration{1e9, 1e9, 1e9, 1e9}}
			return resp, err
		})
		client := newClient(t, "https://appliance.example.com", drkit.WithTransport(network))
		body, _, err := client.Stream(t.Context(), transport.Call{Operation: &readThing, Path: []string{"7"}})
		require.NoError(t, err)
		_, err = body.Read(make([]byte, 1))
		require.NoError(t, err)
		require.NoError(t, client.Close(t.Context()))
		_, err = body.Read(make([]byte, 1))
		require.ErrorIs(t, err, drkit.ErrClosed)
		require.NoError(t, body.Close())
	})
}

func TestCloseWhileSigningIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &sessionServer{slow: time.Hour}
		client := newSessionClient(t, server, drkit.WithTimeout(2*time.Hour))
		var all sync.WaitGroup
		all.Go(func() { assert.ErrorIs(t, get(t.Context(), client), drkit.ErrClosed) })
		synctest.Wait()
		require.NoError(t, client.Close(t.Context()))
		all.Wait()
	})
}

func TestCloseForgivesASessionThatIsGone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer func(*http.Request) (*http.Response, error)
		fails  bool
	}{
		"expired": {answers(401, `{"code":"SessionOver","msg":"m"}`), false},
		"unknown": {answers(404, `{"code":"NotFound","msg":"m"}`), false},
		"broken":  {answers(500, `{"code":"Oops","msg":"m"}`), true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &sessionServer{}
			client := newSessionClient(t, roundTripper(func(req *http.Request) (*http.Response, error) {
				if req.Method == http.MethodDelete {
					return tc.answer(req)
				}
				return server.RoundTrip(req)
			}))
			require.NoError(t, get(t.Context(), client))
			err := client.Close(t.Context())
			assert.Equal(t, tc.fails, err != nil, err)
		})
	}
}

func TestSignOutBeginsAnewWithTheNextCall(t *testing.T) {
	t.Parallel()
	server := &sessionServer{}
	client := newSessionClient(t, server)
	require.NoError(t, client.SignOut(t.Context()), "no session, nothing to end")
	require.NoError(t, get(t.Context(), client))
	require.NoError(t, client.SignOut(t.Context()))
	require.NoError(t, get(t.Context(), client))
	signIns, signOuts, _ := server.counts()
	assert.Equal(t, 2, signIns)
	assert.Equal(t, 1, signOuts)
}

// Random expiries, cancellations and callers: every call ends in a success or in its own context's end.
func TestSessionUnderStress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &sessionServer{slow: 30 * time.Millisecond}
		client := newSessionClient(t, server)
		var ended atomic.Int64
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(10+i%90)*time.Millisecond)
				defer cancel()
				<-time.After(time.Duration(i%50) * time.Millisecond)
				if err := get(ctx, client); err != nil && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, drkit.ErrUnauthorized) {
					t.Error(err)
				}
				ended.Add(1)
			})
			if i%100 == 0 {
				server.expire()
			}
		}
		all.Wait()
		assert.EqualValues(t, 500, ended.Load())
		require.NoError(t, client.Close(t.Context()))
	})
}
