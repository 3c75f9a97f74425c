package cloudreplica_test

import (
	"encoding/json"
	"encoding/xml"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/cloudreplica/internal/wire"
	"github.com/drkit-go/drkit/internal/wiretest"
)

// BenchmarkDecode compares a list of some hundred rows, read by this package, with what encoding/xml and encoding/json
// make of it alone: into types that follow each encoding as it is, so that they do no more than they must. The
// contestants take turns in short rounds, and the ratios are medians over the rounds of one run.
func BenchmarkDecode(b *testing.B) {
	points := func(data []byte) error { var out []cloudreplica.CloudVMReplicaPoint; return wire.Decode(data, &out) }
	tenants := func(data []byte) error { var out []cloudreplica.CloudTenant; return wire.Decode(data, &out) }
	for name, tc := range map[string]struct {
		sample, from, to string
		ours, theirs     func(data []byte) error
	}{
		"points/XML": {"vm_replica_points_list.answer.xml", "<CloudReplica ", "</CloudVmReplicaPoints>", points, func(data []byte) error {
			var out struct {
				Rows []barePoint `xml:"CloudReplica"`
			}
			return xml.Unmarshal(data, &out)
		}},
		"points/JSON": {"vm_replica_points_list.answer.json", "{\n   \"Vm", "\n ]\n}", points, func(data []byte) error {
			var out struct{ CloudReplicas []barePoint }
			return json.Unmarshal(data, &out)
		}},
		"tenants/XML": {"tenants_list.answer.xml", "<CloudTenant ", "</CloudTenants>", tenants, func(data []byte) error {
			var out struct {
				Rows []bareTenant `xml:"CloudTenant"`
			}
			return xml.Unmarshal(data, &out)
		}},
		"tenants/JSON": {"tenants_list.answer.json", "{\n   \"Pass", "\n ]\n}", tenants, func(data []byte) error {
			var out struct{ CloudTenants []bareTenantJSON }
			return json.Unmarshal(data, &out)
		}},
	} {
		b.Run(name, func(b *testing.B) {
			list := listOf(b, read(b, tc.sample), tc.from, tc.to)
			compareDecode(b, list, tc.ours, tc.theirs)
		})
	}
}

func compareDecode(b *testing.B, list []byte, ours, theirs func(data []byte) error) {
	b.Helper()
	const rounds = 12
	calls := max(b.N/rounds, 3)
	for range 3 {
		_, _ = wiretest.Measure(b, calls, func() error { return ours(list) })
		_, _ = wiretest.Measure(b, calls, func() error { return theirs(list) })
	}
	b.ResetTimer()
	var times, allocations, speeds []float64
	for range rounds {
		ourTime, ourAllocations := wiretest.Measure(b, calls, func() error { return ours(list) })
		theirTime, theirAllocations := wiretest.Measure(b, calls, func() error { return theirs(list) })
		times = append(times, ourTime/theirTime)
		allocations = append(allocations, ourAllocations/theirAllocations)
		speeds = append(speeds, float64(len(list))/ourTime*1000)
	}
	b.ReportMetric(wiretest.Median(times), "×time")
	b.ReportMetric(wiretest.Median(allocations), "×allocs")
	b.ReportMetric(wiretest.Median(speeds), "MB/s")
	b.ReportMetric(0, "ns/op") // the time of a round is no one's
}

// listOf repeats the rows of a list, which stand between from and to.
func listOf(tb testing.TB, text, from, to string) []byte {
	tb.Helper()
	begin, end := strings.Index(text, from), strings.LastIndex(text, to)
	require.True(tb, begin > 0 && end > begin)
	comma := ""
	if from[0] == '{' {
		comma = ","
	}
	rows := slices.Repeat([]string{strings.TrimSpace(text[begin:end])}, 100)
	return []byte(text[:begin] + strings.Join(rows, comma+"\n") + text[end:])
}

type bareLink struct {
	Rel  string `xml:",attr"`
	Href string `xml:",attr"`
	Name string `xml:",attr"`
	Type string `xml:",attr"`
}

type bareEntity struct {
	Href  string     `xml:",attr"`
	Type  string     `xml:",attr"`
	Name  string     `xml:",attr"`
	UID   string     `xml:",attr"`
	Links []bareLink `xml:"Links>Link"`
}

type barePoint struct {
	bareEntity
	VmDisplayName    string    `xml:",attr"`
	CreationTimeUTC  time.Time //
	VmName           string
	PointType, State string
}

