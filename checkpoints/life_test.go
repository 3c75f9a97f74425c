package checkpoints

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// pass lets time pass in the bubble of a test.
func pass(d time.Duration) { <-time.After(d) }

// many sends calls at once and returns how many have failed.
func many(t *testing.T, n int, client *Client, call func(context.Context, *Client) error) {
	t.Helper()
	var all sync.WaitGroup
	for range n {
		all.Go(func() { assert.NoError(t, call(t.Context(), client)) })
	}
	all.Wait()
}

// A token is renewed shortly before its end, once for all, and no call ever goes out with one that has ended,
// however wrong the client's clock is: the cloud's is up to 14 hours away from it.
func TestTokensAreRenewedAheadOfTheirEnd(t *testing.T) {
	t.Parallel()
	for _, clock := range []time.Duration{0, 14 * time.Hour, -14 * time.Hour, 400 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			c := newCloud(t)
			c.clock, c.slow = clock, time.Second
			client := c.client()
			many(t, 50, client, list)
			signIns, _ := c.counts()
			assert.Equal(t, 1, signIns)

			pass(23*time.Hour + 53*time.Minute)
			many(t, 50, client, list)
			signIns, _ = c.counts()
			assert.Equal(t, 1, signIns, "too early")

			pass(2*time.Minute + 1*time.Second)
			many(t, 50, client, list)
			signIns, calls := c.counts()
			assert.Equal(t, 2, signIns, "once for all")
			assert.Equal(t, 150, calls, "none was refused")

			pass(25 * time.Hour)
			many(t, 50, client, create)
			signIns, calls = c.counts()
			assert.Equal(t, 3, signIns)
			assert.Equal(t, 200, calls, "nobody has sent a token that has ended")
		})
	}
}

func TestShortLives(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.life = 4 * time.Second
		client := c.client()
		for range 100 {
			require.NoError(t, list(t.Context(), client))
			pass(time.Second / 2)
		}
		signIns, calls := c.counts()
		assert.Equal(t, 100, calls)
		assert.InDelta(t, 50.0/3, signIns, 3, "a token of 4 s is renewed when a quarter of it is left, or a little more")
	})
}

// A renewal that nobody needs yet may fail, or stall: calls go out with what there is.
func TestRenewalThatFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		c := newCloud(t)
		client := c.client(drkit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
		require.NoError(t, list(t.Context(), client))
		pass(23*time.Hour + 56*time.Minute)
		c.set(func(c *cloud) { c.signIn = func(*http.Request) *http.Response { return reply(500, `<html>`) } })
		for range 60 {
			require.NoError(t, list(t.Context(), client))
			pass(time.Second)
		}
		signIns, calls := c.counts()
		assert.Equal(t, 61, calls)
		assert.Equal(t, 1+2, signIns, "tried again every half minute")
		assert.Contains(t, log.String(), "session not renewed yet")

		pass(3 * time.Minute)
		require.ErrorContains(t, list(t.Context(), client), "signing in: ", "it has ended now")
		c.set(func(c *cloud) { c.signIn = nil })
		require.NoError(t, list(t.Context(), client))

		pass(23*time.Hour + 56*time.Minute)
		c.set(func(c *cloud) { c.slow = time.Hour })
		began := time.Now()
		many(t, 10, client, list)
		assert.Equal(t, 10*time.Second, time.Since(began), "a stalled renewal holds calls up for a while")
		began = time.Now()
		require.NoError(t, list(t.Context(), client))
		assert.Zero(t, time.Since(began), "and the next ones not at all")
		c.set(func(c *cloud) { c.slow = 0 })
	})
}

// Refused credentials are not tried again, neither ahead of the end of a token nor after it.
func TestRefusedCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		client := c.client()
		require.NoError(t, list(t.Context(), client))
		pass(23*time.Hour + 56*time.Minute)
		c.set(func(c *cloud) {
			c.signIn = func(*http.Request) *http.Response { return reply(401, `{"error_code":"IAM.0062","error_msg":"wrong"}`) }
		})
		for range 10 {
			require.NoError(t, list(t.Context(), client), "the token is still good")
			pass(time.Minute / 6)
		}
		pass(5 * time.Minute)
		for range 10 {
			err := list(t.Context(), client)
			require.ErrorIs(t, err, drkit.ErrUnauthorized)
			require.ErrorContains(t, err, "IAM.0062")
			pass(time.Hour)
		}
		signIns, _ := c.counts()
		assert.Equal(t, 2, signIns, "accounts get locked")

		c.set(func(c *cloud) { c.signIn = nil })
		require.Error(t, list(t.Context(), client))
		_, err := client.Sessions.SignIn(t.Context())
		require.NoError(t, err, "an explicit sign-in tries once more")
		require.NoError(t, list(t.Context(), client))
	})
}

