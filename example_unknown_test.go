package drkit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/drkit-go/drkit"
)

// loseFailover stands for a method of a service that starts work, and whose answer is lost.
func loseFailover(context.Context) (*drkit.Poller[string], error) {
	return nil, &drkit.OutcomeUnknownError{
		Operation: "vcav.VMReplications.Failover", Method: http.MethodPost, Path: "/vm-replications/C4-1/failover",
		OperationID: "drill-7", Resource: "replication C4-1", Err: &drkit.Error{Err: io.ErrUnexpectedEOF},
		Untouched: true, Lost: remembered{},
	}
}

// remembered is a drkit.Lost: here of work whose task has come to light since.
type remembered struct{}

func (remembered) Recover(context.Context) (any, error) {
	return drkit.NewPoller(&adoptedFailover{newFailover("task-1")}, soon), nil
}

func (remembered) Discard() {}

// adoptedFailover is a drkit.Source of work whose answer was lost.
type adoptedFailover struct{ *failover }

func (*adoptedFailover) Adopted() bool { return true }

// Recover looks for the work again, and sends nothing that could make it run twice.
func ExampleRecover() {
	ctx := context.Background()
	poller, err := loseFailover(ctx)
	if errors.Is(err, drkit.ErrOutcomeUnknown) {
		poller, err = drkit.Recover[string](ctx, err)
	}
	if err != nil {
		fmt.Println("still unknown, or refused:", err)
		return
	}
	vm, err := poller.Wait(ctx)
	fmt.Println(poller.ID(), vm, err)
	// Output: task-1 vm-task-1 <nil>
}

// Somebody has made sure that the failover did not run. The next one is sent without a look for it.
func ExampleDiscard() {
	_, err := loseFailover(context.Background())
	fmt.Println(err)

	var unknown *drkit.OutcomeUnknownError
	if errors.As(err, &unknown) && unknown.Untouched {
		fmt.Println(drkit.Discard(err))
	}
	// Output:
	// vcav.VMReplications.Failover: sent, but the outcome is unknown for replication C4-1: unexpected EOF: no task came of it so far, and nothing there has changed (POST /vm-replications/C4-1/failover, operation ID drill-7)
	// true
}

// A test that plays a lost answer gives the error a Lost of its own.
func ExampleLost() {
	var lost drkit.Lost = remembered{}
	err := &drkit.OutcomeUnknownError{Operation: "vcav.VMReplications.Failover", Lost: lost}

	poller, _ := drkit.Recover[string](context.Background(), err) // calls lost.Recover
	fmt.Println(poller.ID())
	fmt.Println(drkit.Discard(err)) // calls lost.Discard
	// Output:
	// task-1
	// true
}

// The service's list of tasks is broken, and the failover cannot wait for it.
func ExampleWithoutNote() {
	ctx := drkit.WithoutNote(context.Background())
	_, err := loseFailover(ctx) // an answer that is lost now stays lost
	fmt.Println(errors.Is(err, drkit.ErrOutcomeUnknown))
	// Output: true
}

func ExamplePoller_Adopted() {
	answered := startFailover("task-1")
	fmt.Println(answered.Adopted())

	found := drkit.NewPoller(&adoptedFailover{newFailover("task-1")}, soon) // as a client returns it
	fmt.Println(found.Adopted())
	// Output:
	// false
	// true
}
