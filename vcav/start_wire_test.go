package vcav_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// Cloud Director shows its ids as urns, and this service takes them without.
func TestURNsAreCut(t *testing.T) {
	t.Parallel()
	for want, value := range map[string]any{
		`{"type":"vm","site":"north","vmId":"91d4"}`: vcav.VMSource{Site: "north", VMID: "urn:vcloud:vm:91d4"},
		`{"type":"vcloud","site":"south","vdc":"0d97","storageProfile":"57c2"}`: vcav.CloudDestination{
			Site: "south", VDC: "urn:vcloud:vdc:0d97", StorageProfile: drkit.Some("urn:vcloud:vdcstorageProfile:57c2"),
		},
		`{"type":"vm","site":"south","vdc":"0d97","storageProfile":"57c2","seedVmId":"a75d"}`: &vcav.VMDestination{
			Site: "south", VDC: "URN:VCLOUD:VDC:0d97", StorageProfile: drkit.Some("urn:vcloud:vdcStorageProfile:57c2"),
			SeedVMID: "urn:vcloud:vm:a75d",
		},
		// What is bare already, or no id at all, stays.
		`{"type":"vcloud","site":"south","vdc":"0d97","storageProfile":"*"}`: vcav.CloudDestination{
			Site: "south", VDC: "0d97", StorageProfile: drkit.Some("*"),
		},
		`{"type":"vm","site":"south","vdc":"0d97","storageProfile":null,"seedVmId":"a75d"}`: vcav.VMDestination{
			Site: "south", VDC: "0d97", StorageProfile: drkit.Null[string](), SeedVMID: "a75d",
		},
		`{"type":"vcVm","site":"branch","vcUuid":"71f0","vmId":"vm-42"}`: vcav.VCVMSource{
			Site: "branch", VCUUID: "71f0", VMID: "vm-42",
		},
	} {
		written, err := json.Marshal(value)
		require.NoError(t, err)
		assert.JSONEq(t, want, string(written))
	}
}

// A source and a destination can be given by pointer, too.
func TestStartByPointer(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("POST", "/vm-replications", answer(t, 202, "vm_replications_start.answer"))
	_, err := s.client().VMReplications.Start(wire(t), vcav.ReplicationStart{
		Source: &vcav.VMSource{Site: "north", VMID: "urn:vcloud:vm:91d4"}, Destination: &vcav.VCDestination{Site: "branch"},
	})
	require.NoError(t, err)
	assert.JSONEq(t, `{"source":{"type":"vm","site":"north","vmId":"91d4"},"destination":{"type":"vc","site":"branch"},
		"isMigration":false}`, s.only().body)
}

