package vcav_test

import (
	"context"
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// proven is what a resource says of an operation of which no task is to be seen.
type proven string

const (
	ran       proven = "it ran"
	untouched proven = "it is as it was"
	unclear   proven = "unclear"
)

// verdict runs an operation whose request is lost, and returns what has come of it.
func verdict(t *testing.T, begin func() (any, error)) proven {
	t.Helper()
	_, err := begin()
	var unknown *drkit.OutcomeUnknownError
	switch {
	case err == nil:
		return ran
	case !assert.ErrorAs(t, err, &unknown):
		return proven(err.Error())
	case unknown.Untouched:
		return untouched
	default:
		return unclear
	}
}

// change is what differs from the sample of a replication; nil is a replication that is not there.
type change map[string]any

func (c change) answer(t *testing.T) httpmock.Responder {
	t.Helper()
	if c == nil {
		return answer(t, 404, "error_not_found")
	}
	replication := map[string]any{}
	require.NoError(t, json.Unmarshal([]byte(testdata(t, "vm_replications_get.answer")), &replication))
	merge(replication, c)
	body, err := json.Marshal(replication)
	require.NoError(t, err)
	return httpmock.NewBytesResponder(200, body)
}

// merge sets members, which may be dotted.
func merge(object map[string]any, members map[string]any) {
	for name, value := range members {
		outer, inner, dotted := strings.Cut(name, ".")
		if !dotted {
			object[outer] = value
			continue
		}
		group, _ := object[outer].(map[string]any)
		group = maps.Clone(group)
		merge(group, map[string]any{inner: value})
		object[outer] = group
	}
}

func state(recovery string) change {
	return change{"destinationState.recoveryInfo.recoveryState": recovery}
}

// What a replication proves is what nothing but the operation makes of it; and it is untouched only if no task
// has begun on it since.
func TestWhatAReplicationProves(t *testing.T) {
	t.Parallel()
	type deed = func(v *vcav.VMReplications, ctx context.Context) (any, error)
	failover := func(v *vcav.VMReplications, ctx context.Context) (any, error) {
		return v.Failover(ctx, ordersID, cloudFailover())
	}
	migrate := func(v *vcav.VMReplications, ctx context.Context) (any, error) {
		return v.Migrate(ctx, ordersID, vcav.CloudMigrate{})
	}
	test := func(v *vcav.VMReplications, ctx context.Context) (any, error) {
		return v.TestFailover(ctx, ordersID, cloudFailoverTest())
	}
	cleanUp := func(v *vcav.VMReplications, ctx context.Context) (any, error) {
		return v.CleanUpTestFailover(ctx, ordersID)
	}
	reverse := func(v *vcav.VMReplications, ctx context.Context) (any, error) { return v.Reverse(ctx, ordersID) }
	resume := func(v *vcav.VMReplications, ctx context.Context) (any, error) { return v.Resume(ctx, ordersID) }
	stop := func(v *vcav.VMReplications, ctx context.Context) (any, error) { return v.Stop(ctx, ordersID) }
	sync := func(v *vcav.VMReplications, ctx context.Context) (any, error) { return v.Sync(ctx, ordersID) }
	none, test1, inProgress, complete := state("NOT_STARTED"), state("TEST"), state("IN_PROGRESS"), state("COMPLETE")
	paused, goesOn := change{"isPaused": true}, change{"isPaused": false}
	forward, backward := change{"isReversed": false}, change{"isReversed": true}
	noRecovery := change{"destinationState.recoveryInfo": nil}
	for name, tc := range map[string]struct {
		do            deed
		before, after change
		want          proven
	}{
		"failover":                          {failover, none, complete, ran},
		"failover out of a test":            {failover, test1, complete, ran},
		"failover of no recovery so far":    {failover, noRecovery, complete, ran},
		"failover, nothing":                 {failover, none, none, untouched},
		"failover, nothing, no recovery":    {failover, noRecovery, none, untouched},
		"failover, under way":               {failover, none, inProgress, unclear},
		"failover, under way all along":     {failover, inProgress, inProgress, unclear},
		"failover of what was under way":    {failover, inProgress, complete, unclear},
		"failover, and a state of later":    {failover, none, state("PONDERING"), unclear},
		"failover, removed":                 {failover, none, nil, unclear},
		"failover, done before":             {failover, complete, complete, untouched},
		"failover, a task has begun":        {failover, none, change{"lastUpdated": 1795082999999}, unclear},
		"migrate":                           {migrate, none, complete, ran},
		"migrate of what was under way":     {migrate, inProgress, complete, unclear},
		"test":                              {test, none, test1, ran},
		"test, and it is recovered":         {test, none, complete, unclear},
		"test of what was under way":        {test, inProgress, test1, unclear},
		"test, there was one":               {test, test1, test1, untouched},
		"clean-up":                          {cleanUp, test1, none, ran},
		"clean-up, no recovery is left":     {cleanUp, test1, noRecovery, ran},
		"clean-up, failed over instead":     {cleanUp, test1, complete, unclear},
		"clean-up, removed instead":         {cleanUp, test1, nil, unclear},
		"clean-up, under way":               {cleanUp, test1, inProgress, unclear},
		"reverse":                           {reverse, forward, backward, ran},
		"reverse, and back":                 {reverse, backward, forward, ran},
		"reverse, removed":                  {reverse, forward, nil, unclear},
		"reverse, nothing":                  {reverse, forward, forward, untouched},
		"resume":                            {resume, paused, goesOn, ran},
		"resume, removed":                   {resume, paused, nil, unclear},
		"resume, it was not paused":         {resume, goesOn, goesOn, untouched},
		"resume, and paused by others":      {resume, goesOn, paused, unclear},
		"stop":                              {stop, none, nil, ran},
		"stop, nothing":                     {stop, none, none, untouched},
		"stop, a task has begun":            {stop, none, change{"lastUpdated": 1795082999999}, unclear},
		"stop of what was gone":             {stop, nil, nil, untouched},
		"sync, an instance that came alone": {sync, none, change{"destinationState.latestInstance.key": "replica-new"}, unclear},
		"sync, its first instance":          {sync, change{"destinationState.latestInstance": nil}, none, unclear},
		"sync, nothing":                     {sync, none, none, untouched},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, client := failoverTrace.answered(t, cut())
				s.onAny(cut())
				s.on("GET", "/tasks", tasksOf())
				s.on("GET", "/vm-replications/"+ordersID, tc.before.answer(t), tc.after.answer(t))
				assert.Equal(t, tc.want, verdict(t, func() (any, error) { return tc.do(client.VMReplications, t.Context()) }))
			})
		})
	}
}

