package vcav_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/faulttest"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// notFoundPage is a proxy's word that it does not know a path, which says nothing of what the appliance has.
func notFoundPage(operation string) vcavtest.Fault {
	return vcavtest.Fault{Operation: operation, Status: 404, Body: faulttest.LoginPage}
}

func TestPageOfAProxyProvesNoStop(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		id := vcavtest.ReplicationID("db-1")
		server.Inject(vcavtest.Fault{Operation: "VMReplications.Stop", Drop: true, Times: 1})
		gone := notFoundPage("VMReplications.Get")
		gone.Skip, gone.Times = 1, 3 // the note reads it first
		server.Inject(gone)
		_, err := client.VMReplications.Stop(t.Context(), id)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.True(t, unknown.Untouched, "once the proxy is well again")
		assert.Equal(t, id, server.Replication(id).ID, "it is still there")
	})
}

func TestPageOfAProxyProvesNoDelete(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		policy, err := client.Policies.Create(t.Context(), vcav.PolicySettings{DisplayName: "short-lived"})
		require.NoError(t, err)
		server.Inject(vcavtest.Fault{Operation: "Policies.Delete", Drop: true, Times: 1})
		server.Inject(notFoundPage("Policies.Delete"))
		err = client.Policies.Delete(t.Context(), policy.ID)
		require.Error(t, err, "nobody has said that it is gone")
		require.NotErrorIs(t, err, drkit.ErrNotFound)
		server.ClearFaults()
		require.NoError(t, client.Policies.Delete(t.Context(), policy.ID))
	})
}

func TestPageOfAProxyIsNoTaskThatIsGone(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		poller, err := client.VMReplications.Sync(t.Context(), vcavtest.ReplicationID("db-1"))
		require.NoError(t, err)
		server.Inject(notFoundPage("Tasks.Get"))
		server.Inject(notFoundPage("Tasks.Poll"))
		time.AfterFunc(5*time.Minute, server.ClearFaults)
		end(t, poller, nil)
	}, vcavtest.TaskDuration(0, time.Minute))
}
