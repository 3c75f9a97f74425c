package vcavtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// startOf is the guide's request for a machine of org1 at site1, with the settings that all six forms have
// in common.
func startOf(vm, source, destination string) string {
	return start(
		fmt.Sprintf(`"type":"vm","site":%q,"vmId":%q,"excludedDisks":[1000]`, source, vcavtest.MachineID(vm)),
		fmt.Sprintf(`"type":"vcloud","site":%q,"vdc":%q,"storageProfile":"*"`, destination, vcavtest.VDCID("site2", "org2")),
		usualTerms)
}

const usualTerms = `"rpo":5,"dataConnectionType":"ENCRYPTED","quiesced":true,
	"retentionPolicy":{"rules":[{"numberOfInstances":3,"distance":60}]}`

// start is a request of the guide's shape.
func start(source, destination, settings string) string {
	if settings != "" {
		settings = "," + settings
	}
	return fmt.Sprintf(`{"source":{%s},"destination":{%s},"description":"A Protected Workload",
		"targetDiskType":"THIN","initialSyncTime":0,"isMigration":false%s}`, source, destination, settings)
}

// cloudSource and cloudDestination are db-2 of the tests of starts, and where it goes.
func cloudSource() string {
	return fmt.Sprintf(`"type":"vm","site":"site1","vmId":%q,"excludedDisks":[1000]`, vcavtest.MachineID("db-2"))
}

func cloudDestination() string {
	return fmt.Sprintf(`"type":"vcloud","site":"site2","vdc":%q,"storageProfile":"*"`, vcavtest.VDCID("site2", "org2"))
}

// workshop are the sites and machines of the tests of starts.
func workshop(more ...vcavtest.Option) []vcavtest.Option {
	return append([]vcavtest.Option{
		vcavtest.LocalSite("site2", "org2", "org4"), vcavtest.RemoteSite("site1", "org1"), vcavtest.RemoteSite("site3", "org3"),
		vcavtest.OnPremisesSite("onprem1"), vcavtest.OnPremisesSite("onprem2"), vcavtest.AuthenticatedAt("site1"),
		vcavtest.Protect(), vcavtest.Machines(
			vcavtest.Machine{Name: "db-2", VApp: "shop"},
			vcavtest.Machine{Name: "sleeper", PoweredOff: true},
			vcavtest.Machine{Name: "seed", Site: "site2", PoweredOff: true},
			vcavtest.Machine{Name: "warm-seed", Site: "site2"},
			vcavtest.Machine{Name: "odd-seed", Site: "site2", PoweredOff: true, Disks: []int{2000}},
			vcavtest.Machine{Name: "seed-of-4", Site: "site2", Org: "org4", PoweredOff: true},
			vcavtest.Machine{Name: "here", Site: "site2"},
			vcavtest.Machine{Name: "ground", Site: "onprem1", ID: "vm-42"},
			vcavtest.Machine{Name: "ground-seed", Site: "onprem1", ID: "vm-43", PoweredOff: true},
		),
	}, more...)
}

