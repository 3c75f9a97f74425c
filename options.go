package drkit

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/settings"
)

// Option changes how a client works. Options are the same for every service; a bad one, or two that
// contradict each other, fail in the constructor of the client.
type Option interface {
	Apply(s *settings.Settings) error
}

type optionFunc func(*settings.Settings) error

func (f optionFunc) Apply(s *settings.Settings) error { return f(s) }

// WithHTTPClient sends requests through the transport of client. The client is copied: its cookie jar
// and its redirect policy are not used, because a session token must not follow a redirect, and its
// Timeout becomes the limit of one attempt unless [WithTimeout] sets another.
func WithHTTPClient(client *http.Client) Option {
	return optionFunc(func(s *settings.Settings) error {
		if client == nil {
			return errors.New("WithHTTPClient: client is nil")
		}
		s.HTTPClient = client
		return nil
	})
}

// WithTransport sends requests through transport. It should send each request once: a transport that
// repeats requests by itself undoes the promise that a failover is never sent twice.
func WithTransport(transport http.RoundTripper) Option {
	return optionFunc(func(s *settings.Settings) error {
		if transport == nil {
			return errors.New("WithTransport: transport is nil")
		}
		s.Transport = transport
		return nil
	})
}

// WithMiddleware wraps every attempt of every request, sign-in included, between the retry loop and the
// network. It may be given several times; the first is the outermost. A middleware that sends an
// operation that must not repeat a second time gets an error instead.
func WithMiddleware(wrap func(next http.RoundTripper) http.RoundTripper) Option {
	return optionFunc(func(s *settings.Settings) error {
		if wrap == nil {
			return errors.New("WithMiddleware: function is nil")
		}
		s.Middleware = append(s.Middleware, wrap)
		return nil
	})
}

// WithLogger writes what the client does to logger: attempts at level Debug, retries at Warn, and one
// Info record for each operation that must not repeat. Secrets and bodies are never written. Without
// it nothing is logged.
func WithLogger(logger *slog.Logger) Option {
	return optionFunc(func(s *settings.Settings) error {
		if logger == nil {
			return errors.New("WithLogger: logger is nil")
		}
		s.Logger = logger
		return nil
	})
}

// RetryPolicy says how often and how soon a request that may be repeated is sent again.
type RetryPolicy struct {
	// Attempts is how often a request is sent at most, the first time included. 0 means 4; 1 never
	// repeats.
	Attempts int
	// MinWait is the pause before the second attempt at most; the pause doubles with every attempt and
	// is drawn at random from zero to that. 0 means 500 ms.
	MinWait time.Duration
	// MaxWait caps every pause, also one that the server asks for with Retry-After. 0 means 30 s.
	MaxWait time.Duration
}

// WithRetry sets the retry policy. Which operations may be repeated is not a matter of policy: reads
// are, a failover only on proof that nothing was sent.
func WithRetry(policy RetryPolicy) Option {
	return optionFunc(func(s *settings.Settings) error {
		switch {
		case policy.Attempts < 0 || policy.MinWait < 0 || policy.MaxWait < 0:
			return fmt.Errorf("WithRetry: negative value in %+v", policy)
		case policy.MaxWait > 0 && policy.MinWait > policy.MaxWait:
			return fmt.Errorf("WithRetry: MinWait %s is longer than MaxWait %s", policy.MinWait, policy.MaxWait)
		}
		s.Retry = settings.Retry(policy)
		return nil
	})
}

// WithRateLimit sends at most perSecond requests a second on average and burst at once, counted over
// everything that the client sends. Calls wait for their turn, or until their context ends. Some services have a
// limit by default; [RateLimit] is one that several clients share.
func WithRateLimit(perSecond float64, burst int) Option {
	return optionFunc(func(s *settings.Settings) error {
		if err := checkRate("WithRateLimit", perSecond, burst); err != nil {
			return err
		}
		s.RatePerSecond, s.RateBurst = perSecond, burst
		return nil
	})
}

func checkRate(option string, perSecond float64, burst int) error {
	switch {
	case math.IsInf(perSecond, 1):
		return fmt.Errorf("%s: an infinite rate is no limit: leave the option out", option)
	case !(perSecond > 0) || burst < 1:
		return fmt.Errorf("%s: %v requests a second and a burst of %d let nothing through", option, perSecond, burst)
	default:
		return nil
	}
}

// WithTimeout limits one attempt of a request, from its first byte to the last byte of its answer. The
// default is one minute. The context of a call limits the call as a whole.
func WithTimeout(attempt time.Duration) Option {
	return optionFunc(func(s *settings.Settings) error {
		if attempt <= 0 {
			return fmt.Errorf("WithTimeout: %s is not a positive duration", attempt)
		}
		s.AttemptTimeout = attempt
		return nil
	})
}

// WithRootCAs verifies the server's certificate against pool instead of the system's roots.
func WithRootCAs(pool *x509.CertPool) Option {
	return optionFunc(func(s *settings.Settings) error {
		if pool == nil {
			return errors.New("WithRootCAs: pool is nil")
		}
		s.RootCAs = pool
		return nil
	})
}

