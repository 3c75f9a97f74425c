package drkit_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// Calls made with the returned context can be found by this name in the logs of the service.
func ExampleWithOperationID() {
	ctx := drkit.WithOperationID(context.Background(), "drill-2026-05/db-1")
	// … client.VMReplications.Failover(ctx, …)
	fmt.Println(drkit.OperationID(ctx))
	// Output: drill-2026-05/db-1 <nil>
}

func ExampleOperationID() {
	fmt.Println(drkit.OperationID(drkit.WithOperationID(context.Background(), "drill 7")))
	_, err := drkit.OperationID(drkit.WithOperationID(context.Background(), "two\nlines"))
	fmt.Println(err)
	// Output:
	// drill 7 <nil>
	// operation ID "two\nlines" cannot be sent as a header
}

// What came over the wire can be seen for each call on its own, retries included.
func ExampleOnResponse() {
	ctx := drkit.OnResponse(context.Background(), func(r drkit.Response) {
		fmt.Println(r.Attempt, r.Status, r.Header.Get("Retry-After"))
	})
	call(ctx) // stands for any method of a service
	// Output:
	// 1 503 1
	// 2 200
}

func ExampleResponse() {
	ctx := drkit.OnResponse(context.Background(), func(r drkit.Response) {
		fmt.Printf("%s (%s): %s\n", r.Operation, r.OperationID, r.Body)
	})
	call(ctx)
	// Output:
	// vcav.About.Get (drill-7): busy
	// vcav.About.Get (drill-7): {"version":"4.7"}
}

// call makes one call that is answered at the second attempt.
func call(ctx context.Context) {
	answers := []*http.Response{
		{StatusCode: http.StatusServiceUnavailable, Header: http.Header{"Retry-After": {"1"}}, Body: io.NopCloser(strings.NewReader("busy"))},
		{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(`{"version":"4.7"}`))},
	}
	client, err := transport.New(transport.Config{
		Service: "vcav", Endpoint: "https://vcda.example.com", TraceHeader: "operationID",
		Accept:      func(string, bool) string { return "application/json" },
		DecodeError: func(int, []byte) (transport.ServiceError, bool) { return transport.ServiceError{}, false },
		Session:     transport.Session{Header: "X-VCAV-Auth", Token: drkit.NewSecret("a token")},
		Options: []drkit.Option{
			drkit.WithTransport(roundTrip(func(*http.Request) (*http.Response, error) {
				next := answers[0]
				answers = answers[1:]
				return next, nil
			})),
			drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}),
		},
	})
	if err != nil {
		panic(err)
	}
	about := api.Operation{Name: "About.Get", Method: http.MethodGet, Path: "/about", Class: api.Read}
	if _, err := client.Do(drkit.WithOperationID(ctx, "drill-7"), transport.Call{Operation: &about}, nil); err != nil {
		panic(err)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) { return f(request) }