// A reconfiguration is proved by every member that was asked for, where all of them show.
func TestWhatSettingsProve(t *testing.T) {
	t.Parallel()
	rules := func(instances int) drkit.Opt[vcav.RetentionPolicy] {
		return drkit.Some(vcav.RetentionPolicy{Rules: []vcav.RetentionRule{{NumberOfInstances: instances, Distance: 60}}})
	}
	wireRules := func(instances int) change {
		return change{"settings.retentionPolicy": map[string]any{"rules": []any{map[string]any{"numberOfInstances": instances, "distance": 60}}}}
	}
	startup := vcav.VCVMReconfigure{VAppName: drkit.Some("orders-2")}
	for name, tc := range map[string]struct {
		request any
		after   change
		want    proven
	}{
		"RPO":                         {vcav.Reconfigure{RPO: drkit.Some(25)}, change{"settings.rpo": 25}, ran},
		"RPO of another":              {vcav.Reconfigure{RPO: drkit.Some(25)}, change{"settings.rpo": 26}, unclear},
		"RPO, and not the rest":       {vcav.Reconfigure{RPO: drkit.Some(25), Quiesced: drkit.Some(false)}, change{"settings.rpo": 25}, unclear},
		"RPO as it was":               {vcav.Reconfigure{RPO: drkit.Some(15)}, change{}, untouched},
		"nothing":                     {vcav.Reconfigure{RPO: drkit.Some(25)}, change{}, untouched},
		"nothing, a task has begun":   {vcav.Reconfigure{RPO: drkit.Some(25)}, change{"lastUpdated": 1795082999999}, unclear},
		"removed":                     {vcav.Reconfigure{RPO: drkit.Some(25)}, nil, unclear},
		"description":                 {vcav.Reconfigure{Description: drkit.Some("d")}, change{"settings.description": "d"}, ran},
		"connection":                  {vcav.Reconfigure{DataConnectionType: drkit.Some(vcav.DataConnectionTypePlain)}, change{"settings.dataConnectionType": "PLAIN"}, ran},
		"quiescing":                   {vcav.Reconfigure{Quiesced: drkit.Some(false)}, change{"settings.quiesced": false}, ran},
		"profile":                     {vcav.Reconfigure{SLAProfileID: drkit.Some("gold")}, change{"slaProfile": map[string]any{"id": "gold"}}, ran},
		"profile of another":          {vcav.Reconfigure{SLAProfileID: drkit.Some("gold")}, change{"slaProfile": map[string]any{"id": "tin"}}, unclear},
		"retention":                   {vcav.Reconfigure{RetentionPolicy: rules(3)}, wireRules(3), ran},
		"retention of another":        {vcav.Reconfigure{RetentionPolicy: rules(3)}, wireRules(4), unclear},
		"retention, taken away":       {vcav.Reconfigure{RetentionPolicy: drkit.Null[vcav.RetentionPolicy]()}, change{"settings.retentionPolicy": nil}, ran},
		"retention, not there":        {vcav.Reconfigure{RetentionPolicy: rules(3)}, change{"settings.retentionPolicy": nil}, unclear},
		"source alone":                {vcav.Reconfigure{SourceReconfigure: startup}, change{"source.vappName": "orders-2"}, unclear},
		"source and RPO":              {vcav.Reconfigure{SourceReconfigure: startup, RPO: drkit.Some(25)}, change{"settings.rpo": 25}, unclear},
		"source, nothing":             {vcav.Reconfigure{SourceReconfigure: startup}, change{}, untouched},
		"source, startup has changed": {vcav.Reconfigure{SourceReconfigure: startup}, change{"startupInfo.order": 9}, unclear},
		"disks":                       {[]int{2000, 2002}, change{"settings.excludedDiskKeys": []int{2002, 2000}}, ran},
		"no disks":                    {[]int(nil), change{"settings.excludedDiskKeys": []int{}}, ran},
		"no disks, null":              {[]int{}, change{"settings.excludedDiskKeys": nil}, ran},
		"disks of another":            {[]int{2000}, change{"settings.excludedDiskKeys": []int{2002}}, unclear},
		"disks as they were":          {[]int{2001}, change{}, untouched},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, client := failoverTrace.answered(t, cut())
				s.onAny(cut())
				s.on("GET", "/tasks", tasksOf())
				s.on("GET", "/vm-replications/"+ordersID, change{}.answer(t), tc.after.answer(t))
				assert.Equal(t, tc.want, verdict(t, func() (any, error) {
					if disks, are := tc.request.([]int); are {
						return client.VMReplications.ReconfigureDisks(t.Context(), ordersID, disks)
					}
					return client.VMReplications.Reconfigure(t.Context(), ordersID, tc.request.(vcav.Reconfigure)) //nolint:forcetypeassert // the other kind
				}))
			})
		})
	}
}