// WithThumbprint accepts only the server certificate with this SHA-256 thumbprint, through proxies and
// on resumed connections too. It is written as hexadecimal digits, with or without colons, in upper or
// lower case, with or without the prefix "SHA-256:"; what openssl x509 -fingerprint -sha256 prints will do.
// Alone it replaces the check of issuer and host
// name, which is what a self-signed appliance needs; together with [WithRootCAs] both must hold.
func WithThumbprint(thumbprint string) Option {
	return optionFunc(func(s *settings.Settings) error {
		digits := strings.TrimSpace(thumbprint)
		for _, prefix := range []string{"SHA-256:", "SHA256:", "SHA256 Fingerprint="} {
			if len(digits) >= len(prefix) && strings.EqualFold(digits[:len(prefix)], prefix) {
				digits = digits[len(prefix):]
				break
			}
		}
		sum, err := hex.DecodeString(strings.ReplaceAll(digits, ":", ""))
		if err != nil || len(sum) != sha256.Size {
			return fmt.Errorf("WithThumbprint: %q is not a SHA-256 thumbprint (32 bytes in hexadecimal)", thumbprint)
		}
		s.Thumbprint = sum
		return nil
	})
}

// WithInsecureSkipVerify accepts any certificate. Whoever sits between the client and the server can
// then read the password; [WithThumbprint] costs one line more and is safe.
func WithInsecureSkipVerify() Option {
	return optionFunc(func(s *settings.Settings) error {
		s.InsecureSkipVerify = true
		return nil
	})
}

// WithPlainHTTP allows an endpoint that begins with http://. Credentials then cross the network in the
// clear.
func WithPlainHTTP() Option {
	return optionFunc(func(s *settings.Settings) error {
		s.PlainHTTP = true
		return nil
	})
}

// WithReadOnly refuses every operation that could change something, with [ErrReadOnly], before anything
// is sent. Signing in and out is allowed.
func WithReadOnly() Option {
	return optionFunc(func(s *settings.Settings) error {
		s.ReadOnly = true
		return nil
	})
}

// WithoutPrefetch makes lists fetch a page only when the caller has worked off the one before. By default
// the next page is fetched meanwhile, once the caller has asked for a second row, on a goroutine that ends
// with the loop; a function given to [OnResponse] is then called on that goroutine.
func WithoutPrefetch() Option {
	return optionFunc(func(s *settings.Settings) error {
		s.NoPrefetch = true
		return nil
	})
}

// WithParallelPages lets a list fetch up to so many pages at a time, once its first page has told how many rows
// there are and the caller has asked for a second one. Rows keep their order. By default it is one. Each list
// takes that many connections, and holds that many pages that the caller has not come to yet. It does nothing for
// lists whose length is not known.
func WithParallelPages(pages int) Option {
	return optionFunc(func(s *settings.Settings) error {
		if pages < 1 {
			return fmt.Errorf("WithParallelPages(%d): it takes at least one page", pages)
		}
		s.ParallelPages = pages
		return nil
	})
}

// WithUserAgent sets the User-Agent header. The default is "drkit-go".
func WithUserAgent(agent string) Option {
	return optionFunc(func(s *settings.Settings) error {
		if !printable(agent) {
			return fmt.Errorf("WithUserAgent: %q is not a header value", agent)
		}
		s.UserAgent = agent
		return nil
	})
}

// WithMaxBodyBytes limits how much of an answer is read into memory, after decompression; a longer
// answer is an error. The default is 16 MiB. Downloads are not limited by it.
func WithMaxBodyBytes(limit int64) Option {
	return optionFunc(func(s *settings.Settings) error {
		if limit <= 0 {
			return fmt.Errorf("WithMaxBodyBytes: %d is not a positive number of bytes", limit)
		}
		s.MaxBodyBytes = limit
		return nil
	})
}

// PollPolicy says how often a wait looks, and what it puts up with. Zero fields mean the defaults.
type PollPolicy struct {
	// MinInterval is the pause after the first look; pauses grow by half each time. 0 means 500 ms.
	MinInterval time.Duration
	// MaxInterval caps the pause, also one that the service asks for with Retry-After. 0 means 15 s.
	// Every other pause is shortened at random by up to a tenth, so that many waits do not look at the
	// same moment.
	MaxInterval time.Duration
	// Grace is how long a task that the server says it does not know counts as not visible yet. After
	// it, several misses in a row end the wait with [ErrTaskGone]. It is also how long an operation whose
	// answer was lost is looked for before it counts as leaving no task. 0 means 30 s.
	Grace time.Duration
	// MaxUnreachable is how long looks may fail in a row before the wait ends with [ErrUnavailable], or the
	// look for a lost operation with [ErrOutcomeUnknown]. 0 means 15 minutes.
	MaxUnreachable time.Duration
	// BatchSize is how many tasks one request asks for at most, where the service takes several at once: all
	// waits of a client at a site share their requests. A wait then takes its first look up to 50 ms after
	// it has begun, and later ones up to a quarter early, so that looks fall together. 0 means 100.
	BatchSize int
}

// PollingOption is what [WithPolling] returns: an option of a client and of [NewPoller].
type PollingOption struct{ policy PollPolicy }

// WithPolling sets how pollers wait.
func WithPolling(policy PollPolicy) PollingOption { return PollingOption{policy} }

// Apply sets the policy of a client.
func (o PollingOption) Apply(s *settings.Settings) error {
	p := o.policy
	switch {
	case p.MinInterval < 0 || p.MaxInterval < 0 || p.Grace < 0 || p.MaxUnreachable < 0 || p.BatchSize < 0:
		return fmt.Errorf("WithPolling: negative value in %+v", p)
	case p.MaxInterval > 0 && p.MinInterval > p.MaxInterval:
		return fmt.Errorf("WithPolling: MinInterval %s is longer than MaxInterval %s", p.MinInterval, p.MaxInterval)
	}
	s.Polling = settings.Polling(p)
	return nil
}

// printable reports whether s can be the value of a header.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 256 && strings.TrimSpace(s) == s
}