// The six pairs of source and destination, with the guide's shapes.
func TestStart(t *testing.T) {
	t.Parallel()
	near := vcavtest.VDCID("site2", "org2")
	ground := fmt.Sprintf(`"type":"vcVm","site":"onprem1","vcUuid":%q,"vmId":"vm-42","excludedDisks":[1000]`, vcavtest.VCenterID("onprem1"))
	here := fmt.Sprintf(`"type":"vm","site":"site2","vmId":%q,"excludedDisks":[1000]`, vcavtest.MachineID("here"))
	withSeed := fmt.Sprintf(`"type":"vm","site":"site2","vdc":%q,"storageProfile":"*","seedVmId":%q`, near, vcavtest.MachineID("seed"))
	for name, tc := range map[string]struct {
		source, destination string
		vm, from, to        string
		seedSite, seed      string
	}{
		"cloud to cloud":                  {cloudSource(), cloudDestination(), "db-2", "site1", "site2", "", ""},
		"cloud to cloud, seed":            {cloudSource(), withSeed, "db-2", "site1", "site2", "site2", vcavtest.MachineID("seed")},
		"on premises to cloud":            {ground, cloudDestination(), "ground", "onprem1", "site2", "", ""},
		"on premises to cloud, seed":      {ground, withSeed, "ground", "onprem1", "site2", "site2", vcavtest.MachineID("seed")},
		"cloud to on premises":            {here, `"type":"vc","site":"onprem1"`, "here", "site2", "onprem1", "", ""},
		"cloud to on premises, with seed": {here, fmt.Sprintf(`"type":"vcVm","site":"onprem1","seedVm":{"vcId":%q,"moId":"vm-43"}`, vcavtest.VCenterID("onprem1")), "here", "site2", "onprem1", "onprem1", "vm-43"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, workshop()...)
			if tc.seed != "" {
				require.NotZero(t, g.server.Machine(tc.seedSite, tc.seed))
			}
			id := vcavtest.ReplicationID(tc.vm)
			begun := g.begin(t, "POST", "/vm-replications?site=site2", start(tc.source, tc.destination, usualTerms))
			assert.Equal(t, "start", begun.Workflow.Type)
			assert.Equal(t, "vmReplication", begun.Workflow.ResourceType)
			assert.Equal(t, id, *begun.Workflow.ResourceID)
			assert.Nil(t, begun.Workflow.ResourceName)
			assert.Equal(t, 1, g.server.Ran("VMReplications.Start", id))
			g.refused(t, http.StatusNotFound, "ReplicationNotFound", "GET", "/vm-replications/"+id, "")

			clock.Advance(11 * time.Second)
			done := g.job(t, begun.ID)
			require.Equal(t, "SUCCEEDED", done.State)
			made := *done.Result
			assert.Equal(t, made, g.shield(t, id))
			assert.Equal(t, tc.vm, made.VMName)
			assert.Equal(t, tc.from, made.Source.Site)
			assert.Equal(t, tc.to, made.Destination.Site)
			assert.Equal(t, "System@site2", made.Owner, "who starts it owns it")
			assert.Equal(t, "*", made.Storage)
			want := terms{Description: "A Protected Workload", RPO: 5, Connection: "ENCRYPTED", Quiesced: true, Excluded: []int{1000}}
			want.Retention.Rules = []rule{{3, 60}}
			assert.Equal(t, want, made.Settings)
			assert.Equal(t, "INITIAL_SYNCING", made.Connection)
			assert.Equal(t, "syncing", made.SourceState.State)
			assert.Equal(t, "fullsync", made.State.State)
			assert.Equal(t, id, g.server.Machine(tc.from, made.VMID).Replication)
			if tc.seed != "" {
				assert.Zero(t, g.server.Machine(tc.seedSite, tc.seed), "the seed is destroyed")
			}

			clock.Advance(5 * time.Second)
			assert.Equal(t, 50, g.shield(t, id).SourceState.Progress.Progress)
			clock.Advance(5 * time.Second)
			synced := g.shield(t, id)
			require.NotNil(t, synced.State.LatestInstance, "the initial synchronization")
			assert.Equal(t, clock.Now().UnixMilli(), synced.State.LatestInstance.Timestamp)
			assert.Equal(t, "OK", synced.Connection)
			assert.Equal(t, "GREEN", synced.Health)
		})
	}
}

