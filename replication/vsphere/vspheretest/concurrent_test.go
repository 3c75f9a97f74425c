package vspheretest_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// Many at once, on real sockets at both sites: each replication is paused once, however many ask for it.
func TestManyAtOnce(t *testing.T) {
	t.Parallel()
	const replications, askers = 8, 4
	pair := vspheretest.NewPair(t, fleet(replications), vspheretest.RateLimits(0, 0, 0), vspheretest.TaskDuration(0, 0))
	recovery := guest{server: pair.Recovery, base: v2, pairing: pair.Recovery.PairingID()}.signIn(t)
	recovery.signInRemotely(t)
	sites := []guest{recovery, recovery.peer(t)}
	var group sync.WaitGroup
	for n := range replications {
		id := vspheretest.ReplicationID(fmt.Sprintf("vm-%03d", n))
		for asker := range askers {
			group.Go(func() {
				g := sites[asker%2]
				for _, request := range [][2]string{
					{"POST", on(id, "/actions/pause")}, {"GET", on(id, "")}, {"GET", "/tasks"}, {"GET", "{P}/replications"},
				} {
					got, err := g.send(t.Context(), request[0], request[1], "")
					assert.NoError(t, err)
					assert.Less(t, got.status, http.StatusBadRequest)
				}
				pair.Audit()
				pair.Replications()
				g.server.Tasks()
			})
		}
	}
	group.Wait()
	audit := pair.Audit()
	assert.Equal(t, replications*askers, audit.Of("Replications.Pause", "").Ran)
	assert.Equal(t, replications, audit.Of("Replications.Pause", "").Succeeded)
	for _, r := range pair.Replications() {
		assert.True(t, r.Paused)
		assert.Equal(t, 1, audit.Replication(r.ID).Paused)
	}
}

// In a bubble, a day of replication and a rehearsal take no time at all.
func TestInABubble(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		g := guest{server: vspheretest.NewServer(t, vspheretest.InMemory()), base: v2}
		g.pairing = g.server.PairingID()
		<-time.After(24 * time.Hour)
		g = g.signIn(t)
		g.signInRemotely(t)
		begun := g.begin(t, "POST", on(db1, "/actions/test"), g.testOf(g.instances(t, db1)[0].ID))
		looks := 0
		for ; g.job(t, begun.ID).Status != "SUCCESS"; looks++ {
			<-time.After(2 * time.Second)
		}
		assert.Equal(t, 2, looks)
		assert.Len(t, g.server.TestMachines(), 1)
	})
}

func TestOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]vspheretest.Option{
		"clock":            {vspheretest.UseClock(nil)},
		"names":            {vspheretest.SiteNames("a", "a")},
		"no name":          {vspheretest.SiteNames("", "a")},
		"observer":         {vspheretest.Observer("", "pw")},
		"tasks":            {vspheretest.TaskDuration(-1, 0)},
		"syncs":            {vspheretest.SyncDuration(-1)},
		"sessions":         {vspheretest.SessionLife(0, 1)},
		"remote status":    {vspheretest.RemoteSessionStatus(418)},
		"pages":            {vspheretest.PageSize(0)},
		"memory":           {vspheretest.TaskMemory(-1)},
		"limits":           {vspheretest.RateLimits(-1, 0, 0)},
		"version":          {vspheretest.ProductVersion("8.5")},
		"no version":       {vspheretest.ProductVersion("new")},
		"machine":          {vspheretest.Machines(vspheretest.Machine{})},
		"machine twice":    {vspheretest.Machines(vspheretest.Machine{Name: "a"}, vspheretest.Machine{Name: "a"})},
		"machine nowhere":  {vspheretest.Machines(vspheretest.Machine{Name: "a", Site: "x"})},
		"disks":            {vspheretest.Machines(vspheretest.Machine{Name: "a", Disks: -1})},
		"replication":      {vspheretest.Protect(vspheretest.Replication{})},
		"replicated twice": {vspheretest.Protect(vspheretest.Replication{VMName: "a"}, vspheretest.Replication{VMName: "a"})},
		"rpo":              {vspheretest.Protect(vspheretest.Replication{VMName: "a", RPO: -1})},
		"instances":        {vspheretest.Protect(vspheretest.Replication{VMName: "a", Instances: -2})},
		"unpaired":         {vspheretest.Unpaired(), vspheretest.Protect(vspheretest.Replication{VMName: "a"})},
		"alone":            {vspheretest.Unpaired(), vspheretest.OneVCenter()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := vspheretest.Start(options...)
			require.ErrorContains(t, err, "vspheretest: ")
		})
	}
}
