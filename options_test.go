package drkit_test

import (
	"crypto/x509"
	"encoding/hex"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
)

const (
	sum       = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	sumColons = "9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08"
)

// roundTripper is a transport that is not net/http's own.
type roundTripper struct{}

func (*roundTripper) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}

func apply(options ...drkit.Option) (settings.Settings, error) {
	var s settings.Settings
	for _, option := range options {
		if err := option.Apply(&s); err != nil {
			return s, err
		}
	}
	return s, s.Validate()
}

func TestOptions(t *testing.T) {
	t.Parallel()
	client, transport := &http.Client{Timeout: time.Second}, &roundTripper{}
	logger, pool := slog.New(slog.DiscardHandler), x509.NewCertPool()
	digest, err := hex.DecodeString(sum)
	require.NoError(t, err)
	for name, tc := range map[string]struct {
		options []drkit.Option
		want    settings.Settings
	}{
		"none":                   {nil, settings.Settings{}},
		"WithHTTPClient":         {[]drkit.Option{drkit.WithHTTPClient(client)}, settings.Settings{HTTPClient: client}},
		"WithTransport":          {[]drkit.Option{drkit.WithTransport(transport)}, settings.Settings{Transport: transport}},
		"WithLogger":             {[]drkit.Option{drkit.WithLogger(logger)}, settings.Settings{Logger: logger}},
		"WithRetry":              {[]drkit.Option{drkit.WithRetry(drkit.RetryPolicy{Attempts: 1, MinWait: 2, MaxWait: 3})}, settings.Settings{Retry: settings.Retry{Attempts: 1, MinWait: 2, MaxWait: 3}}},
		"WithRetry of defaults":  {[]drkit.Option{drkit.WithRetry(drkit.RetryPolicy{})}, settings.Settings{}},
		"WithRateLimit":          {[]drkit.Option{drkit.WithRateLimit(0.5, 3)}, settings.Settings{RatePerSecond: 0.5, RateBurst: 3}},
		"WithTimeout":            {[]drkit.Option{drkit.WithTimeout(time.Minute)}, settings.Settings{AttemptTimeout: time.Minute}},
		"WithRootCAs":            {[]drkit.Option{drkit.WithRootCAs(pool)}, settings.Settings{RootCAs: pool}},
		"WithThumbprint":         {[]drkit.Option{drkit.WithThumbprint(sum)}, settings.Settings{Thumbprint: digest}},
		"as openssl prints it":   {[]drkit.Option{drkit.WithThumbprint("sha256 Fingerprint=" + sum)}, settings.Settings{Thumbprint: digest}},
		"WithInsecureSkipVerify": {[]drkit.Option{drkit.WithInsecureSkipVerify()}, settings.Settings{InsecureSkipVerify: true}},
		"WithPlainHTTP":          {[]drkit.Option{drkit.WithPlainHTTP()}, settings.Settings{PlainHTTP: true}},
		"WithoutPrefetch":        {[]drkit.Option{drkit.WithoutPrefetch()}, settings.Settings{NoPrefetch: true}},
		"WithParallelPages":      {[]drkit.Option{drkit.WithParallelPages(4)}, settings.Settings{ParallelPages: 4}},
		"WithReadOnly":           {[]drkit.Option{drkit.WithReadOnly()}, settings.Settings{ReadOnly: true}},
		"WithUserAgent":          {[]drkit.Option{drkit.WithUserAgent("runbook/1.2 (night shift)")}, settings.Settings{UserAgent: "runbook/1.2 (night shift)"}},
		"WithMaxBodyBytes":       {[]drkit.Option{drkit.WithMaxBodyBytes(1)}, settings.Settings{MaxBodyBytes: 1}},
		"WithPolling":            {[]drkit.Option{drkit.WithPolling(drkit.PollPolicy{MinInterval: 1, MaxInterval: 2, Grace: 3, MaxUnreachable: 4, BatchSize: 5})}, settings.Settings{Polling: settings.Polling{MinInterval: 1, MaxInterval: 2, Grace: 3, MaxUnreachable: 4, BatchSize: 5}}},
		"the last one counts":    {[]drkit.Option{drkit.WithTimeout(time.Minute), drkit.WithTimeout(time.Hour)}, settings.Settings{AttemptTimeout: time.Hour}},
		"a pin and a pool":       {[]drkit.Option{drkit.WithThumbprint(sum), drkit.WithRootCAs(pool)}, settings.Settings{Thumbprint: digest, RootCAs: pool}},
		"a pin on a transport of net/http": {
			[]drkit.Option{drkit.WithThumbprint(sum), drkit.WithTransport(http.DefaultTransport)},
			settings.Settings{Thumbprint: digest, Transport: http.DefaultTransport},
		},
		"a pin on a client without a transport": {
			[]drkit.Option{drkit.WithThumbprint(sum), drkit.WithHTTPClient(client)},
			settings.Settings{Thumbprint: digest, HTTPClient: client},
		},
		"plain HTTP through one's own transport": {
			[]drkit.Option{drkit.WithPlainHTTP(), drkit.WithTransport(transport)},
			settings.Settings{PlainHTTP: true, Transport: transport},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := apply(tc.options...)
			require.NoError(t, err)
			assert.Equal(t, tc.want, got)
		})
	}
}

