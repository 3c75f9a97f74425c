package drkit_test

import (
	"context"
	"fmt"
	"net/http"

	"github.com/drkit-go/drkit"
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

// A client of one's own shows its answers to whoever asked to see them.
func ExampleResponseObserver() {
	serve := func(ctx context.Context) {
		if observe := drkit.ResponseObserver(ctx); observe != nil {
			observe(drkit.Response{Operation: "own.Things.Get", Status: http.StatusOK})
		}
	}
	serve(context.Background())
	serve(drkit.OnResponse(context.Background(), func(r drkit.Response) { fmt.Println(r.Operation, r.Status) }))
	// Output: own.Things.Get 200
}

// call shows two attempts of one call, as a client does.
func call(ctx context.Context) {
	observe := drkit.ResponseObserver(ctx)
	observe(drkit.Response{
		Operation: "vcav.About.Get", OperationID: "drill-7", Attempt: 1, Status: http.StatusServiceUnavailable,
		Header: http.Header{"Retry-After": {"1"}}, Body: []byte("busy"),
	})
	observe(drkit.Response{
		Operation: "vcav.About.Get", OperationID: "drill-7", Attempt: 2, Status: http.StatusOK,
		Body: []byte(`{"version":"4.7"}`),
	})
}
