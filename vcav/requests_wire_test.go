package vcav_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/vcav"
)

func cloudFailover() vcav.CloudFailover {
	return vcav.CloudFailover{
		PowerOn: true, Consolidate: drkit.Some(true), InstanceID: drkit.Some(instanceID),
		VAppNetworkSettings: drkit.Some(vcav.VAppNetworkSettings{
			NetworkMappings: []vcav.NetworkMapping{{
				SourceNetworkName:        "orders-net",
				SourceOrgVDCNetwork:      drkit.Some(vcav.OrgVDCNetwork{ID: "9e5b0c47-d61a-4823-b7f4-3c8ad2e0169f", Name: "acme-lan"}),
				DestinationOrgVDCNetwork: drkit.Some(vcav.OrgVDCNetwork{ID: "46d1f8a3-0b7e-4c95-a29d-e85c7f3016b2", Name: "acme-dr-lan"}),
			}},
			BridgeOrgVDCNetworks: []vcav.OrgVDCNetwork{{ID: "71c4e9d5-a83f-4b60-9d2e-0f5b6a1873ce", Name: "acme-dr-mgmt"}},
		}),
		VMNetworkSettings: drkit.Some(networkCards("acme-dr-lan", "10.64.8.21")),
	}
}

func cloudFailoverTest() vcav.CloudFailoverTest {
	return vcav.CloudFailoverTest{
		PowerOn: true, Sync: true,
		VAppNetworkSettings: drkit.Some(vcav.VAppNetworkSettings{
			NetworkMappings:      []vcav.NetworkMapping{{SourceNetworkName: "orders-net"}},
			BridgeOrgVDCNetworks: []vcav.OrgVDCNetwork{},
		}),
		VMNetworkSettings: drkit.Some(networkCards("orders-net", "10.64.200.21")),
	}
}

func networkCards(network, address string) vcav.VMNetworkSettings {
	return vcav.VMNetworkSettings{
		NICs: []vcav.NIC{
			{
				IsConnected: true, Network: network, NeedsCustomization: true,
				IPAddress: drkit.Some(address), IPAddressAllocationMode: vcav.IPAddressAllocationModeManual,
				ExternalIPAddress:  drkit.Some("203.0.113.17"),
				NetworkAdapterType: drkit.Some("VMXNET3"), MACAddress: drkit.Some("00:50:56:3e:7b:c4"),
			},
			{
				NICIndex: 1, ResetMACAddress: true, Network: "acme-dr-mgmt",
				IPAddressAllocationMode: vcav.IPAddressAllocationModePool,
			},
		},
		ComputerName: drkit.Some("orders-db-dr"), EnableGuestCustomization: drkit.Some(true),
	}
}

func vCenterFailover() vcav.VCenterFailover {
	return vcav.VCenterFailover{
		PowerOn: true, SnapshotOptions: drkit.Some(vcav.SnapshotOptionsConsolidate), InstanceID: drkit.Some(instanceID),
		CustomVirtualHardware: drkit.Some(vcav.CustomVirtualHardware{
			NumCPUs: drkit.Some(8), NumCoresPerSocket: drkit.Some(2), MemoryInMB: drkit.Some(16384),
			MACAddressPolicy: drkit.Some(vcav.MACAddressPolicyGenerateNew),
		}),
	}
}

func vCenterFailoverTest() vcav.VCenterFailoverTest {
	return vcav.VCenterFailoverTest{
		ExposePITsAsSnapshots: drkit.Some(false), InstanceID: drkit.Some(latestInstance().Key),
		CustomVirtualHardware: drkit.Some(vcav.CustomVirtualHardware{
			NumCPUs: drkit.Some(2), NumCoresPerSocket: drkit.Some(1), MemoryInMB: drkit.Some(8192),
			MACAddressPolicy: drkit.Some(vcav.MACAddressPolicyDefault),
		}),
	}
}