// An id that cannot be one comes as a 401, too, and says nothing of the token.
func TestMalformedIDIsNoExpiredToken(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	client := c.client()
	require.NoError(t, list(t.Context(), client))
	c.answer = func(*http.Request) *http.Response {
		return reply(401, `{"unauthorized":{"code":"401","message":"Malformed request url"}}`)
	}
	for range 5 {
		err := list(t.Context(), client)
		require.ErrorIs(t, err, drkit.ErrNotFound)
		require.NotErrorIs(t, err, drkit.ErrUnauthorized)
	}
	err := create(t.Context(), client)
	require.ErrorIs(t, err, drkit.ErrNotFound)
	require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	signIns, calls := c.counts()
	assert.Equal(t, 1, signIns)
	assert.Equal(t, 1+5+1, calls)
}

// A token may end before its time: when the password of its user changes, for example.
func TestTokenThatEndsEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.slow = time.Second
		client := c.client()
		many(t, 50, client, create)
		c.expireAll()
		many(t, 50, client, create)
		signIns, calls := c.counts()
		assert.Equal(t, 2, signIns, "once for all who have met it")
		assert.Equal(t, 50+50+50, calls, "each is sent again once, since the gateway has said that it did nothing")
	})
}

// What must not repeat is sent again only on proof, and yet the next call signs in anew.
func TestRefusalThatIsNoProof(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"proxy":       `Authentication required`,
		"other code":  `{"error_code":"BackupService.9998","error_msg":"x"}`,
		"empty":       ``,
		"other shape": `{"code":"APIGW.0301"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCloud(t)
			client := c.client()
			require.NoError(t, list(t.Context(), client))
			first := true
			c.answer = func(*http.Request) *http.Response {
				if !first {
					return nil
				}
				first = false
				return reply(401, body)
			}
			require.ErrorIs(t, create(t.Context(), client), drkit.ErrOutcomeUnknown)
			signIns, calls := c.counts()
			assert.Equal(t, 1, signIns)
			assert.Equal(t, 2, calls)
			require.NoError(t, create(t.Context(), client))
			signIns, _ = c.counts()
			assert.Equal(t, 2, signIns)

			first = true
			require.NoError(t, list(t.Context(), client), "a read is sent again")
		})
	}
}

// A lasting 401 does not become a sign-in for every call.
func TestLastingRefusal(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		client := c.client()
		require.NoError(t, list(t.Context(), client))
		c.set(func(c *cloud) {
			c.answer = func(*http.Request) *http.Response { return reply(401, `{"error_code":"APIGW.0301","error_msg":"no"}`) }
		})
		began := time.Now()
		for range 600 {
			require.ErrorIs(t, list(t.Context(), client), drkit.ErrUnauthorized)
			pass(time.Second)
		}
		signIns, calls := c.counts()
		assert.LessOrEqual(t, signIns, 1+1+int(time.Since(began)/time.Minute), "at most once a minute")
		assert.LessOrEqual(t, calls, 1+2*600+signIns, "twice, and at most one more attempt for each sign-in")
		c.set(func(c *cloud) { c.answer = nil })
		require.NoError(t, list(t.Context(), client))
	})
}

// Not all services of a cloud know a token as soon as the identity service has made it.
func TestTokenThatTheServiceDoesNotKnowYet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.slow = time.Second
		c.answer = func(r *http.Request) *http.Response {
			end, issued := c.tokens[r.Header.Get("X-Auth-Token")]
			if issued && time.Until(end) > c.life-500*time.Millisecond {
				return reply(401, `{"error_code":"APIGW.0301","error_msg":"Incorrect IAM authentication information"}`)
			}
			return nil
		}
		client := c.client(drkit.WithRetry(drkit.RetryPolicy{}))
		many(t, 50, client, list)
		signIns, calls := c.counts()
		assert.Equal(t, 1, signIns)
		assert.Equal(t, 2*50, calls)
		c.expireAll() // as after a change of the password
		many(t, 50, client, create)
		signIns, calls = c.counts()
		assert.Equal(t, 2, signIns)
		assert.Equal(t, 2*50+3*50, calls, "the gateway has said each time that it did nothing")
	})
}

// An exchanged token ends with the one that it was made from: there is no renewing it.
func TestExchangedTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.life = time.Hour
		client := c.clientOf(ExchangeToken(Identity{URL: iamURL, Project: Project{ID: project}}, drkit.NewSecret("the first token")))
		for range 59 {
			require.NoError(t, list(t.Context(), client))
			pass(time.Minute)
		}
		signIns, _ := c.counts()
		assert.Equal(t, 1, signIns)
		c.set(func(c *cloud) {
			c.signIn = func(*http.Request) *http.Response {
				return reply(404, `{"error":{"code":404,"message":"Failed to validate token","title":"Not Found"}}`)
			}
		})
		for range 10 {
			pass(time.Minute)
			require.ErrorIs(t, list(t.Context(), client), drkit.ErrUnauthorized)
		}
		signIns, _ = c.counts()
		assert.Equal(t, 2, signIns, "that it has ended is not asked again")
	})
}

func TestTokenThatIsGiven(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	client, err := NewClient(cbrURL, project, Token(drkit.NewSecret("gAAAAgiven")), c.options()...)
	require.NoError(t, err)
	session, err := client.Sessions.SignIn(t.Context())
	require.NoError(t, err)
	assert.Empty(t, session)
	for range 3 {
		require.ErrorIs(t, list(t.Context(), client), drkit.ErrUnauthorized)
	}
	c.tokens["gAAAAgiven"] = time.Now().Add(time.Hour)
	require.NoError(t, list(t.Context(), client))
	require.ErrorContains(t, client.Sessions.End(t.Context()), "not this client's to end")
	require.NoError(t, client.Close(t.Context()))
	assert.Equal(t, 4, c.calls)
	assert.Empty(t, c.bodies)
	assert.Empty(t, c.revoked)
}

// Close leaves the token to expire, since the service may still be working with it; End revokes it.
func TestEndOfSessions(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	client := c.client()
	require.NoError(t, client.Sessions.End(t.Context()), "there is none")
	require.NoError(t, list(t.Context(), client))
	require.NoError(t, client.Sessions.End(t.Context()))
	assert.Equal(t, []string{"gAAAAABtoken0001"}, c.revoked)
	require.NoError(t, client.Sessions.End(t.Context()))
	require.NoError(t, list(t.Context(), client))
	require.NoError(t, client.Close(t.Context()))
	require.NoError(t, client.Close(t.Context()))
	assert.Len(t, c.revoked, 1)
	assert.Len(t, c.tokens, 1)
	require.ErrorIs(t, list(t.Context(), client), drkit.ErrClosed)
	_, err := client.Sessions.SignIn(t.Context())
	require.ErrorIs(t, err, drkit.ErrClosed)
	require.ErrorIs(t, client.Sessions.End(t.Context()), drkit.ErrClosed)
}

func TestCloseEndsASignInUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		c.slow = 30 * time.Second
		client := c.client()
		var calls sync.WaitGroup
		calls.Go(func() { assert.ErrorIs(t, list(t.Context(), client), drkit.ErrClosed) })
		pass(time.Second)
		began := time.Now()
		require.NoError(t, client.Close(t.Context()))
		calls.Wait()
		assert.Zero(t, time.Since(began))
	})
}

// Throttled sign-ins are the identity service's own word that nothing was done.
func TestThrottledSignIn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		left := 2
		c.signIn = func(*http.Request) *http.Response {
			if left == 0 {
				return nil
			}
			left--
			resp := reply(429, `{"error_code":"IAM.0012","error_msg":"The throttling threshold has been reached: threshold 5."}`)
			resp.Header.Set("Retry-After", "7")
			return resp
		}
		began := time.Now()
		require.NoError(t, list(t.Context(), c.client(drkit.WithRetry(drkit.RetryPolicy{}))))
		assert.Equal(t, 14*time.Second, time.Since(began))
	})
}

// One rate limit counts everything that a client sends.
func TestRateLimitCountsSignIns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCloud(t)
		began := time.Now()
		require.NoError(t, list(t.Context(), c.client(drkit.WithRateLimit(0.1, 1))))
		assert.Equal(t, 10*time.Second, time.Since(began).Round(time.Second))
	})
}

func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	var log bytes.Buffer
	var shown []drkit.Response
	ctx := drkit.OnResponse(t.Context(), func(r drkit.Response) { shown = append(shown, r) })
	client := c.client(drkit.WithLogger(slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))))
	_, err := client.Sessions.SignIn(ctx)
	require.NoError(t, err)
	require.Len(t, shown, 1)
	assert.Equal(t, []string{"[redacted]"}, shown[0].Header["X-Subject-Token"])
	assert.Equal(t, "checkpoints.Sessions.SignIn", shown[0].Operation)
	require.NoError(t, list(t.Context(), client))

	c.answer = func(r *http.Request) *http.Response {
		resp := reply(400, `{"error_code":"BackupService.9900","error_msg":"you sent `+r.Header.Get("X-Auth-Token")+` by tr0ub4dor&3"}`)
		resp.Header.Set("X-Auth-Token", r.Header.Get("X-Auth-Token"))
		resp.Header.Set("Authorization", "SDK-HMAC-SHA256 Signature=0123")
		resp.Header.Set("X-Echo", r.Header.Get("X-Auth-Token"))
		return resp
	}
	err = resource{client}.do(ctx, transport.Call{Operation: &listVaults}, nil)
	require.ErrorContains(t, err, "you sent [redacted] by [redacted]")
	require.Len(t, shown, 2)
	for _, name := range []string{"X-Auth-Token", "Authorization", "X-Echo"} {
		assert.Equal(t, []string{"[redacted]"}, shown[1].Header[name], name)
	}
	assert.NotContains(t, string(shown[1].Body), "gAAAA")

	c.answer = nil
	c.expireAll()
	c.signIn = func(*http.Request) *http.Response {
		return reply(500, `{"error":{"code":500,"message":"the password tr0ub4dor\u00263 of gAAAAABtoken0001","title":"x"}}`)
	}
	err = list(ctx, client)
	require.ErrorContains(t, err, "the password [redacted] of ")
	for _, secret := range []string{"tr0ub4dor", "gAAAA"} {
		assert.NotContains(t, log.String(), secret)
		assert.NotContains(t, err.Error(), secret)
	}
}