func TestMiddlewareIsKeptInOrder(t *testing.T) {
	t.Parallel()
	var called []string
	wrap := func(name string) drkit.Option {
		return drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			called = append(called, name)
			return next
		})
	}
	got, err := apply(wrap("first"), wrap("second"))
	require.NoError(t, err)
	for _, middleware := range got.Middleware {
		middleware(nil)
	}
	assert.Equal(t, []string{"first", "second"}, called)
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]drkit.Option{
		"WithHTTPClient": {drkit.WithHTTPClient(nil)},
		"WithTransport":  {drkit.WithTransport(nil)},
		"WithMiddleware": {drkit.WithMiddleware(nil)},
		"WithLogger":     {drkit.WithLogger(nil)},
		"WithRootCAs":    {drkit.WithRootCAs(nil)},
		"WithRetry": {
			drkit.WithRetry(drkit.RetryPolicy{Attempts: -1}),
			drkit.WithRetry(drkit.RetryPolicy{MinWait: -1}),
			drkit.WithRetry(drkit.RetryPolicy{MaxWait: -1}),
			drkit.WithRetry(drkit.RetryPolicy{MinWait: 2, MaxWait: 1}),
		},
		"NewRateLimit": {
			drkit.NewRateLimit(0, 1), drkit.NewRateLimit(-1, 1), drkit.NewRateLimit(1, 0), drkit.NewRateLimit(math.NaN(), 1), drkit.NewRateLimit(math.Inf(1), 1),
		},
		"WithRateLimit": {
			drkit.WithRateLimit(0, 1), drkit.WithRateLimit(-1, 1), drkit.WithRateLimit(1, 0), drkit.WithRateLimit(1, -1),
			drkit.WithRateLimit(math.NaN(), 1), drkit.WithRateLimit(math.Inf(1), 1),
		},
		"WithTimeout":      {drkit.WithTimeout(0), drkit.WithTimeout(-time.Second)},
		"WithMaxBodyBytes": {drkit.WithMaxBodyBytes(0), drkit.WithMaxBodyBytes(-1)},
		"WithUserAgent": {
			drkit.WithUserAgent(""), drkit.WithUserAgent("two\nlines"), drkit.WithUserAgent("naïve"), drkit.WithUserAgent(" x"),
			drkit.WithUserAgent("x "), drkit.WithUserAgent("\x00"), drkit.WithUserAgent(strings.Repeat("x", 257)),
		},
		"WithPolling": {
			drkit.WithPolling(drkit.PollPolicy{MinInterval: -1}),
			drkit.WithPolling(drkit.PollPolicy{MaxInterval: -1}),
			drkit.WithPolling(drkit.PollPolicy{Grace: -1}),
			drkit.WithPolling(drkit.PollPolicy{MaxUnreachable: -1}),
			drkit.WithPolling(drkit.PollPolicy{BatchSize: -1}),
			drkit.WithPolling(drkit.PollPolicy{MinInterval: 2, MaxInterval: 1}),
		},
		"WithThumbprint": {
			drkit.WithThumbprint(""), drkit.WithThumbprint("SHA-256:"), drkit.WithThumbprint(sum[2:]), drkit.WithThumbprint(sum + "00"),
			drkit.WithThumbprint("zz" + sum[2:]), drkit.WithThumbprint("SHA-1:" + sumColons), drkit.WithThumbprint("MD5:" + sum),
			drkit.WithThumbprint(sum[:40]), // SHA-1
			drkit.WithThumbprint("SHA-256:SHA-256:" + sum),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, option := range options {
				got, err := apply(option)
				require.Errorf(t, err, "case %d", i)
				require.ErrorContains(t, err, name+":")
				assertOneLine(t, err.Error())
				assert.Equal(t, settings.Settings{}, got, "a refused option changes nothing")
			}
		})
	}
}