func TestStartRefusals(t *testing.T) {
	t.Parallel()
	near := vcavtest.VDCID("site2", "org2")
	seeded := func(vm string) string {
		return fmt.Sprintf(`"type":"vm","site":"site2","vdc":%q,"seedVmId":%q`, near, vcavtest.MachineID(vm))
	}
	for name, tc := range map[string]struct {
		query, source, destination, settings string
		status                               int
		code                                 string
	}{
		"unknown machine":             {"", strings.Replace(cloudSource(), vcavtest.MachineID("db-2"), "none", 1), cloudDestination(), "", 404, "VmNotFound"},
		"urn of a machine":            {"", strings.Replace(cloudSource(), `"vmId":"`, `"vmId":"urn:vcloud:vm:`, 1), cloudDestination(), "", 404, "VmNotFound"},
		"machine of another site":     {"", strings.Replace(cloudSource(), vcavtest.MachineID("db-2"), vcavtest.MachineID("here"), 1), cloudDestination(), "", 404, "VmNotFound"},
		"unknown source":              {"", strings.Replace(cloudSource(), "site1", "site9", 1), cloudDestination(), "", 404, "SiteNotFound"},
		"unknown destination":         {"", cloudSource(), strings.Replace(cloudDestination(), "site2", "site9", 1), "", 404, "SiteNotFound"},
		"not authenticated at source": {"", strings.Replace(cloudSource(), "site1", "site3", 1), cloudDestination(), "", 401, "RemoteAuthenticationFailure"},
		"unknown data center":         {"", cloudSource(), strings.Replace(cloudDestination(), near, "none", 1), "", 404, "VdcNotFound"},
		"data center of another site": {"", cloudSource(), strings.Replace(cloudDestination(), near, vcavtest.VDCID("site1", "org1"), 1), "", 404, "VdcNotFound"},
		"vm of an on-premises site":   {"", strings.Replace(cloudSource(), "site1", "onprem1", 1), cloudDestination(), "", 400, "BadUserInput"},
		"vcVm of a cloud":             {"", `"type":"vcVm","site":"site1","vcUuid":"x","vmId":"vm-42"`, cloudDestination(), "", 400, "BadUserInput"},
		"vcloud on premises":          {"", cloudSource(), strings.Replace(cloudDestination(), "site2", "onprem1", 1), "", 400, "BadUserInput"},
		"vc in a cloud":               {"", cloudSource(), `"type":"vc","site":"site2"`, "", 400, "BadUserInput"},
		"another vCenter Server":      {"", `"type":"vcVm","site":"onprem1","vcUuid":"x","vmId":"vm-42"`, cloudDestination(), "", 404, "VcNotFound"},
		"seed of another one":         {"", cloudSource(), `"type":"vcVm","site":"onprem1","seedVm":{"vcId":"x","moId":"vm-43"}`, "", 404, "VcNotFound"},
		"to where it is":              {"", cloudSource(), strings.NewReplacer("site2", "site1", near, vcavtest.VDCID("site1", "org1")).Replace(cloudDestination()), "", 400, "BadUserInput"},
		"from premises to premises":   {"", fmt.Sprintf(`"type":"vcVm","site":"onprem1","vcUuid":%q,"vmId":"vm-42"`, vcavtest.VCenterID("onprem1")), `"type":"vc","site":"onprem2"`, "", 400, "BadUserInput"},
		"at a third site":             {"", cloudSource(), `"type":"vc","site":"onprem1"`, "", 400, "BadUserInput"},
		"at its source, however":      {"?site=site1", cloudSource(), `"type":"vc","site":"onprem1"`, "", 202, ""},
		"unknown seed":                {"", cloudSource(), seeded("none"), "", 404, "VmNotFound"},
		"seed that is on":             {"", cloudSource(), seeded("warm-seed"), "", 409, "SeedPoweredOn"},
		"unknown disk":                {"", strings.Replace(cloudSource(), "[1000]", "[1000,3000]", 1), cloudDestination(), "", 400, "BadUserInput"},
		"no disk left":                {"", strings.Replace(cloudSource(), "[1000]", "[1000,2000]", 1), cloudDestination(), "", 400, "BadUserInput"},
		"RPO of nothing":              {"", cloudSource(), cloudDestination(), `"rpo":0`, 400, "BadUserInput"},
		"no instances":                {"", cloudSource(), cloudDestination(), `"retentionPolicy":{"rules":[{"numberOfInstances":0,"distance":5}]}`, 400, "BadUserInput"},
		"unknown profile":             {"", cloudSource(), cloudDestination(), `"slaProfileId":"2bfb7696-3aa1-49d3-bb40-d9e97df1baba"`, 404, "SlaProfileNotFound"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _ := open(t, workshop()...)
			body := start(tc.source, tc.destination, tc.settings)
			if tc.code == "" {
				g.begin(t, "POST", "/vm-replications"+tc.query, body)
				return
			}
			g.refused(t, tc.status, tc.code, "POST", "/vm-replications"+tc.query, body)
			assert.Empty(t, g.server.Tasks())
			assert.Empty(t, g.server.Machine("site1", vcavtest.MachineID("db-2")).Replication)
		})
	}
}

func TestStartWithoutSettings(t *testing.T) {
	t.Parallel()
	g, clock := open(t, workshop()...)
	made := g.finish(t, clock, "POST", "/vm-replications", `{"source":{`+cloudSource()+`},"destination":{`+cloudDestination()+`},"isMigration":true}`).Result
	want := terms{RPO: 240, Connection: "ENCRYPTED_COMPRESSED", Quiesced: true, Excluded: []int{1000}}
	want.Retention.Rules = []rule{}
	assert.Equal(t, want, made.Settings)
	assert.True(t, made.Migration)
	assert.Nil(t, made.SLAProfile)
}

