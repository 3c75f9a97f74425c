package transport_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
)

// An appliance is asked once who it is, and again where it did not say.
func TestIdentityIsAskedOnce(t *testing.T) {
	t.Parallel()
	asked := 0
	replies := []error{errReset, nil, nil}
	owners := []transport.Owner{{}, {Appliance: "a1"}, {Appliance: "a1", User: "ops\n"}}
	identity := transport.NewIdentity(newClient(t, "https://a.example.com"), "serial", func(context.Context) (transport.Owner, error) {
		asked++
		return owners[asked-1], replies[asked-1]
	})
	_, err := identity.Owner(t.Context())
	require.ErrorIs(t, err, errReset)
	_, err = identity.Owner(t.Context())
	require.ErrorContains(t, err, "does not say who is signed in")
	assert.Equal(t, transport.Owner{}, identity.Known())
	for range 2 {
		owner, err := identity.Owner(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "a1 as ops\n", owner.String())
	}
	assert.Equal(t, 3, asked)

	token, err := identity.Sign(t.Context(), step.Token{Operation: "Things.Move", Task: "7"})
	require.NoError(t, err)
	assert.Equal(t, step.Token{Service: "fake", Appliance: "a1", User: "ops\n", Operation: "Things.Move", Task: "7"}, token)
	require.NoError(t, identity.Check(t.Context(), token))
	require.NoError(t, identity.Check(t.Context(), step.Token{}), "work that was not resumed has no token")
	_, err = identity.Sign(t.Context(), step.Token{})
	require.ErrorContains(t, err, "nothing to resume")
	token.User = "somebody"
	err = identity.Check(t.Context(), token)
	require.ErrorIs(t, err, drkit.ErrToken)
	assert.ErrorContains(t, err, `belongs to the user somebody, and this is "ops\n"`)
	token.Appliance = "a2"
	assert.ErrorContains(t, identity.Check(t.Context(), token), "belongs to the appliance with serial a2, and this is a1")
}

// stillThing is a source that has ended.
type stillThing string

func (s stillThing) ID() string { return string(s) }

func (s stillThing) Look(context.Context) (drkit.Look[string], error) {
	return drkit.Look[string]{Done: true, Result: string(s)}, nil
}

// A beginning leads to what was accepted, to what was found, or to nothing at all.
func TestBegin(t *testing.T) {
	t.Parallel()
	begin := func(t *testing.T, reply error, jobs ...[]transport.Job) (*drkit.Poller[string], error) {
		t.Helper()
		network := scripted(answers(200, `{"id":"1"}`))
		if reply != nil {
			network = scripted(fails(reply))
		}
		client := newClient(t, "https://a.example.com", drkit.WithTransport(network))
		return transport.Begin(t.Context(), client, transport.Beginning[string]{
			Call: transport.Call{Operation: &moveThing, Path: []string{"1"}},
			Send: func(ctx context.Context, call transport.Call) (transport.Answer, error) {
				id, err := drkit.OperationID(ctx)
				assert.NoError(t, err)
				assert.NotEmpty(t, id, "the poller needs the ID that the call goes out with")
				return client.Do(ctx, call, &thing{})
			},
			Follow: func(string, transport.Answer) *drkit.Poller[string] {
				return drkit.NewPoller[string](stillThing("followed"))
			},
			Work: &transport.Work{Resource: "thing 1", Jobs: func(context.Context) ([]transport.Job, error) {
				now := jobs[0]
				jobs = jobs[min(1, len(jobs)-1):]
				return now, nil
			}},
			Adopt: func(_ string, found transport.Found, _ func(context.Context) error) *drkit.Poller[string] {
				return drkit.NewPoller[string](stillThing("adopted " + found.Job))
			},
			Resume: func(string) (*drkit.Poller[string], error) { return nil, errors.New("there is no token") },
		})
	}
	poller, err := begin(t, nil, nil)
	require.NoError(t, err)
	assert.Equal(t, "followed", poller.ID())
	poller, err = begin(t, errReset, nil, []transport.Job{{ID: "7"}})
	require.NoError(t, err)
	assert.Equal(t, "adopted 7", poller.ID())
	_, err = begin(t, nil, []transport.Job{{ID: "7"}})
	require.ErrorIs(t, err, drkit.ErrConflict)
}

// Members that a schema does not list are kept, and never stand in for those that it does.
func TestExtra(t *testing.T) {
	t.Parallel()
	schema := api.Schema{Members: []api.Member{{Name: "id"}, {Name: "hidden"}}}
	var one thing
	extra, err := transport.Extra([]byte(`{"id":"1","ID":"2","Hidden":3,"more":{"a":[1]},"none":null}`), &one, schema)
	require.NoError(t, err)
	assert.Equal(t, thing{"2"}, one)
	assert.Equal(t, map[string]json.RawMessage{"more": json.RawMessage(`{"a":[1]}`), "none": json.RawMessage("null")}, extra)
	text, err := transport.WithExtra(one, extra, schema)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"2","more":{"a":[1]},"none":null}`, string(text))

	extra, err = transport.Extra([]byte(`{"id":"1"}`), &one, schema)
	require.NoError(t, err)
	assert.Nil(t, extra)
	text, err = transport.WithExtra(one, map[string]json.RawMessage{"Id": json.RawMessage("7")}, schema)
	require.NoError(t, err)
	assert.JSONEq(t, `{"id":"1"}`, string(text))
	text, err = transport.WithExtra(struct{}{}, map[string]json.RawMessage{"b": json.RawMessage("7")}, schema)
	require.NoError(t, err)
	assert.JSONEq(t, `{"b":7}`, string(text))

	for _, bad := range []string{"", "[]", `{"id":7}`, "7"} {
		_, err = transport.Extra([]byte(bad), &one, schema)
		require.Error(t, err, bad)
	}
	_, err = transport.WithExtra(one, map[string]json.RawMessage{"b": json.RawMessage("{")}, schema)
	require.Error(t, err)
}
