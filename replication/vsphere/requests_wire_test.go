package vsphere_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

func errorOf(_ any, err error) error { return err }

// What cannot be right is refused before anything is sent.
func TestRefusedBeforeAnythingIsSent(t *testing.T) {
	t.Parallel()
	s := newService(t)
	client := s.client()
	r, none := replicationsOf(client), client.Pairing(" ")
	configure := func(change func(*vsphere.ConfigureReplication)) error {
		machine := one[[]vsphere.ConfigureReplication](t, "replications_configure.request")[0]
		change(&machine)
		return errorOf(r.Configure(t.Context(), machine))
	}
	test := func(change func(*vsphere.RunTestRecovery)) error {
		spec := one[vsphere.RunTestRecovery](t, "replications_test.request")
		change(&spec)
		return errorOf(r.Test(t.Context(), ledger, spec))
	}
	list := func(query vsphere.ListQuery) error {
		return errorOf(drkit.Collect(client.Tasks.List(t.Context(), query)))
	}
	pair := func(change func(*vsphere.PSCInfo)) error {
		return errorOf(client.Pairings.Create(t.Context(), otherSite(change)))
	}
	login := vsphere.Login("ops@east.local", drkit.NewSecret("x"))
	for want, err := range map[string]error{
		"Replications.Configure: machine " + ledgerVM + ": TargetVCID is empty": configure(func(c *vsphere.ConfigureReplication) { c.TargetVCID = " " }),
		"Replications.Configure: machine  : VMID is empty":                      configure(func(c *vsphere.ConfigureReplication) { c.VMID = " " }),
		"RPO is 0, and not a number of minutes":                                 configure(func(c *vsphere.ConfigureReplication) { c.RPO = 0 }),
		"there are no disks":                                                    configure(func(c *vsphere.ConfigureReplication) { c.Disks = nil }),
		"/2000/false: DestinationDatastoreID is empty":                          configure(func(c *vsphere.ConfigureReplication) { c.Disks[0].DestinationDatastoreID = " " }),
		"stands for the machine's home, which has no":                           configure(func(c *vsphere.ConfigureReplication) { c.Disks[1].DestinationPath = drkit.Some("x") }),
		"vsphere.Replications.Configure: there are no machines":                 errorOf(r.ConfigureAll(t.Context(), nil)),
		"it is there twice":                                                     errorOf(r.ConfigureAll(t.Context(), twice(t))),
		"Replications.Reconfigure: RPO is 0":                                    errorOf(r.Reconfigure(t.Context(), ledger, vsphere.ReconfigureReplication{})),
		"vsphere.Replications.Test: InstanceID is empty":                        test(func(s *vsphere.RunTestRecovery) { s.InstanceID = "" }),
		"vsphere.Replications.Test: FolderID is empty":                          test(func(s *vsphere.RunTestRecovery) { s.FolderID = " " }),
		"vsphere.Replications.Test: ComputeResourceID is empty":                 test(func(s *vsphere.RunTestRecovery) { s.ComputeResourceID = "" }),
		"Replications.PromoteTestImage: the value":                              errorOf(r.PromoteTestImage(t.Context(), ledger, "")),
		"ReplicationServers.Register: the value":                                errorOf(client.ReplicationServers.Register(t.Context(), " ")),
		"vsphere.Replications.Pause: replication_id is empty":                   errorOf(r.Pause(t.Context(), "")),
		"vsphere.Replications.Get: replication_id \"..\" is not an id":          errorOf(r.Get(t.Context(), "..")),
		"vsphere.Replications.Resume: the id of the pairing is empty":           errorOf(none.Replications.Resume(wire(t), ledger)),
		"vsphere.VMs.Capability: the id of the pairing is empty":                errorOf(none.VMs.Capability(t.Context(), west, ledgerVM)),
		"RemoteSession.SignIn: the id of the pairing is empty":                  none.RemoteSession.SignIn(t.Context(), login),
		"takes a Login, not vsphere.sessionToken":                               client.Pairing(pairing).RemoteSession.SignIn(t.Context(), vsphere.Token(drkit.NewSecret("x"))),
		"takes a Login, not <nil>":                                              client.Pairing(pairing).RemoteSession.SignIn(t.Context(), nil),
		"vsphere.RemoteSession.SignIn: password is empty":                       client.Pairing(pairing).RemoteSession.SignIn(t.Context(), vsphere.Login("a", drkit.Secret{})),
		"vsphere.Tasks.List: query has Filter a, b without FilterProperty":      list(vsphere.ListQuery{Filter: []string{"a", "b"}}),
		"vsphere.Tasks.List: query has FilterProperty name without Filter":      list(vsphere.ListQuery{FilterProperty: "name"}),
		"vsphere.Tasks.List: query has OrderBy desc without SortBy":             list(vsphere.ListQuery{OrderBy: vsphere.OrderDesc}),
		"vsphere.Tasks.List: negative Offset -1":                                list(vsphere.ListQuery{Offset: -1}),
		"vsphere.Pairings.Create: PSC.URL is empty":                             pair(func(p *vsphere.PSCInfo) { p.URL = "" }),
		"vsphere.Pairings.Create: PSC.Username is empty":                        pair(func(p *vsphere.PSCInfo) { p.Username = "" }),
		"vsphere.Pairings.Create: PSC.Password is empty":                        pair(func(p *vsphere.PSCInfo) { p.Password = drkit.Secret{} }),
		"vsphere.Pairings.Reconnect: PSC.URL is empty":                          errorOf(client.Pairings.Reconnect(t.Context(), pairing, vsphere.PairingSpec{})),
		"vsphere.Datastores.FindSeeds: there are no disks":                      errorOf(client.Pairing(pairing).Datastores.FindSeeds(t.Context(), east, reef, nil)),
		"StoragePolicies.CheckCompliance: there are no":                         errorOf(client.Pairing(pairing).StoragePolicies.CheckCompliance(t.Context(), east, "gold", nil)),
		"vsphere.Mappings.Create: there are no mappings":                        errorOf(client.Pairing(pairing).Mappings.Create(t.Context(), vrWest, nil)),
		"vsphere.Appliance.Info: operation ID \"\\n\" cannot":                   errorOf(client.Appliance.Info(drkit.WithOperationID(t.Context(), "\n"))),
	} {
		require.ErrorContains(t, err, want)
	}
	assert.Empty(t, s.Lines())
}

