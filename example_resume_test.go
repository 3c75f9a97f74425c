package drkit_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/drkit-go/drkit"
)

// The pollers of drkit's clients have tokens; the Example of vcav.Resume shows one that is used. A source of
// one's own has none.
func ExamplePoller_ResumeToken() {
	_, err := startFailover("task-1").ResumeToken(context.Background())
	fmt.Println(err, errors.Is(err, errors.ErrUnsupported))
	// Output: task-1 cannot be resumed: unsupported operation true
}

// A token that is damaged, or belongs to something else, is worth no second try.
func Example_refusedToken() {
	err := fmt.Errorf("vcav.Resume: %w: it belongs to package checkpoints", drkit.ErrToken)
	if errors.Is(err, drkit.ErrToken) {
		fmt.Println("resume it with the client that it belongs to:", err)
	}
	// Output: resume it with the client that it belongs to: vcav.Resume: resume token refused: it belongs to package checkpoints
}
