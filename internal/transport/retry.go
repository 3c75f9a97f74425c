package transport

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
)

// newRetry returns the loop of attempts, with none of its library's defaults: those repeat creates,
// obey any Retry-After, print to standard error and lose the last answer.
func (c *Client) newRetry() *retryablehttp.Client {
	return &retryablehttp.Client{
		HTTPClient: &http.Client{
			Transport: c.attempts,
			// A token header must not travel to wherever a redirect points.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
		RetryMax:     c.settings.Retry.Attempts - 1,
		RetryWaitMin: c.settings.Retry.MinWait,
		RetryWaitMax: c.settings.Retry.MaxWait,
		CheckRetry:   checkRetry,
		Backoff:      c.backoff,
		ErrorHandler: retryablehttp.PassthroughErrorHandler,
		PrepareRetry: func(req *http.Request) error {
			exchangeOf(req.Context()).logRetry(req.Context())
			return nil
		},
	}
}

// checkRetry decides by the exchange, which knows the class of its operation and its last attempt.
func checkRetry(ctx context.Context, _ *http.Response, _ error) (bool, error) {
	return exchangeOf(ctx).goesOn(ctx), nil
}

// goesOn reports whether there is to be another attempt.
func (x *exchange) goesOn(ctx context.Context) bool { return x.ended(ctx) == nil && x.mayRepeat(ctx) }

func (x *exchange) mayRepeat(ctx context.Context) bool {
	once := x.operation.Class == api.Once
	switch {
	case x.err != nil:
		return (!once || !x.mayHaveRun.Load()) && !permanent(x.err)
	case !transient(x.status):
		return false
	case once && (x.answer == nil || !x.refuses(x.answer)):
		return false
	}
	if deadline, ok := ctx.Deadline(); ok && x.answer != nil && x.answer.RetryAfter > 0 {
		pause := min(x.answer.RetryAfter, x.client.settings.Retry.MaxWait)
		if time.Now().Add(pause).After(deadline) {
			return false // the context would end in the pause: the answer says more
		}
	}
	if once {
		x.mayHaveRun.Store(false) // the service's own refusal
	}
	return true
}

// permanent reports whether another attempt would end the same way.
func permanent(err error) bool {
	return errors.As(err, new(*notSentError)) || errors.As(err, new(*unsignedError)) || mistrusts(err) || errors.As(err, new(*tooLargeError)) || errors.Is(err, errSentTwice) ||
		errors.Is(err, errDetached) || errors.Is(err, drkit.ErrClosed) || errors.Is(err, context.DeadlineExceeded)
}

func transient(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	default:
		return false
	}
}

// backoff waits as long as the server asks for, until its next window after one request too many, or else as any
// failed attempt does.
func (c *Client) backoff(least, limit time.Duration, attempt int, resp *http.Response) time.Duration {
	full := resp != nil && resp.StatusCode == http.StatusTooManyRequests && retryAfter(resp.Header) == 0
	if !full || c.config.Window == 0 {
		return backoff(least, limit, attempt, resp)
	}
	share := c.config.Window / time.Duration(max(1, c.settings.Retry.Attempts-1))
	return min(share+time.Duration(rand.Int64N(int64(share/10)+1)), limit) //nolint:gosec // spreads load, guards nothing
}

// backoff waits as long as the server asks for, up to limit, or a random part of a pause that doubles.
func backoff(least, limit time.Duration, attempt int, resp *http.Response) time.Duration {
	if resp != nil {
		if asked := retryAfter(resp.Header); asked > 0 {
			return min(asked, limit)
		}
	}
	ceiling := limit
	if attempt < 16 && least<<attempt < limit {
		ceiling = least << attempt
	}
	return time.Duration(rand.Int64N(int64(ceiling) + 1)) //nolint:gosec // spreads load, guards nothing
}

// pause waits before what has failed goes on, as long as between two attempts, or until ctx or the client
// ends.
func (c *Client) pause(ctx context.Context, attempt int) error {
	return c.sleep(ctx, backoff(c.settings.Retry.MinWait, c.settings.Retry.MaxWait, attempt, nil))
}

// settle waits until all of a service may know a new token: the shortest pause between two attempts, and up to twice
// as much.
func (c *Client) settle(ctx context.Context) error {
	least := c.settings.Retry.MinWait
	return c.sleep(ctx, least+backoff(least, c.settings.Retry.MaxWait, 1, nil))
}

// sleep waits until d has passed, or until ctx or the client ends.
func (c *Client) sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
	case <-c.life.Done():
	}
	return c.ended(ctx)
}

// retryAfter reads the header as seconds or as a date; 0 is none, or one that cannot be read.
func retryAfter(header http.Header) time.Duration {
	value := header.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil {
		const most = int64(24 * time.Hour / time.Second)
		return time.Duration(max(0, min(seconds, most))) * time.Second
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}

// kindOfStatus returns the sentinel that a bare HTTP status stands for, or nil. Services whose codes say
// more than their statuses choose by code.
func kindOfStatus(status int) error {
	switch status {
	case http.StatusUnauthorized:
		return drkit.ErrUnauthorized
	case http.StatusForbidden:
		return drkit.ErrForbidden
	case http.StatusNotFound, http.StatusGone:
		return drkit.ErrNotFound
	case http.StatusConflict:
		return drkit.ErrConflict
	case http.StatusTooManyRequests:
		return drkit.ErrThrottled
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return drkit.ErrUnavailable
	default:
		return nil
	}
}