// twice is the same machine two times.
func twice(t *testing.T) []vsphere.ConfigureReplication {
	t.Helper()
	machine := one[[]vsphere.ConfigureReplication](t, "replications_configure.request")[0]
	return []vsphere.ConfigureReplication{machine, machine}
}

// Constructors refuse what cannot be right.
func TestBadClients(t *testing.T) {
	t.Parallel()
	good := ops()
	for want, tc := range map[string]struct {
		endpoint    string
		credentials vsphere.Credentials
		options     []drkit.Option
	}{
		"vsphere: credentials are nil":                     {endpoint, nil, nil},
		"vsphere: user is empty":                           {endpoint, vsphere.Login(" ", drkit.NewSecret("x")), nil},
		"vsphere: password is empty":                       {endpoint, vsphere.Login("ops", drkit.Secret{}), nil},
		"has a colon, which ends a user name":              {endpoint, vsphere.Login("a:b", drkit.NewSecret("x")), nil},
		"vsphere: session token is empty":                  {endpoint, vsphere.Token(drkit.Secret{}), nil},
		"has the path of the API already":                  {endpoint + base, good, nil},
		"vsphere: endpoint \"\" is not a URL":              {"", good, nil},
		"use https, or WithPlainHTTP":                      {"http://vr-west.example.com", good, nil},
		"WithAPIVersion: \"v3\" is neither v1 nor v2":      {endpoint, good, []drkit.Option{vsphere.WithAPIVersion("v3")}},
		"WithRateLimit: 0 requests a second and a burst":   {endpoint, good, []drkit.Option{drkit.WithRateLimit(0, 1)}},
		"WithPolling: MinInterval 2s is longer than MaxIn": {endpoint, good, []drkit.Option{drkit.WithPolling(drkit.PollPolicy{MinInterval: 2e9, MaxInterval: 1e9})}},
	} {
		_, err := vsphere.NewClient(tc.endpoint, tc.credentials, tc.options...)
		require.ErrorContains(t, err, want)
		assert.True(t, strings.HasPrefix(err.Error(), "vsphere: "))
	}
}

// Identifiers stay within their part of the path, and colons do not reach it as they are.
func TestIdentifiersAreEscaped(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		ledgerVM: escaped(ledgerVM), "a/../b": "a%2F..%2Fb", "a?b#c": "a%3Fb%23c", "a b%": "a%20b%25", "é;x": "%C3%A9%3Bx",
	} {
		s := newService(t)
		s.on("GET", "/pairings/"+pairing+"/vcenters/"+west+"/vms/"+want+"/capability", answer(t, 200, "vms_capability.answer"))
		_, err := s.client().Pairing(pairing).VMs.Capability(t.Context(), west, id)
		require.NoError(t, err, id)
		assert.Len(t, s.Lines(), 1)
	}
}