// A start is proved by the one new replication of that machine from that site, however its id is written.
func TestWhatTheListOfReplicationsProves(t *testing.T) {
	t.Parallel()
	const vm = "91d4c7a2-6e08-4b35-8f1d-a02b6c9e7350"
	one := func(id, vmID, site string) map[string]any {
		return map[string]any{"id": id, "vmId": vmID, "source": map[string]any{"site": site}}
	}
	old := one("C4-old", vm, "north")
	list := func(rows ...map[string]any) httpmock.Responder {
		body, err := json.Marshal(map[string]any{"items": append([]map[string]any{}, rows...), "total": len(rows)})
		require.NoError(t, err)
		return httpmock.NewBytesResponder(200, body)
	}
	for name, tc := range map[string]struct {
		asked         string
		before, after httpmock.Responder
		want          proven
	}{
		"it is there":               {vm, list(), list(one("C4-new", vm, "north")), ran},
		"beside an older one":       {vm, list(old), list(old, one("C4-new", vm, "north")), ran},
		"an older one":              {vm, list(old), list(old), untouched},
		"two of them":               {vm, list(), list(one("C4-1", vm, "north"), one("C4-2", vm, "north")), unclear},
		"of another site":           {vm, list(), list(one("C4-new", vm, "east")), untouched},
		"of another machine":        {vm, list(), list(one("C4-new", "another", "north")), untouched},
		"by its urn":                {"urn:vcloud:vm:" + vm, list(), list(one("C4-new", vm, "north")), ran},
		"in capitals":               {strings.ToUpper(vm), list(), list(one("C4-new", vm, "north")), ran},
		"by its urn in the answers": {vm, list(), list(one("C4-new", "urn:vcloud:vm:"+vm, "north")), ran},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, client := failoverTrace.answered(t, cut())
				s.on("POST", "/vm-replications", cut())
				s.on("GET", "/vm-replications", tc.before, tc.after)
				s.on("GET", "/vm-replications/C4-new", change{"id": "C4-new"}.answer(t))
				request := startRequests()["cloud"]
				request.Source = vcav.VMSource{Site: "north", VMID: tc.asked}
				var poller *poller
				assert.Equal(t, tc.want, verdict(t, func() (_ any, err error) {
					poller, err = client.VMReplications.Start(t.Context(), request)
					return poller, err
				}))
				if tc.want == ran {
					done, err := poller.Wait(t.Context())
					require.NoError(t, err)
					assert.Equal(t, "C4-new", done.ID)
				}
			})
		})
	}
}

