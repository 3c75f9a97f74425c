package settings

import (
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// ObserverKey is the key under which a context carries the func(drkit.Response) of drkit.OnResponse.
type ObserverKey struct{}

// WithoutNoteKey is the key under which a context says that nothing is noted before an operation is sent.
type WithoutNoteKey struct{}

// WantedKey is the key under which a context carries the func(any) bool of drkit.Recover, which reports whether a
// poller is of the type that was asked for.
type WantedKey struct{}

// Settings are the resolved options of one client. The zero value of each field means its default.
type Settings struct {
	HTTPClient         *http.Client
	Transport          http.RoundTripper
	Middleware         []func(http.RoundTripper) http.RoundTripper
	Logger             *slog.Logger
	Retry              Retry
	Polling            Polling
	RatePerSecond      float64
	RateBurst          int
	SharedLimits       []*rate.Limiter // beside the client's own
	AttemptTimeout     time.Duration
	MaxBodyBytes       int64
	RootCAs            *x509.CertPool
	Thumbprint         []byte
	IdentityThumbprint []byte // of the service that a client signs in at, where that is another one
	InsecureSkipVerify bool
	PlainHTTP          bool
	ReadOnly           bool
	NoPrefetch         bool
	ParallelPages      int // of one list, at most so many at a time; 0 is one
	UserAgent          string
	APIVersion         string // by an option of the service; empty is the service's default
	Encoding           string // of bodies, likewise
}

// Retry is how often and how soon a repeatable request is sent again.
type Retry struct {
	Attempts int
	MinWait  time.Duration
	MaxWait  time.Duration
}

// Polling is how often a wait looks, and what it puts up with.
type Polling struct {
	MinInterval    time.Duration
	MaxInterval    time.Duration
	Grace          time.Duration
	MaxUnreachable time.Duration
	BatchSize      int
}

// The defaults. The documentation of the options in package drkit repeats them for users.
const (
	DefaultAttempts       = 4
	DefaultMinWait        = 500 * time.Millisecond
	DefaultMaxWait        = 30 * time.Second
	DefaultMinInterval    = 500 * time.Millisecond
	DefaultMaxInterval    = 15 * time.Second
	DefaultGrace          = 30 * time.Second
	DefaultMaxUnreachable = 15 * time.Minute
	DefaultBatchSize      = 100
	DefaultAttemptTimeout = 60 * time.Second
	DefaultMaxBodyBytes   = 16 << 20
	DefaultUserAgent      = "drkit-go"
)

// WithDefaults returns s with every unset field at its default.
func (s Settings) WithDefaults() Settings {
	if s.Logger == nil {
		s.Logger = slog.New(slog.DiscardHandler)
	}
	s.Retry = s.Retry.WithDefaults()
	s.Polling = s.Polling.WithDefaults()
	if s.AttemptTimeout == 0 && s.HTTPClient != nil {
		s.AttemptTimeout = s.HTTPClient.Timeout
	}
	setDefault(&s.AttemptTimeout, DefaultAttemptTimeout)
	setDefault(&s.MaxBodyBytes, DefaultMaxBodyBytes)
	setDefault(&s.UserAgent, DefaultUserAgent)
	return s
}

// WithDefaults returns r with every unset field at its default.
func (r Retry) WithDefaults() Retry {
	setDefault(&r.Attempts, DefaultAttempts)
	setDefault(&r.MinWait, min(DefaultMinWait, positiveOr(r.MaxWait, DefaultMinWait)))
	setDefault(&r.MaxWait, max(DefaultMaxWait, r.MinWait))
	return r
}

// WithDefaults returns p with every unset field at its default.
func (p Polling) WithDefaults() Polling {
	setDefault(&p.MinInterval, min(DefaultMinInterval, positiveOr(p.MaxInterval, DefaultMinInterval)))
	setDefault(&p.MaxInterval, max(DefaultMaxInterval, p.MinInterval))
	setDefault(&p.Grace, DefaultGrace)
	setDefault(&p.MaxUnreachable, DefaultMaxUnreachable)
	setDefault(&p.BatchSize, DefaultBatchSize)
	return p
}

// Validate reports options that contradict one another.
func (s Settings) Validate() error {
	switch {
	case s.HTTPClient != nil && s.Transport != nil:
		return errors.New("WithHTTPClient and WithTransport contradict each other: each names the transport")
	case s.InsecureSkipVerify && s.RootCAs != nil:
		return errors.New("WithInsecureSkipVerify and WithRootCAs contradict each other")
	case s.InsecureSkipVerify && s.Thumbprint != nil:
		return errors.New("WithInsecureSkipVerify and WithThumbprint contradict each other")
	case s.NoPrefetch && s.ParallelPages > 1:
		return errors.New("WithoutPrefetch and WithParallelPages contradict each other")
	case s.PlainHTTP && s.ConfiguresTLS():
		return errors.New("WithPlainHTTP contradicts the options that configure TLS")
	}
	if named := s.NamedTransport(); named != nil && s.ConfiguresTLS() {
		if _, ok := named.(*http.Transport); !ok {
			return fmt.Errorf("TLS options need a transport of type *http.Transport, not %T", named)
		}
	}
	return nil
}

// ConfiguresTLS reports whether an option changes how the server's certificate is checked.
func (s Settings) ConfiguresTLS() bool {
	return s.RootCAs != nil || s.Thumbprint != nil || s.InsecureSkipVerify
}

// NamedTransport returns the transport that the user named, or nil.
func (s Settings) NamedTransport() http.RoundTripper {
	switch {
	case s.Transport != nil:
		return s.Transport
	case s.HTTPClient != nil:
		return s.HTTPClient.Transport
	default:
		return nil
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func positiveOr(d, other time.Duration) time.Duration {
	if d > 0 {
		return d
	}
	return other
}