func TestContradictions(t *testing.T) {
	t.Parallel()
	pool := x509.NewCertPool()
	foreign := drkit.WithTransport(&roundTripper{})
	foreignClient := drkit.WithHTTPClient(&http.Client{Transport: &roundTripper{}})
	insecure, pin, roots, plain := drkit.WithInsecureSkipVerify(), drkit.WithThumbprint(sum), drkit.WithRootCAs(pool), drkit.WithPlainHTTP()
	for name, tc := range map[string]struct {
		options []drkit.Option
		want    []string
	}{
		"two transports":          {[]drkit.Option{drkit.WithHTTPClient(&http.Client{}), foreign}, []string{"WithHTTPClient", "WithTransport"}},
		"no check and roots":      {[]drkit.Option{insecure, roots}, []string{"WithInsecureSkipVerify", "WithRootCAs"}},
		"no check and a pin":      {[]drkit.Option{insecure, pin}, []string{"WithInsecureSkipVerify", "WithThumbprint"}},
		"plain and a pin":         {[]drkit.Option{plain, pin}, []string{"WithPlainHTTP", "TLS"}},
		"plain and roots":         {[]drkit.Option{plain, roots}, []string{"WithPlainHTTP", "TLS"}},
		"plain and no check":      {[]drkit.Option{plain, insecure}, []string{"WithPlainHTTP", "TLS"}},
		"a pin nobody can check":  {[]drkit.Option{pin, foreign}, []string{"TLS", "roundTripper"}},
		"roots nobody can check":  {[]drkit.Option{roots, foreign}, []string{"TLS", "roundTripper"}},
		"a pin inside the client": {[]drkit.Option{pin, foreignClient}, []string{"TLS", "roundTripper"}},
		"no check, foreign":       {[]drkit.Option{insecure, foreign}, []string{"TLS", "roundTripper"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			reversed := []drkit.Option{tc.options[1], tc.options[0]}
			for _, options := range [][]drkit.Option{tc.options, reversed} {
				_, err := apply(options...)
				for _, want := range tc.want {
					require.ErrorContains(t, err, want)
				}
			}
		})
	}
}

func TestThumbprintSpellings(t *testing.T) {
	t.Parallel()
	want, err := hex.DecodeString(sum)
	require.NoError(t, err)
	for _, spelling := range []string{
		sum, strings.ToUpper(sum), sumColons, strings.ToLower(sumColons), "SHA-256:" + sum, "SHA-256:" + sumColons,
		"sha-256:" + strings.ToLower(sumColons), "SHA256:" + sumColons, "sha256:" + sum, "  " + sum + "\n",
	} {
		got, err := apply(drkit.WithThumbprint(spelling))
		require.NoError(t, err, spelling)
		assert.Equal(t, want, got.Thumbprint, spelling)
	}
}

// The documentation of the options names these.
func TestDefaults(t *testing.T) {
	t.Parallel()
	got := settings.Settings{}.WithDefaults()
	assert.Equal(t, settings.Retry{Attempts: 4, MinWait: 500 * time.Millisecond, MaxWait: 30 * time.Second}, got.Retry)
	assert.Equal(t, settings.Polling{
		MinInterval: 500 * time.Millisecond, MaxInterval: 15 * time.Second, Grace: 30 * time.Second, MaxUnreachable: 15 * time.Minute,
		BatchSize: 100,
	}, got.Polling)
	assert.Equal(t, time.Minute, got.AttemptTimeout)
	assert.EqualValues(t, 16<<20, got.MaxBodyBytes)
	assert.Equal(t, "drkit-go", got.UserAgent)
	assert.NotNil(t, got.Logger)

	got = settings.Settings{HTTPClient: &http.Client{Timeout: time.Second}}.WithDefaults()
	assert.Equal(t, time.Second, got.AttemptTimeout, "the Timeout of the client is the limit of one attempt")
	got = settings.Settings{HTTPClient: &http.Client{Timeout: time.Second}, AttemptTimeout: time.Hour}.WithDefaults()
	assert.Equal(t, time.Hour, got.AttemptTimeout, "unless WithTimeout sets another")
}