// What a task of a start says at its end decides, however the machine is written.
func TestWhatAStartSaysAtItsEnd(t *testing.T) {
	t.Parallel()
	traced(t, func(t *testing.T, tr trace, site string) {
		if tr.source.VMID == "" || site != "" {
			t.Skip("no start, or done already")
		}
		for name, tc := range map[string]struct {
			result map[string]any
			found  bool
		}{
			"it":                 {map[string]any{"id": "C4-new", "vmId": tr.source.VMID, "source": map[string]any{"site": tr.source.Site}}, true},
			"another machine":    {map[string]any{"id": "C4-new", "vmId": "another", "source": map[string]any{"site": tr.source.Site}}, false},
			"another site":       {map[string]any{"id": "C4-new", "vmId": tr.source.VMID, "source": map[string]any{"site": "east"}}, false},
			"in capitals":        {map[string]any{"id": "C4-new", "vmId": strings.ToUpper(tr.source.VMID), "source": map[string]any{"site": tr.source.Site}}, true},
			"nothing":            {nil, false},
			"something else":     {map[string]any{"sha": "SHA-512:9B"}, false},
			"without the source": {map[string]any{"id": "C4-new", "vmId": tr.source.VMID}, false},
		} {
			t.Run(name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s, client := tr.answered(t, cut())
					s.on("GET", "/tasks", tasksOf(), tasksOf(tr.found(t, with("result", tc.result))))
					follower, err := tr.begin(t.Context(), client, "")
					if tc.found {
						require.NoError(t, err)
						assert.Equal(t, row(t, tr.task)["id"], follower.ID())
						return
					}
					require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
				})
			})
		}
	})
}
