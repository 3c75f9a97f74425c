package drkit_test

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
)

// newClient stands for the constructor of a service, such as vcav.NewClient. Its client can do one thing.
func newClient(options ...drkit.Option) (*client, error) {
	c := &client{}
	for _, option := range options {
		if err := option.Apply(&c.settings); err != nil {
			return nil, err
		}
	}
	return c, c.settings.Validate()
}

type client struct{ settings settings.Settings }

func (c *client) about() {
	transport := c.settings.NamedTransport()
	for i := range c.settings.Middleware {
		transport = c.settings.Middleware[len(c.settings.Middleware)-1-i](transport)
	}
	answer, err := transport.RoundTrip(&http.Request{Method: http.MethodGet, Header: http.Header{}})
	if err == nil {
		defer answer.Body.Close()
		_, err = io.Copy(os.Stdout, answer.Body)
	}
	if err != nil {
		fmt.Println(err)
	}
}

// tripper is an http.RoundTripper that is a function.
type tripper func(*http.Request) (*http.Response, error)

func (t tripper) RoundTrip(r *http.Request) (*http.Response, error) { return t(r) }

// appliance answers every request.
var appliance = tripper(func(r *http.Request) (*http.Response, error) {
	body := "version 4.7, asked by " + r.Header.Get("X-Team") + "\n"
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(body))}, nil
})

// Options are the same for every service. Bad ones, and those that contradict each other, fail in the
// constructor.
func ExampleOption() {
	options := []drkit.Option{
		drkit.WithThumbprint("SHA-256:9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08"),
		drkit.WithUserAgent("night-drill/1.0"),
		drkit.WithLogger(slog.Default()),
	}
	_, err := newClient(options...)
	fmt.Println(err)
	_, err = newClient(append(options, drkit.WithInsecureSkipVerify())...)
	fmt.Println(err)
	// Output:
	// <nil>
	// WithInsecureSkipVerify and WithThumbprint contradict each other
}

// A client that must go through a proxy of its own.
func ExampleWithHTTPClient() {
	_, err := newClient(drkit.WithHTTPClient(&http.Client{
		Transport: &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS13}},
		Timeout:   30 * time.Second, // of one attempt
	}))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithTransport() {
	client, err := newClient(drkit.WithTransport(appliance))
	fmt.Println(err)
	client.about()
	// Output:
	// <nil>
	// version 4.7, asked by
}

// Middleware sees every attempt, and may add to it.
func ExampleWithMiddleware() {
	named := func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) {
			r.Header.Set("X-Team", "recovery")
			return next.RoundTrip(r)
		})
	}
	client, err := newClient(drkit.WithTransport(appliance), drkit.WithMiddleware(named))
	fmt.Println(err)
	client.about()
	// Output:
	// <nil>
	// version 4.7, asked by recovery
}

// Attempts are logged at Debug, retries at Warn, and each failover once at Info.
func ExampleWithLogger() {
	logger := slog.New(slog.NewJSONHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelInfo}))
	_, err := newClient(drkit.WithLogger(logger))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithRetry() {
	_, err := newClient(drkit.WithRetry(drkit.RetryPolicy{Attempts: 6, MaxWait: 10 * time.Second}))
	fmt.Println(err)
	// Output: <nil>
}

// Zero fields keep their defaults; a policy that contradicts itself is refused.
func ExampleRetryPolicy() {
	never := drkit.RetryPolicy{Attempts: 1}
	_, err := newClient(drkit.WithRetry(never))
	fmt.Println(err)
	_, err = newClient(drkit.WithRetry(drkit.RetryPolicy{MinWait: time.Minute, MaxWait: time.Second}))
	fmt.Println(err)
	// Output:
	// <nil>
	// WithRetry: MinWait 1m0s is longer than MaxWait 1s
}

// Ten requests a second on average, and twenty at once after a quiet time.
func ExampleWithRateLimit() {
	_, err := newClient(drkit.WithRateLimit(10, 20))
	fmt.Println(err)
	_, err = newClient(drkit.WithRateLimit(10, 0))
	fmt.Println(err)
	// Output:
	// <nil>
	// WithRateLimit: 10 requests a second and a burst of 0 let nothing through
}

