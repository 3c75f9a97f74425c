package cloudreplica_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// replica is one of a machine of its own.
func replica(name, tenant, vm string, age time.Duration, state string) cloudreplicatest.Replica {
	return cloudreplicatest.Replica{
		Name: name, Tenant: tenant, VMs: []cloudreplicatest.VM{{Name: vm, Age: age, State: state}},
	}
}

// Every class, and what speaks for it. The machines of a plan are named in whatever letter case.
func TestInventoryClasses(t *testing.T) {
	t.Parallel()
	minutes := func(n int) time.Duration { return time.Duration(n) * time.Minute }
	inBubble(t, func(s *site) {
		ctx := context.Background()
		client := s.client()
		report, err := cloudreplica.Inventory(ctx, client, cloudreplica.InventoryOptions{
			RPO: time.Hour, TenantRPO: map[string]time.Duration{"globex": 4 * time.Hour}, PageSize: 30,
		})
		require.NoError(t, err)
		var found []string
		for vm := range report.VMs() {
			found = append(found, strings.Join([]string{
				vm.Name, vm.BackupServer, strings.Join(vm.Tenants, "+"), string(vm.Class), fmt.Sprint(vm.Age.Round(time.Minute), " late ", vm.Late),
			}, ", "))
		}
		assert.Equal(t, []string{
			"away-1, vbr01, acme, in failover, 9h0m0s late false",
			"back-1, vbr01, acme, in failover, 9h0m0s late false",
			"bare-1, vbr01, acme, no point, 0s late true",
			"db-1, vbr01, acme, ok, 10m0s late false",
			"for-good-1, vbr01, acme, in failover, 9h0m0s late false",
			"late-1, vbr01, acme, breach, 2h0m0s late true",
			"never-1, vbr01, acme, no point, 0s late true",
			"odd-1, vbr01, acme, ok, 20m0s late false",
			"twin-1, vbr01, acme, ambiguous, 1h1m0s late true",
			"twin-1, vbr01, acme, ambiguous, 5m0s late false",
			"both-1, vbr01, acme+globex here, ambiguous, 5m0s late false",
			"app-1, vbr02, globex, ok, 3h0m0s late false",
			"db-1, vbr02, , unattributed, 30m0s late false",
			"lost-1, vbr01, , unattributed, 5h0m0s late true",
		}, sortedTwins(found))
		assert.Equal(t, map[cloudreplica.InventoryClass]int{
			cloudreplica.InventoryOK: 3, cloudreplica.InventoryBreach: 1, cloudreplica.InventoryNoPoint: 2,
			cloudreplica.InventoryInFailover: 3, cloudreplica.InventoryUnattributed: 2, cloudreplica.InventoryAmbiguous: 3,
		}, report.Classes)
		assert.Equal(t, 12*3, report.Points)
		require.Len(t, report.Tenants, 4)
		assert.Equal(t, 2*time.Hour, report.Tenants[0].Oldest.Round(time.Minute))
		silent := map[string]bool{}
		for _, tenant := range report.Tenants {
			silent[tenant.Name] = tenant.Silent
		}
		assert.Equal(t, map[string]bool{"acme": false, "globex": false, "globex here": true, "initech": true}, silent)
		require.NoError(t, client.Close(ctx))
	},
		cloudreplicatest.WithBackupServers(cloudreplicatest.BackupServer{Name: "vbr01"}, cloudreplicatest.BackupServer{Name: "vbr02"}),
		cloudreplicatest.WithHardwarePlans(cloudreplicatest.HardwarePlan{Name: "gold"}),
		cloudreplicatest.WithTenants(cloudreplicatest.Tenant{Name: "acme"}, cloudreplicatest.Tenant{Name: "globex", Server: "vbr02"},
			cloudreplicatest.Tenant{Name: "initech", HardwarePlans: []string{"gold"}}, cloudreplicatest.Tenant{Name: "globex here"}),
		cloudreplicatest.WithReplicas(
			replica("r1", "acme", "db-1", minutes(10), ""), replica("r2", "acme", "late-1", minutes(120), ""),
			replica("r3", "acme", "away-1", minutes(540), cloudreplicatest.StateFailover), replica("r4", "acme", "back-1", minutes(540), "Failback"),
			replica("r5", "acme", "for-good-1", minutes(540), "PermanentFailover"), replica("r6", "acme", "odd-1", minutes(20), "Unknown"),
			replica("r7", "acme", "both-1", minutes(5), ""), replica("r8", "acme", "twin-1", minutes(5), ""), replica("r9", "globex here", "twin-1", minutes(61), ""),
			replica("r10", "initech", "lost-1", minutes(300), ""), replica("r11", "globex", "app-1", minutes(180), ""), replica("r12", "globex", "db-1", minutes(30), ""),
			cloudreplicatest.Replica{Name: "bare-1", Tenant: "acme", VMs: []cloudreplicatest.VM{{Name: "bare-1", Points: -1}}},
		),
		cloudreplicatest.WithPlans(
			cloudreplicatest.Plan{Name: "all", Tenant: "acme", VMs: []string{"DB-1", "late-1", "away-1", "back-1", "for-good-1", "odd-1", "bare-1", "never-1", "twin-1"}},
			cloudreplicatest.Plan{Name: "some", Tenant: "acme", VMs: []string{"db-1", "both-1"}},
			cloudreplicatest.Plan{Name: "theirs", Tenant: "globex here", VMs: []string{"both-1"}},
			cloudreplicatest.Plan{Name: "there", Tenant: "globex", VMs: []string{"app-1"}},
		),
	)
}