type bareAppliance struct {
	Name, ProductionNetwork         string
	ObtainIPAddressAutomatically    bool
	ManualIpAddressSettingsInfoType *struct{ IpAddress, SubnetMask, DefaultGateway string }
	ViDistributedSwitchUuid         string
	ProductionNetworkUnderDvs       bool
}

type bareTenantData struct {
	bareEntity
	Password, Description string
	Enabled               bool
	LeaseOptions          *struct {
		Enabled        bool   `xml:",attr"`
		ExpirationDate string `xml:",attr"`
	}
	LastResult                                                        string
	LastActive                                                        time.Time
	VmCount                                                           int
	ThrottlingEnabled                                                 bool
	ThrottlingSpeedLimit                                              int
	ThrottlingSpeedUnit                                               string
	PublicIpCount, BackupCount, ReplicaCount, MaxConcurrentTasks      int
	WorkStationBackupCount, ServerBackupCount, BackupProtectionPeriod int
	BackupProtectionEnabled, FailoverToOthersGatewaysIfFail           bool
	TenantType                                                        *bareTenantType
}

type bareTenantType struct {
	StandaloneTenant *struct {
		TenantCredentials *struct{ Username, Password string }
	}
	VCloudTenant *struct{ OrganizationName, OrganizationRef string } `xml:"vCloudTenant" json:"vCloudTenant"`
	ADTenantType *struct {
		Domain *struct {
			DomainName, DomainAccount string
			Port                      int
		}
		Account string
	}
}

type bareQuota struct {
	Href            string     `xml:",attr"`
	Type            string     `xml:",attr"`
	Id              string     `xml:",attr"`
	Links           []bareLink `xml:"Links>Link"`
	RepositoryQuota struct {
		DisplayName, RepositoryUid, WanAcceleratorUid string
		Quota, UsedQuota                              int64
	}
}

type bareSubscription struct {
	Href                                                  string     `xml:",attr"`
	Type                                                  string     `xml:",attr"`
	Id                                                    string     `xml:",attr"`
	Links                                                 []bareLink `xml:"Links>Link"`
	CloudHardwarePlanUid, WanAcceleratorUid, PlatformType string
	UseNetworkFailoverResources                           bool
	NetworkAppliance                                      *bareAppliance
}

type bareStorage struct {
	StorageName                    string
	StorageUsageGb, StorageLimitGb int
}

type bareDataCenter struct {
	Href                                        string     `xml:",attr"`
	Type                                        string     `xml:",attr"`
	Id                                          string     `xml:",attr"`
	Links                                       []bareLink `xml:"Links>Link"`
	VirtualDataCenterName, VirtualDataCenterRef string
	Enabled, UseNetworkFailoverResources        bool
	AllocationModel, WanAcceleratorUid          string
	ResourceUsage                               *struct{ CpuUsageMhz, MemoryUsageMb, StorageUsageGb int }
	NetworkAppliance                            *bareAppliance
}

// bareTenant is a tenant as encoding/xml needs it.
type bareTenant struct {
	bareTenantData
	Resources        []bareQuota `xml:"Resources>CloudTenantResource"`
	ComputeResources []struct {
		bareSubscription
		ComputeResourceStats *struct {
			MemoryUsageMb, CPUCount int
			StorageResourceStats    []bareStorage `xml:"StorageResourceStats>StorageResourceStat"`
		}
	} `xml:"ComputeResources>CloudTenantComputeResource"`
	VCloudComputeResources []bareDataCenter `xml:"VCloudComputeResources>CloudTenantVCloudComputeResource"`
	CloudGatewayPools      []string         `xml:"CloudGatewayPools>CloudGatewayPoolUid"`
}

// bareTenantJSON is a tenant as encoding/json needs it.
type bareTenantJSON struct {
	bareTenantData
	Resources        *struct{ CloudTenantResources []bareQuota }
	ComputeResources *struct {
		CloudTenantComputeResources []struct {
			bareSubscription
			ComputeResourceStats *struct {
				MemoryUsageMb, CPUCount int
				StorageResourceStats    *struct{ StorageResourceStats []bareStorage }
			}
		}
	}
	VCloudComputeResources *struct {
		CloudTenantVCloudComputeResources []bareDataCenter
	}
	CloudGatewayPools *struct{ CloudGatewayPoolUids []string }
}