func TestStartsThatCannotBeRightAreNotSent(t *testing.T) {
	t.Parallel()
	vm := vcav.VMSource{Site: "north", VMID: ordersVMID}
	vcVM := vcav.VCVMSource{Site: "branch", VCUUID: branchVC, VMID: "vm-42"}
	cloud := vcav.CloudDestination{Site: "south", VDC: southVDC}
	onPremises := vcav.VCDestination{Site: "branch"}
	for _, tc := range []struct {
		want        string
		source      vcav.ReplicationSource
		destination vcav.ReplicationDestination
	}{
		{"source is nil", nil, cloud},
		{"source is nil", (*vcav.VMSource)(nil), cloud},
		{"source: Site is empty", vcav.VMSource{VMID: "1"}, cloud},
		{"source: Site is empty", vcav.VMSource{Site: " \t", VMID: "1"}, cloud},
		{"source: Site is empty", vcav.VCVMSource{VCUUID: "1", VMID: "vm-1"}, cloud},
		{"source: VMID is empty", vcav.VMSource{Site: "north"}, cloud},
		{"source: VMID is empty", vcav.VCVMSource{Site: "branch", VCUUID: "1"}, cloud},
		{"source: VCUUID is empty", vcav.VCVMSource{Site: "branch", VMID: "vm-1"}, cloud},
		{
			`source: VMID is "urn:vcloud:vapp:1", which is the id of no vm`,
			vcav.VMSource{Site: "north", VMID: "urn:vcloud:vapp:1"},
			cloud,
		},
		{
			`source: VMID is "urn:vcloud:vm:", which is no id of Cloud Director`,
			vcav.VMSource{Site: "north", VMID: "urn:vcloud:vm:"},
			cloud,
		},
		{
			`source: VMID is "urn:uuid:91d4", which is no id of Cloud Director`,
			vcav.VMSource{Site: "north", VMID: "urn:uuid:91d4"},
			cloud,
		},
		{
			`source: VMID is "urn:vcloud:vm:1", an id of Cloud Director`,
			vcav.VCVMSource{Site: "branch", VCUUID: "1", VMID: "urn:vcloud:vm:1"},
			cloud,
		},
		{"destination is nil", vm, nil},
		{"destination is nil", vm, (*vcav.VCVMDestination)(nil)},
		{"destination: Site is empty", vm, vcav.CloudDestination{VDC: "1"}},
		{"destination: Site is empty", vm, vcav.VCDestination{}},
		{"destination: VDC is empty", vm, vcav.CloudDestination{Site: "south"}},
		{
			`destination: VDC is "urn:vcloud:org:1", which is the id of no vdc`,
			vm,
			vcav.VMDestination{Site: "south", VDC: "urn:vcloud:org:1", SeedVMID: "2"},
		},
		{
			"destination: StorageProfile is empty",
			vm,
			vcav.CloudDestination{Site: "south", VDC: "1", StorageProfile: drkit.Some("")},
		},
		{
			`destination: StorageProfile is "urn:vcloud:vdc:1", which is the id of no vdcstorageProfile`,
			vm,
			vcav.CloudDestination{Site: "south", VDC: "1", StorageProfile: drkit.Some("urn:vcloud:vdc:1")},
		},
		{"destination: SeedVMID is empty", vm, vcav.VMDestination{Site: "south", VDC: "1"}},
		{
			"destination: SeedVM.VCID is empty",
			vm,
			vcav.VCVMDestination{Site: "branch", SeedVM: vcav.SeedVM{MoID: "vm-1"}},
		},
		{
			"destination: SeedVM.MoID is empty",
			vm,
			vcav.VCVMDestination{Site: "branch", SeedVM: vcav.SeedVM{VCID: "1"}},
		},
		{"source and destination are both on premises", vcVM, onPremises},
		{"source and destination are both on premises", &vcVM, &onPremises},
	} {
		t.Run(tc.want, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			_, err := s.client().VMReplications.Start(wire(t), vcav.ReplicationStart{Source: tc.source, Destination: tc.destination})
			require.ErrorContains(t, err, "vcav.VMReplications.Start: "+tc.want)
			assert.NotContains(t, err.Error(), "\n")
			assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.Empty(t, s.lines())
		})
	}
	s := newService(t)
	_, err := s.client().VMReplications.Start(wire(t), vcav.ReplicationStart{Source: vm, Destination: cloud, SLAProfileID: drkit.Some("")})
	require.EqualError(t, err, "vcav.VMReplications.Start: SLAProfileID is empty")
	assert.Empty(t, s.lines())
}

func TestReconfigurationsThatCannotBeRightAreNotSent(t *testing.T) {
	t.Parallel()
	for want, request := range map[string]vcav.Reconfigure{
		"the request changes nothing":                    {},
		"SourceReconfigure is a nil pointer":             {SourceReconfigure: (*vcav.VCVMReconfigure)(nil)},
		"SourceReconfigure: the request changes nothing": {SourceReconfigure: vcav.VCVMReconfigure{}},
		"SourceReconfigure: VAppName is empty":           {SourceReconfigure: vcav.VCVAppReconfigure{VAppName: drkit.Some(" ")}},
		"SLAProfileID is empty":                          {SLAProfileID: drkit.Some("")},
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			_, err := s.client().VMReplications.Reconfigure(wire(t), ordersID, request)
			require.EqualError(t, err, "vcav.VMReplications.Reconfigure: "+want)
			assert.Empty(t, s.lines())
		})
	}
}

func TestMigrationWithoutARequestIsNotSent(t *testing.T) {
	t.Parallel()
	for _, request := range []vcav.MigrateRequest{nil, (*vcav.CloudMigrate)(nil), (*vcav.VCenterMigrate)(nil)} {
		s := newService(t)
		_, err := s.client().VMReplications.Migrate(wire(t), ordersID, request)
		require.EqualError(t, err, "vcav.VMReplications.Migrate: request is nil")
		assert.Empty(t, s.lines())
	}
}