// A profile replaces all settings, also those in the same request, as in the guide's samples.
func TestStartWithProfile(t *testing.T) {
	t.Parallel()
	g, clock := open(t, workshop(vcavtest.SLAProfiles(vcavtest.SLAProfile{
		DisplayName: "Tin", RPO: 720, Unquiesced: true, DataConnectionType: "PLAIN", Retention: []vcavtest.RetentionRule{{Instances: 2, Distance: 90}},
	}))...)
	made := g.finish(t, clock, "POST", "/vm-replications", start(cloudSource(), cloudDestination(), usualTerms+`,"slaProfileId":"`+vcavtest.SLAProfileID("Tin")+`"`)).Result
	assert.Equal(t, profile{ID: vcavtest.SLAProfileID("Tin"), DisplayName: "Tin"}, *made.SLAProfile)
	want := terms{Description: "A Protected Workload", RPO: 720, Connection: "PLAIN", Excluded: []int{1000}}
	want.Retention.Rules = []rule{{2, 90}}
	assert.Equal(t, want, made.Settings)
}

func TestStartsThatFail(t *testing.T) {
	t.Parallel()
	id := vcavtest.ReplicationID("db-2")
	seeded := func(vm string) string {
		return start(cloudSource(), fmt.Sprintf(`"type":"vm","site":"site2","vdc":%q,"seedVmId":%q`, vcavtest.VDCID("site2", "org2"), vcavtest.MachineID(vm)), "")
	}
	for name, tc := range map[string]struct {
		body   string
		before func(g guest)
		during func(g guest)
		code   string
	}{
		"on request":            {startOf("db-2", "site1", "site2"), func(g guest) { g.server.FailTask("VMReplications.Start", id, "DatastoreFull", "") }, nil, "DatastoreFull"},
		"seed with other disks": {seeded("odd-seed"), nil, nil, "SeedDisksMismatch"},
		"seed switched on":      {seeded("seed"), nil, func(g guest) { g.server.PowerMachine("site2", vcavtest.MachineID("seed"), true) }, "SeedPoweredOn"},
		"source goes down":      {startOf("db-2", "site1", "site2"), nil, func(g guest) { g.server.KillSite("site1") }, "ConnectionRefused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, workshop()...)
			if tc.before != nil {
				tc.before(g)
			}
			begun := g.begin(t, "POST", "/vm-replications", tc.body)
			if tc.during != nil {
				tc.during(g)
			}
			clock.Advance(11 * time.Second)
			failed := g.job(t, begun.ID)
			assert.Equal(t, "FAILED", failed.State)
			assert.Equal(t, tc.code, failed.Error.Code)
			assert.Empty(t, g.server.Replications(), "nothing is left")
			g.server.ReviveSite("site1")
			assert.Equal(t, "SUCCEEDED", g.finish(t, clock, "POST", "/vm-replications", startOf("db-2", "site1", "site2")).State)
		})
	}
}

// Of two starts onto the same seed, the one that ends first takes it.
func TestSeedsAreUsedOnce(t *testing.T) {
	t.Parallel()
	g, clock := open(t, workshop()...)
	seed := fmt.Sprintf(`"type":"vm","site":"site2","vdc":%q,"seedVmId":%q`, vcavtest.VDCID("site2", "org2"), vcavtest.MachineID("seed"))
	first := g.begin(t, "POST", "/vm-replications", start(cloudSource(), seed, ""))
	clock.Advance(time.Second)
	other := strings.Replace(cloudSource(), vcavtest.MachineID("db-2"), vcavtest.MachineID("sleeper"), 1)
	second := g.begin(t, "POST", "/vm-replications", start(other, seed, ""))
	clock.Advance(11 * time.Second)
	assert.Equal(t, "SUCCEEDED", g.job(t, first.ID).State)
	require.Equal(t, "FAILED", g.job(t, second.ID).State)
	assert.Equal(t, "VmNotFound", g.job(t, second.ID).Error.Code)
	assert.Empty(t, g.server.Machine("site1", vcavtest.MachineID("sleeper")).Replication, "it is free again")
}

