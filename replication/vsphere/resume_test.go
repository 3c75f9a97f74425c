package vsphere_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// tokenOf is a token of another task of the same client.
func tokenOf(t *testing.T, text, task string) string {
	t.Helper()
	token, err := step.ParseToken(text)
	require.NoError(t, err)
	token.Task = task
	return token.String()
}

// A wait goes on in another process, at another address of the same appliance.
func TestResume(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		poller, err := replicationsOf(y.client()).Pause(drkit.WithOperationID(t.Context(), "op-7"), ledger)
		require.NoError(t, err)
		token, err := poller.ResumeToken(t.Context())
		require.NoError(t, err)
		parsed, err := step.ParseToken(token)
		require.NoError(t, err)
		assert.Equal(t, step.Token{
			Service: "vsphere", Appliance: vrWest, Operation: "Replications.Pause", OperationID: "op-7", Task: "task-1", User: "ops",
		}, parsed)

		other := y.client()
		resumed, err := vsphere.Resume[vsphere.Task](other, token)
		require.NoError(t, err)
		seen := len(y.seen)
		again, err := resumed.ResumeToken(t.Context())
		require.NoError(t, err)
		assert.Equal(t, token, again)
		assert.Len(t, y.seen, seen, "the appliance need not be there")
		assert.Equal(t, "task-1", finished(t, resumed, nil).ID)

		raw, err := vsphere.Resume[json.RawMessage](other, token)
		require.NoError(t, err)
		result, err := raw.Wait(t.Context())
		require.NoError(t, err)
		assert.JSONEq(t, `{"of":"task-1"}`, string(result))
		assert.Equal(t, []string{"POST pause"}, y.sent())
	})
}

func TestResumeRefuses(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		client := y.client()
		poller, err := replicationsOf(client).Pause(t.Context(), ledger)
		require.NoError(t, err)
		text, err := poller.ResumeToken(t.Context())
		require.NoError(t, err)
		token, err := step.ParseToken(text)
		require.NoError(t, err)
		changed := func(change func(*step.Token)) string {
			other := token
			change(&other)
			return other.String()
		}
		for want, text := range map[string]string{
			"not a resume token":                             "x",
			"it belongs to package vcav":                     changed(func(t *step.Token) { t.Service = "vcav" }),
			"Replications.Get is not an operation":           changed(func(t *step.Token) { t.Operation = "Replications.Get" }),
			"RemoteSession.SignIn is not an operation that":  changed(func(t *step.Token) { t.Operation = "RemoteSession.SignIn" }),
			"Replications.Recover is not an operation that ": changed(func(t *step.Token) { t.Operation = "Replications.Recover" }),
		} {
			_, err := vsphere.Resume[vsphere.Task](client, text)
			require.ErrorIs(t, err, drkit.ErrToken)
			assert.ErrorContains(t, err, want)
		}
		_, err = vsphere.Resume[vsphere.Task](client, changed(func(t *step.Token) { t.Operation = "Replications.Configure" }))
		require.NoError(t, err, "what answers a list of tasks has tasks, too")
		_, err = vsphere.Resume[vsphere.ReplicationInfo](client, text)
		require.ErrorContains(t, err, "leads to a Task, or to its result as JSON, and not to a vsphere.ReplicationInfo")
		for want, text := range map[string]string{
			"the token belongs to the appliance with id other": changed(func(t *step.Token) { t.Appliance = "other" }),
			"the token belongs to the user mallory":            changed(func(t *step.Token) { t.User = "mallory" }),
		} {
			resumed, err := vsphere.Resume[vsphere.Task](client, text)
			require.NoError(t, err)
			_, err = resumed.Wait(t.Context())
			require.ErrorIs(t, err, drkit.ErrToken)
			assert.ErrorContains(t, err, want)
			_, err = resumed.Poll(t.Context())
			require.ErrorIs(t, err, drkit.ErrToken)
		}
		gone, err := vsphere.Resume[vsphere.Task](client, tokenOf(t, text, "task-99"))
		require.NoError(t, err)
		began := time.Now()
		_, err = gone.Wait(t.Context())
		require.ErrorIs(t, err, drkit.ErrTaskGone)
		assert.Less(t, time.Since(began), 2*time.Minute)
	})
}

// A step of a runbook that was cut off goes on where it was.
func TestStepsGoOn(t *testing.T) {
	bubble(t, func(t *testing.T, y *yard) {
		journal := new(drkit.MemoryJournal)
		run := func() (*drkit.Poller[vsphere.Task], error) {
			client := y.client()
			return drkit.Once(t.Context(), journal, "pause", func(ctx context.Context) (*drkit.Poller[vsphere.Task], error) {
				return replicationsOf(client).Pause(ctx, ledger)
			})
		}
		first, err := run()
		require.NoError(t, err)
		second, err := run()
		require.NoError(t, err)
		assert.Equal(t, first.ID(), second.ID())
		finished(t, second, nil)
		third, err := run()
		require.NoError(t, err)
		assert.Equal(t, "task-1", finished(t, third, nil).ID)
		assert.Equal(t, []string{"POST pause"}, y.sent())
	})
}