// What is left out keeps the service's default, null clears, and a value sets, be it false.
func TestOptionalMembersOfRequests(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		request vcav.FailoverRequest
		want    string
	}{
		"nothing but what is required": {vcav.CloudFailover{}, `{"type":"vcloud","powerOn":false}`},
		"on premises":                  {vcav.VCenterFailover{}, `{"type":"vcenter","powerOn":false}`},
		"by pointer":                   {&vcav.CloudFailover{PowerOn: true}, `{"type":"vcloud","powerOn":true}`},
		"false is sent": {
			vcav.CloudFailover{Consolidate: drkit.Some(false)}, `{"type":"vcloud","powerOn":false,"consolidate":false}`,
		},
		"null is sent": {
			vcav.CloudFailover{InstanceID: drkit.Null[string]()}, `{"type":"vcloud","powerOn":false,"instanceId":null}`,
		},
		"nil lists are left out, empty ones are sent": {
			vcav.CloudFailover{VAppNetworkSettings: drkit.Some(vcav.VAppNetworkSettings{NetworkMappings: []vcav.NetworkMapping{}})},
			`{"type":"vcloud","powerOn":false,
				"vAppNetworkSettings":{"networkMappings":[],"copySourceNetworks":false,"bulkConnectVmNics":false}}`,
		},
		"a name that JSON and HTML escape": {
			vcav.VCenterFailover{SnapshotOptions: drkit.Some(vcav.SnapshotOptions("<\"&\u2028>"))},
			`{"type":"vcenter","powerOn":false,"snapshotOptions":"<\"&\u2028>"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.on("POST", "/vm-replications/C4-1/failover", answer(t, 202, "vm_replications_failover.answer"))
			_, err := s.client().VMReplications.Failover(wire(t), "C4-1", tc.request)
			require.NoError(t, err)
			assert.JSONEq(t, tc.want, s.only().body)
		})
	}
}

func TestRequestsThatCannotBeRightAreNotSent(t *testing.T) {
	t.Parallel()
	some := drkit.Some(instanceID)
	for name, tc := range map[string]struct {
		call func(*vcav.SiteVMReplications) (any, error)
		want string
	}{
		"nil": {
			func(v *vcav.SiteVMReplications) (any, error) { return started(v.Failover(wire(t), "C4-1", nil)) },
			"vcav.VMReplications.Failover: request is nil",
		},
		"nil of a type": {
			func(v *vcav.SiteVMReplications) (any, error) {
				return started(v.Failover(wire(t), "C4-1", (*vcav.CloudFailover)(nil)))
			},
			"vcav.VMReplications.Failover: request is nil",
		},
		"nil test": {
			func(v *vcav.SiteVMReplications) (any, error) {
				return started(v.TestFailover(wire(t), "C4-1", nil))
			},
			"vcav.VMReplications.TestFailover: request is nil",
		},
		"empty instance": {
			func(v *vcav.SiteVMReplications) (any, error) {
				return started(v.Failover(wire(t), "C4-1", vcav.VCenterFailover{InstanceID: drkit.Some("")}))
			},
			"InstanceID is empty",
		},
		"sync and instance": {
			func(v *vcav.SiteVMReplications) (any, error) {
				return started(v.TestFailover(wire(t), "C4-1", vcav.CloudFailoverTest{Sync: true, InstanceID: some}))
			},
			"sync and InstanceID exclude each other",
		},
		"sync and instance on premises": {
			func(v *vcav.SiteVMReplications) (any, error) {
				return started(v.TestFailover(wire(t), "C4-1", vcav.VCenterFailoverTest{Sync: true, InstanceID: some}))
			},
			"sync and InstanceID exclude each other",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			_, err := tc.call(&s.client().VMReplications.SiteVMReplications)
			require.ErrorContains(t, err, tc.want)
			assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
			assert.Empty(t, s.lines())
		})
	}
}

// A read-only client lets reads through, and what changes nothing but its session; it starts nothing.
func TestReadOnlyClient(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		if tc.signsIn {
			continue // sessions_wire_test.go
		}
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.onAny(answer(t, tc.status, tc.answer))
			_, err := tc.run(wire(t), here(s.client(drkit.WithReadOnly())))
			if tc.class() != api.Read && !strings.HasPrefix(tc.operation, "Sessions.") {
				require.ErrorIs(t, err, drkit.ErrReadOnly)
				assert.Empty(t, s.lines())
				return
			}
			require.NoError(t, err)
		})
	}
}

// A context that has ended before the call sends nothing, so that nothing is unknown.
func TestContextThatHasEnded(t *testing.T) {
	t.Parallel()
	server := httptest.NewTLSServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was sent", r.Method, r.URL)
	}))
	t.Cleanup(server.Close)
	client, err := vcav.NewClient(server.URL, vcav.Token(drkit.NewSecret(givenToken)),
		drkit.WithTransport(server.Client().Transport))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(wire(t))
	cancel()
	for _, tc := range wireCases(t) {
		if tc.signsIn {
			continue // there is no session to end
		}
		_, err := tc.run(ctx, here(client))
		require.ErrorIs(t, err, context.Canceled, tc.name())
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown, tc.name())
	}
}
