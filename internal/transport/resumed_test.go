package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
)

// resumedThing is a source that ends as it says.
type resumedThing struct {
	token step.Token
	look  drkit.Look[thing]
}

func (s resumedThing) ID() string { return s.token.Task }

func (s resumedThing) Closed() <-chan struct{} { return nil }

func (s resumedThing) Token(context.Context) (step.Token, error) { return s.token, nil }

func (s resumedThing) Look(context.Context) (drkit.Look[thing], error) { return s.look, nil }

// resumed resumes a token of a client whose service is called "fake".
func resumed[T any](t *testing.T, text string, look drkit.Look[thing]) (*drkit.Poller[T], error) {
	t.Helper()
	c := newClient(t, "https://a.example.com")
	return transport.Resume(c, text, func(token step.Token) (*drkit.Poller[T], error) {
		return transport.PollerAs[T](resumedThing{token, look}, c.Polling())
	})
}

// A token is resumed as the type of its result, or as JSON, whichever way the work ends.
func TestResume(t *testing.T) {
	t.Parallel()
	text := step.Token{Service: "fake", Appliance: "a1", Operation: "Things.Move", Task: "7", User: "ops"}.String()
	moved := drkit.Look[thing]{Done: true, Result: thing{"7"}}
	typed, err := resumed[thing](t, text, moved)
	require.NoError(t, err)
	result, err := typed.Wait(t.Context())
	require.NoError(t, err)
	assert.Equal(t, thing{"7"}, result)

	raw, err := resumed[json.RawMessage](t, text, moved)
	require.NoError(t, err)
	assert.Equal(t, "7", raw.ID())
	again, err := raw.ResumeToken(t.Context())
	require.NoError(t, err)
	assert.Equal(t, text, again)
	written, err := raw.Wait(t.Context())
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"7"}`, string(written))

	failed := errors.New("it did not move")
	raw, err = resumed[json.RawMessage](t, text, drkit.Look[thing]{Done: true, Err: failed})
	require.NoError(t, err)
	_, err = raw.Wait(t.Context())
	require.ErrorIs(t, err, failed)
}

// What is no token of the service, or has another result, is refused with the name of the function.
func TestResumeRefuses(t *testing.T) {
	t.Parallel()
	token := step.Token{Service: "fake", Appliance: "a1", Operation: "Things.Move", Task: "7", User: "ops"}
	_, err := resumed[int](t, token.String(), drkit.Look[thing]{})
	require.ErrorIs(t, err, drkit.ErrToken)
	assert.ErrorContains(t, err, "fake.Resume: ")
	assert.ErrorContains(t, err, "it has a result of type transport_test.thing and not int")

	token.Service = "oth\ner"
	_, err = resumed[thing](t, token.String(), drkit.Look[thing]{})
	require.ErrorIs(t, err, drkit.ErrToken)
	assert.ErrorContains(t, err, `it belongs to package "oth\ner"`)

	_, err = resumed[thing](t, "7", drkit.Look[thing]{})
	require.ErrorIs(t, err, drkit.ErrToken)
	assert.ErrorContains(t, err, "not a resume token of drkit")

	var work thing
	require.ErrorContains(t, token.About(&work), "it does not say what to look for")
}
