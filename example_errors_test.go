package drkit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/drkit-go/drkit"
)

// Callers ask errors of any service with errors.Is, and need neither statuses nor codes for it.
func Example_sentinels() {
	advice := func(err error) string {
		switch {
		case err == nil:
			return "go on"
		case errors.Is(err, drkit.ErrOutcomeUnknown):
			return "look before you send it again" // asked first: its cause may be one of those below
		case errors.Is(err, drkit.ErrNotFound), errors.Is(err, drkit.ErrTaskGone):
			return "ask where it went"
		case errors.Is(err, drkit.ErrUnauthorized), errors.Is(err, drkit.ErrForbidden):
			return "ask for another role"
		case errors.Is(err, drkit.ErrConflict), errors.Is(err, drkit.ErrNotDone):
			return "wait for the other task"
		case errors.Is(err, drkit.ErrThrottled), errors.Is(err, drkit.ErrUnavailable):
			return "come back later"
		case errors.Is(err, drkit.ErrSkipped):
			return "mend what the service has found"
		case errors.Is(err, drkit.ErrTimedOut), errors.Is(err, drkit.ErrCancelled):
			return "see what it has left behind"
		case errors.Is(err, drkit.ErrListMoved):
			return "list again"
		case errors.Is(err, drkit.ErrReadOnly), errors.Is(err, drkit.ErrClosed):
			return "mend the program"
		default:
			return "read the message"
		}
	}
	for _, err := range []error{
		nil,
		&drkit.Error{Status: http.StatusConflict, Kind: drkit.ErrConflict},
		&drkit.OutcomeUnknownError{Err: &drkit.Error{Kind: drkit.ErrUnavailable, Err: io.ErrUnexpectedEOF}},
		fmt.Errorf("vcav.VMReplications.List: %w", drkit.ErrListMoved),
	} {
		fmt.Println(advice(err))
	}
	// Output:
	// go on
	// wait for the other task
	// look before you send it again
	// list again
}

func ExampleError() {
	var err error = &drkit.Error{ // as a client returns it
		Operation: "vcav.VMReplications.Failover", Method: http.MethodPost, Path: "/vm-replications/C4-1/failover",
		Status: http.StatusConflict, Code: "ReplicationBusy", Message: "Another task runs.",
		OperationID: "drill-7", RequestID: "gw-4711", RetryAfter: 30 * time.Second, Kind: drkit.ErrConflict,
	}
	fmt.Println(err)

	var answer *drkit.Error
	if errors.As(err, &answer) && errors.Is(err, drkit.ErrConflict) {
		fmt.Println(answer.Status, answer.Code, answer.RetryAfter)
		fmt.Println("whoever runs the service knows it as", answer.RequestID)
	}
	// Output:
	// vcav.VMReplications.Failover: 409 ReplicationBusy: Another task runs. (POST /vm-replications/C4-1/failover, operation ID drill-7, request ID gw-4711)
	// 409 ReplicationBusy 30s
	// whoever runs the service knows it as gw-4711
}

func ExampleTaskError() {
	_, err := startDoomed("task-1").Wait(context.Background())
	fmt.Println(err)

	var failure *drkit.TaskError
	if errors.As(err, &failure) {
		fmt.Println(failure.TaskID, failure.Code)
	}
	// Output:
	// task on db-1 failed: InsufficientSpace: The datastore is full. (task task-1)
	// task-1 InsufficientSpace
}

// The connection broke after a failover was sent. It may have run, so nothing sends it again.
func ExampleOutcomeUnknownError() {
	var err error = &drkit.OutcomeUnknownError{ // as a client returns it
		Operation: "vcav.VMReplications.Failover", Method: http.MethodPost, Path: "/vm-replications/C4-1/failover",
		OperationID: "drill-7", Err: &drkit.Error{Err: io.ErrUnexpectedEOF},
	}
	fmt.Println(err)

	var unknown *drkit.OutcomeUnknownError
	if errors.As(err, &unknown) {
		fmt.Println("look for", unknown.OperationID, errors.Is(err, io.ErrUnexpectedEOF))
	}
	// Output:
	// vcav.VMReplications.Failover: sent, but the outcome is unknown: unexpected EOF (POST /vm-replications/C4-1/failover, operation ID drill-7)
	// look for drill-7 true
}