// Three clients of one appliance, which lets a hundred requests a minute pass for each address.
func ExampleNewRateLimit() {
	limit := drkit.NewRateLimit(1.2, 20)
	for range 3 {
		if _, err := newClient(limit); err != nil {
			fmt.Println(err)
		}
	}
	_, err := newClient(drkit.NewRateLimit(0, 20))
	fmt.Println(err)
	// Output: NewRateLimit: 0 requests a second and a burst of 20 let nothing through
}

// A limit that clients share goes with a limit of each.
func ExampleRateLimit() {
	limit := drkit.NewRateLimit(10, 10)
	_, err := newClient(limit, drkit.WithRateLimit(4, 4))
	fmt.Println(err)
	// Output: <nil>
}

func ExampleWithTimeout() {
	_, err := newClient(drkit.WithTimeout(10 * time.Second))
	fmt.Println(err)
	// Output: <nil>
}

// An appliance whose certificate was signed by the company itself.
func ExampleWithRootCAs() {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM([]byte("-----BEGIN CERTIFICATE-----\n…"))
	_, err := newClient(drkit.WithRootCAs(pool))
	fmt.Println(err)
	// Output: <nil>
}

// An appliance whose certificate nobody signed: its thumbprint says which one is meant.
func ExampleWithThumbprint() {
	_, err := newClient(drkit.WithThumbprint(
		"SHA-256:9F:86:D0:81:88:4C:7D:65:9A:2F:EA:A0:C5:5A:D0:15:A3:BF:4F:1B:2B:0B:82:2C:D1:5D:6C:15:B0:F0:0A:08"))
	fmt.Println(err)
	_, err = newClient(drkit.WithThumbprint("9F:86:D0:81"))
	fmt.Println(err)
	// Output:
	// <nil>
	// WithThumbprint: "9F:86:D0:81" is not a SHA-256 thumbprint (32 bytes in hexadecimal)
}

// For a laboratory. Everywhere else, use WithThumbprint.
func ExampleWithInsecureSkipVerify() {
	_, err := newClient(drkit.WithInsecureSkipVerify())
	fmt.Println(err)
	// Output: <nil>
}

// For a simulator on the same machine. A password sent this way can be read on its way.
func ExampleWithPlainHTTP() {
	_, err := newClient(drkit.WithPlainHTTP())
	fmt.Println(err)
	_, err = newClient(drkit.WithPlainHTTP(), drkit.WithRootCAs(x509.NewCertPool()))
	fmt.Println(err)
	// Output:
	// <nil>
	// WithPlainHTTP contradicts the options that configure TLS
}

// A client for a dry run: whatever could change something is refused with ErrReadOnly.
func ExampleWithReadOnly() {
	_, err := newClient(drkit.WithReadOnly())
	fmt.Println(err)
	// Output: <nil>
}

// A list then waits for its caller before it asks for the next page.
func ExampleWithoutPrefetch() {
	_, err := newClient(drkit.WithoutPrefetch())
	fmt.Println(err)
	// Output: <nil>
}

// A long list then comes four pages at a time, in its order.
func ExampleWithParallelPages() {
	_, err := newClient(drkit.WithParallelPages(4))
	fmt.Println(err)
	_, err = newClient(drkit.WithParallelPages(4), drkit.WithoutPrefetch())
	fmt.Println(err)
	// Output:
	// <nil>
	// WithoutPrefetch and WithParallelPages contradict each other
}

func ExampleWithUserAgent() {
	_, err := newClient(drkit.WithUserAgent("night-drill/1.0"))
	fmt.Println(err)
	// Output: <nil>
}

// No answer of more than a megabyte is read.
func ExampleWithMaxBodyBytes() {
	_, err := newClient(drkit.WithMaxBodyBytes(1 << 20))
	fmt.Println(err)
	// Output: <nil>
}