// sortedTwins puts the machines of one name in an order.
func sortedTwins(rows []string) []string {
	slices.SortStableFunc(rows, func(a, b string) int {
		if strings.HasPrefix(a, "twin") && strings.HasPrefix(b, "twin") {
			return strings.Compare(a, b)
		}
		return 0
	})
	return rows
}

// Ages count until the last collection, unless that is too long ago to be relied on.
func TestInventoryAsOf(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		since     time.Duration
		until     bool // ages count until the last collection
		late      int
		collectOK bool
	}{
		"a while ago":       {20 * time.Minute, true, 0, true},
		"too long ago":      {2 * time.Hour, false, 3, true},
		"the last went bad": {20 * time.Minute, true, 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(s *site) {
				ctx := context.Background()
				client := s.client()
				began := time.Now()
				<-time.After(tc.since)
				if !tc.collectOK {
					s.FailCollect("the server is away")
					collect, err := client.BackupServers.Collect(ctx, vbr01)
					require.NoError(t, err)
					_, err = collect.Wait(ctx)
					var failed *drkit.TaskError
					require.ErrorAs(t, err, &failed)
					assert.Equal(t, "the server is away", failed.Message)
				}
				report, err := cloudreplica.Inventory(ctx, client, cloudreplica.InventoryOptions{RPO: time.Hour})
				require.NoError(t, err)
				assert.WithinDuration(t, began, report.AsOf, time.Minute)
				assert.Equal(t, tc.until, report.Until.Equal(report.AsOf))
				assert.Equal(t, tc.late, report.Classes[cloudreplica.InventoryBreach])
				assert.Equal(t, tc.collectOK, report.LastCollection.State == cloudreplica.SystemSessionStateSuccess)
				require.NoError(t, client.Close(ctx))
			}, cloudreplicatest.CollectEvery(0))
		})
	}
}

func TestInventoryOptionsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for want, options := range map[string]cloudreplica.InventoryOptions{
		"an RPO of 0s":               {},
		"negative PageSize -1":       {RPO: time.Hour, PageSize: -1},
		`-1ns of tenant "Tidewater"`: {RPO: time.Hour, TenantRPO: map[string]time.Duration{"Tidewater": -1}},
	} {
		s := newService(t, inXML)
		_, err := cloudreplica.Inventory(t.Context(), s.client(), options)
		require.ErrorContains(t, err, want)
		assert.Empty(t, s.Lines())
	}
}