func TestStartTwice(t *testing.T) {
	t.Parallel()
	g, clock := open(t, workshop()...)
	first := g.begin(t, "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	g.refused(t, http.StatusConflict, "AlreadyProtected", "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	clock.Advance(11 * time.Second)
	g.refused(t, http.StatusConflict, "AlreadyProtected", "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	assert.Len(t, g.server.Replications(), 1)
	g.finish(t, clock, "DELETE", "/vm-replications/"+*first.Workflow.ResourceID, "")
	again := g.finish(t, clock, "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	assert.Equal(t, "SUCCEEDED", again.State)
	assert.NotEqual(t, *first.Workflow.ResourceID, *again.Workflow.ResourceID, "ids do not come back")
	assert.Regexp(t, `^C4-[0-9a-f-]{36}$`, *again.Workflow.ResourceID)
}

func TestStartAsTenant(t *testing.T) {
	t.Parallel()
	g, clock := open(t, workshop(withTenant("ann@org2"), withTenant("dan@org4"))...)
	ann, dan := tenant(t, g.server, "ann@org2"), tenant(t, g.server, "dan@org4")
	dan.refused(t, http.StatusNotFound, "VdcNotFound", "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	foreign := start(cloudSource(), fmt.Sprintf(`"type":"vm","site":"site2","vdc":%q,"seedVmId":%q`, vcavtest.VDCID("site2", "org2"), vcavtest.MachineID("seed-of-4")), "")
	ann.refused(t, http.StatusNotFound, "VmNotFound", "POST", "/vm-replications", foreign)
	own := ann.finish(t, clock, "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	assert.Equal(t, "org2@site2", own.Result.Owner)
	assert.Len(t, ann.shields(t, "").Items, 1)
	// What an administrator starts is the administrator's.
	g.finish(t, clock, "POST", "/vm-replications", startOf("sleeper", "site1", "site2"))
	assert.Len(t, ann.shields(t, "").Items, 1)
}

// A machine that is off has no instance before somebody synchronizes it, or switches it on.
func TestStartOfMachineThatIsOff(t *testing.T) {
	t.Parallel()
	for name, wake := range map[string]func(t *testing.T, g guest, clock *vcavtest.ManualClock, path string){
		"by hand": func(t *testing.T, g guest, clock *vcavtest.ManualClock, path string) {
			g.finish(t, clock, "POST", path+"/sync", "")
		},
		"switched on": func(_ *testing.T, g guest, clock *vcavtest.ManualClock, _ string) {
			g.server.PowerMachine("site1", vcavtest.MachineID("sleeper"), true)
			clock.Advance(10 * time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, workshop()...)
			id := vcavtest.ReplicationID("sleeper")
			g.finish(t, clock, "POST", "/vm-replications", startOf("sleeper", "site1", "site2"))
			clock.Advance(20 * time.Minute)
			asleep := g.shield(t, id)
			assert.Nil(t, asleep.State.LatestInstance)
			assert.Equal(t, "POWERED_OFF", asleep.Connection)
			assert.Equal(t, "YELLOW", asleep.Health)
			wake(t, g, clock, "/vm-replications/"+id)
			assert.Len(t, g.server.Replication(id).Instances, 1)
			clock.Advance(time.Hour)
			assert.Len(t, g.server.Replication(id).Instances, 1)
		})
	}
}

// initialSyncTime postpones the initial synchronization; zero, negative and past times do not.
func TestInitialSyncTime(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		at    func(now time.Time) int64
		after time.Duration
	}{
		"now":    {func(time.Time) int64 { return 0 }, 10 * time.Second},
		"minus":  {func(time.Time) int64 { return -1 }, 10 * time.Second},
		"past":   {func(now time.Time) int64 { return now.Add(-time.Hour).UnixMilli() }, 10 * time.Second},
		"future": {func(now time.Time) int64 { return now.Add(11*time.Second + time.Hour).UnixMilli() }, time.Hour + 10*time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t, workshop()...)
			id, at := vcavtest.ReplicationID("db-2"), tc.at(clock.Now())
			body := strings.Replace(startOf("db-2", "site1", "site2"), `"initialSyncTime":0`, fmt.Sprintf(`"initialSyncTime":%d`, at), 1)
			made := g.finish(t, clock, "POST", "/vm-replications", body).Result
			assert.Equal(t, at, made.Settings.InitialSyncTime)
			clock.Advance(tc.after - 1)
			assert.Empty(t, g.server.Replication(id).Instances)
			clock.Advance(1)
			assert.Len(t, g.server.Replication(id).Instances, 1)
		})
	}
}

// What comes before the initial synchronization is over counts instead of it.
func TestInitialSyncIsOvertaken(t *testing.T) {
	t.Parallel()
	g, clock := open(t, workshop()...)
	id := vcavtest.ReplicationID("db-2")
	g.finish(t, clock, "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	g.finish(t, clock, "POST", "/vm-replications/"+id+"/pause", "") // a second too late to keep it from ending
	assert.Len(t, g.server.Replication(id).Instances, 1)

	postponed := strings.Replace(startOf("sleeper", "site1", "site2"), `"initialSyncTime":0`, `"initialSyncTime":4102444800000`, 1)
	sleeper := vcavtest.ReplicationID("sleeper")
	g.server.PowerMachine("site1", vcavtest.MachineID("sleeper"), true)
	g.finish(t, clock, "POST", "/vm-replications", postponed)
	g.finish(t, clock, "POST", "/vm-replications/"+sleeper+"/sync", "")
	clock.Advance(71 * 365 * 24 * time.Hour)
	assert.Len(t, g.server.Replication(sleeper).Instances, 1)
}

func TestMachines(t *testing.T) {
	t.Parallel()
	g, _ := open(t, workshop()...)
	assert.Equal(t, vcavtest.Machine{
		ID: vcavtest.MachineID("db-2"), Name: "db-2", Site: "site1", Org: "org1", VApp: "shop", Disks: []int{1000, 2000},
		Hardware: &vcavtest.Hardware{CPUs: 4, CoresPerSocket: 1, MemoryMB: 8192, StorageMB: 10240},
	}, g.server.Machine("site1", vcavtest.MachineID("db-2")))
	require.NoError(t, g.server.AddMachine(vcavtest.Machine{Name: "late", Site: "onprem2"}))
	require.Error(t, g.server.AddMachine(vcavtest.Machine{Name: "late", Site: "onprem2"}))
	machines := g.server.Machines()
	assert.Regexp(t, `^vm-\d+$`, machines[len(machines)-1].ID)
	assert.Zero(t, g.server.Machine("site9", "x"))
	assert.Zero(t, g.server.Machine("site1", "x"))
}

func TestVirtualHardware(t *testing.T) {
	t.Parallel()
	g, _ := open(t, vcavtest.Machines(
		vcavtest.Machine{Name: "half", Hardware: &vcavtest.Hardware{CPUs: 2, MemoryMB: 1024}},
		vcavtest.Machine{Name: "unknown", Hardware: &vcavtest.Hardware{}},
	), vcavtest.Protect(vcavtest.Replication{VMName: "usual"}, vcavtest.Replication{VMName: "half"}, vcavtest.Replication{VMName: "unknown"}))
	for vm, want := range map[string]string{
		"usual":   `{"cpus":4,"coresPerSocket":1,"memoryMB":8192,"storageMB":10240}`,
		"half":    `{"cpus":2,"coresPerSocket":null,"memoryMB":1024,"storageMB":null}`,
		"unknown": `{"cpus":-1,"coresPerSocket":null,"memoryMB":-1,"storageMB":null}`,
	} {
		got := g.ask(t, http.StatusOK, "GET", "/vm-replications/"+vcavtest.ReplicationID(vm)+"/virtual-hardware?site=site2", "")
		assert.JSONEq(t, want, got.body)
	}
	g.refused(t, http.StatusNotFound, "ReplicationNotFound", "GET", "/vm-replications/none/virtual-hardware", "")
}

func TestInstance(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.Protect(vcavtest.Replication{VMName: "db-1", Instances: []string{"replica-old", "replica-new"}, ExcludedDisks: []int{1000}}))
	path := "/vm-replications/" + db1
	listed := read[[]json.RawMessage](t, g.ask(t, http.StatusOK, "GET", path+"/instances", ""))
	one := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(g.ask(t, http.StatusOK, "GET", path+"/instances/replica-old?site=site2", "").body), &one))
	assert.Equal(t, []any{map[string]any{"diskKey": 2000.0}}, one["disksInfo"])
	delete(one, "disksInfo")
	rest, err := json.Marshal(one)
	require.NoError(t, err)
	assert.JSONEq(t, string(listed[0]), string(rest), "the rest is as in the list")
	g.refused(t, http.StatusNotFound, "InstanceNotFound", "GET", path+"/instances/none", "")

	// An instance keeps the disks that it was made of.
	g.finish(t, clock, "PATCH", path+"/disks", "[]")
	g.finish(t, clock, "POST", path+"/sync", "")
	assert.Contains(t, g.ask(t, http.StatusOK, "GET", path+"/instances/replica-new", "").body, `"disksInfo":[{"diskKey":2000}]`)
	latest := g.shield(t, db1).State.LatestInstance.Key
	assert.Contains(t, g.ask(t, http.StatusOK, "GET", path+"/instances/"+latest, "").body, `"disksInfo":[{"diskKey":1000},{"diskKey":2000}]`)
}