// The first version of the API has another path, and its times are text.
func TestFirstVersion(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.On("GET", "/api/rest/vr/v1/tasks/t-1", says(200,
		`{"id":"t-1","status":"RUNNING","queued_time":"1763716000100","start_time":"2025-11-21T09:06:41Z","complete_time":"soon"}`))
	task, err := s.client(vsphere.WithAPIVersion("v1")).Tasks.Get(t.Context(), "t-1")
	require.NoError(t, err)
	assert.Equal(t, int64(1763716000100), task.QueuedTime.UnixMilli())
	assert.Equal(t, int64(1763716001), task.StartTime.Unix())
	assert.Equal(t, vsphere.Time{Text: "soon"}, task.CompleteTime)
	assert.True(t, task.CompleteTime.Time.IsZero())
	assert.False(t, task.CompleteTime.IsZero())
	assert.Equal(t, "soon", task.CompleteTime.String())
	assert.False(t, task.Ended())
	text, err := json.Marshal(task)
	require.NoError(t, err)
	assert.Contains(t, string(text), `"queued_time":"1763716000100"`, "what came as text goes as text")
}

// Times and machines come in several shapes.
func TestValuesInSeveralShapes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		`1763716000100`: 1763716000100, `"1763716000100"`: 1763716000100, `1.7637160001E12`: 1763716000100,
		`0`: 0, `-1`: 0, `null`: 0, `""`: 0, `"0"`: 0, `"-1"`: 0,
		`"1970-01-01T00:00:00.000Z"`: 0, `"2025-11-21T10:06:40.1+01:00"`: 1763716000100,
	} {
		var moment vsphere.Time
		require.NoError(t, json.Unmarshal([]byte(text), &moment), text)
		if want == 0 {
			assert.True(t, moment.Time.IsZero(), text)
		} else {
			assert.Equal(t, want, moment.UnixMilli(), text)
			assert.Equal(t, time.UTC, moment.Location(), text)
		}
	}
	for _, text := range []string{`{}`, `[]`, `true`} {
		require.Error(t, json.Unmarshal([]byte(text), new(vsphere.Time)), text)
	}
	for text, want := range map[string]string{`"vm-1"`: "vm-1", `{"id":"vm-2","name":"x"}`: "vm-2", `{"id":7}`: "", `null`: ""} {
		var machine vsphere.ImageVM
		require.NoError(t, json.Unmarshal([]byte(text), &machine), text)
		assert.Equal(t, want, machine.ID, text)
	}
	require.Error(t, json.Unmarshal([]byte(`[]`), new(vsphere.ImageVM)))
	assert.Equal(t, "0001-01-01 00:00:00 +0000 UTC", vsphere.Time{}.Time.String())
}

// What the client has added to a disk does not go back, and what the service has said of it, all of it, does.
func TestDisksGoBackWhole(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/pairings/"+pairing+"/vcenters/"+west+"/vms/"+escaped(ledgerVM)+"/disks", says(200, `{"list":[
		{"vm_id":"`+ledgerVM+`","device_key":2000,"is_vm_home":false,"tier":{"n":1},"source_path":{"datastore_id":"d","mirror":null}}],
		"_meta":{"errors":[{"field":"$.list[0].label"}]}}`))
	s.on("POST", "/pairings/"+pairing+"/replications", answer(t, 202, "replications_configure.answer"))
	s.on("POST", onLedger+"/actions/reconfigure", answer(t, 202, "replications_reconfigure.answer"))
	client := s.client()
	disks, err := drkit.Collect(client.Pairing(pairing).VMs.Disks(t.Context(), west, ledgerVM, vsphere.ListQuery{}))
	require.NoError(t, err)
	require.Len(t, disks[0].Meta.Or(vsphere.Metadata{}).Errors, 1)
	machine := one[[]vsphere.ConfigureReplication](t, "replications_configure.request")[0]
	machine.Disks = []vsphere.ConfigureDisk{{VMDisk: disks[0], DestinationDatastoreID: reef, DestinationDiskFormat: vsphere.DiskFormatThin}}
	_, err = replicationsOf(client).Configure(wire(t), machine)
	require.NoError(t, err)
	settings := one[vsphere.ReconfigureReplication](t, "replications_reconfigure.request")
	settings.Disks = machine.Disks
	_, err = replicationsOf(client).Reconfigure(wire(t), ledger, settings)
	require.NoError(t, err)
	type request struct {
		Disks []struct {
			VMDisk json.RawMessage `json:"vm_disk"`
		}
	}
	var configured []request
	require.NoError(t, json.Unmarshal([]byte(s.All()[1].Body), &configured))
	var reconfigured request
	require.NoError(t, json.Unmarshal([]byte(s.All()[2].Body), &reconfigured))
	for _, sent := range append(configured, reconfigured) {
		assert.JSONEq(t, `{"vm_id":"`+ledgerVM+`","device_key":2000,"is_vm_home":false,"tier":{"n":1},"source_path":{"datastore_id":"d","mirror":null}}`,
			string(sent.Disks[0].VMDisk))
	}
	assert.NotEmpty(t, machine.Disks[0].VMDisk.Meta.Or(vsphere.Metadata{}).Errors, "the caller's own is left alone")
}
