package cloudreplicatest

import (
	"slices"
	"time"
)

// tenant is an account of a tenant.
type tenant struct {
	id, name, password, description string
	enabled                         bool
	server                          *backupServer
	kind                            string // Standalone, vCD or ActiveDirectory
	organization, organizationRef   string // of vCD
	domain                          adDomain
	leaseEnds                       string // as it was given; empty: no lease
	quotas                          []quota
	compute                         []computeResource
	datacenters                     []datacenter
	subtenants                      []subtenant
	throttling                      bool
	speedLimit                      int
	speedUnit                       string
	publicIPs, maxTasks             int
	protected                       bool
	protectedDays                   int
	pools                           []string // ids
	otherGateways                   bool
	lastActive                      time.Time // zero: never
	replicas                        int       // by the licence
}

// adDomain is where a tenant of Active Directory comes from.
type adDomain struct {
	name, account string
	port          int
}

// Kinds of tenants.
const (
	TenantStandalone = "Standalone"
	TenantVCD        = "vCD"
	TenantAD         = "ActiveDirectory"
)

// quota is what a tenant has of a repository.
type quota struct {
	id, name, repository, accelerator string
	quotaMB, usedMB                   int
}

// computeResource is a subscription of a hardware plan.
type computeResource struct {
	id, plan, accelerator, platform string
	network                         bool
	appliance                       *appliance
}

// datacenter is what a tenant has of a virtual data center.
type datacenter struct {
	id, name, reference, accelerator string
	network                          bool
	appliance                        *appliance
}

// appliance is how the networks of failed over machines are reached.
type appliance struct {
	Name                            string
	ProductionNetwork               string
	ObtainIPAddressAutomatically    bool
	ManualIPAddressSettingsInfoType *struct{ IPAddress, SubnetMask, DefaultGateway string }
	ViDistributedSwitchUUID         string
	ProductionNetworkUnderDvs       *bool
}

// subtenant is an account of a user of a tenant.
type subtenant struct {
	id, name, description, password string
	enabled                         bool
	resource, quotaName, quotaID    string
	unlimited                       bool
	quotaMB                         int
}

func (t *tenant) ident() string        { return t.id }
func (t *tenant) called() string       { return t.name }
func (t *tenant) owner() *backupServer { return t.server }

func (t *tenant) links(p *printer) links {
	href := p.of(tenantKind, t.id)
	shown := links{
		p.up(backupServerKind, t.server.id, t.server.name),
		{"Edit", "", href, ""},
		{"Delete", "", href, ""},
	}
	both := func(path, kind string) {
		shown = append(shown, link{"Down", kind + "List", href + "/" + path, ""}, link{"Create", "", href + "/" + path, ""})
	}
	both("resources", "CloudTenantResource")
	if t.kind == TenantVCD {
		both("vcloudcomputeresources", "CloudTenantVCloudComputeResource")
	} else {
		both("computeResources", "CloudTenantComputeResource")
		both("subtenants", "CloudSubtenant")
	}
	return append(shown, link{"Related", "FreeLicenseCounters", href + "/freelicenseCounters", ""})
}

func (t *tenant) fill(p *printer, shown *document) {
	lease := part().marked(set("Enabled", t.leaseEnds != ""), given("ExpirationDate", t.leaseEnds))
	var pools *list
	if len(t.pools) > 0 {
		pools = texts("CloudGatewayPoolUid", uidsOf(gatewayPoolKind, t.pools))
	}
	shown.with(
		set("Password", blank{}), set("Description", t.description), set("Enabled", t.enabled), set("LeaseOptions", lease),
		set("Resources", t.listQuotas(p)), set("LastResult", "Success"), set("LastActive", stampOrNever(t.lastActive)),
		set("VmCount", nil), set("ComputeResources", t.listCompute(p)),
		set("ThrottlingEnabled", t.throttling), set("ThrottlingSpeedLimit", t.speedLimit), set("ThrottlingSpeedUnit", t.speedUnit),
		set("PublicIpCount", t.publicIPs), set("BackupCount", 0), set("ReplicaCount", t.replicas),
		set("MaxConcurrentTasks", t.maxTasks), set("WorkStationBackupCount", 0), set("ServerBackupCount", 0),
		set("BackupProtectionEnabled", t.protected), set("BackupProtectionPeriod", t.protectedDays),
		set("TenantType", t.showType()), set("VCloudComputeResources", t.listDatacenters(p)),
		set("CloudGatewayPools", pools), set("FailoverToOthersGatewaysIfFail", t.otherGateways),
	)
}

// showType shows one of three alternatives.
func (t *tenant) showType() *document {
	var standalone, cloud, directory *document
	switch t.kind {
	case TenantVCD:
		cloud = part(set("OrganizationName", t.organization), set("OrganizationRef", t.organizationRef))
	case TenantAD:
		domain := part(set("DomainName", t.domain.name), given("DomainAccount", t.domain.account), set("Port", t.domain.port))
		directory = part(set("Domain", domain), set("Account", t.name))
	default:
		standalone = part(set("TenantCredentials", part(set("Username", t.name), set("Password", nil))))
	}
	return part(set("StandaloneTenant", standalone), set("vCloudTenant", cloud), set("ADTenantType", directory))
}

func (t *tenant) listQuotas(p *printer) *list {
	return listOf("CloudTenantResource", t.quotas, func(q quota) *document { return t.showQuota(p, "", q) })
}

func (t *tenant) listCompute(p *printer) *list {
	return listOf("CloudTenantComputeResource", t.compute, func(c computeResource) *document { return t.showCompute(p, "", c) })
}

func (t *tenant) listDatacenters(p *printer) *list {
	return listOf("CloudTenantVCloudComputeResource", t.datacenters, func(d datacenter) *document { return t.showDatacenter(p, "", d) })
}

// owns begins a document of something that belongs to the tenant.
func (t *tenant) owns(p *printer, root, kind, path, id string) *document {
	href := p.of(tenantKind, t.id) + "/" + path + "/" + id
	shown := resource(root, kind, href, links{p.up(tenantKind, t.id, t.name), {"Delete", "", href, ""}})
	return shown.marked(set("Id", id))
}

func (t *tenant) showQuota(p *printer, root string, q quota) *document {
	return t.owns(p, root, "CloudTenantResource", "resources", q.id).with(set("RepositoryQuota", part(
		set("DisplayName", q.name), set("RepositoryUid", q.repository), given("WanAcceleratorUid", q.accelerator),
		set("Quota", q.quotaMB), set("UsedQuota", q.usedMB),
	)))
}

func (t *tenant) showCompute(p *printer, root string, c computeResource) *document {
	storage := []*document{part(set("StorageName", "Datastore 1"), set("StorageUsageGb", 12), set("StorageLimitGb", 500))}
	return t.owns(p, root, "CloudTenantComputeResource", "computeResources", c.id).with(
		set("CloudHardwarePlanUid", uidOf(hardwarePlanKind.name, c.plan)), given("WanAcceleratorUid", c.accelerator),
		set("PlatformType", c.platform), set("UseNetworkFailoverResources", c.network),
		set("NetworkAppliance", showAppliance(c.appliance)),
		set("ComputeResourceStats", part(set("MemoryUsageMb", 0), set("CPUCount", 0),
			set("StorageResourceStats", listOf("StorageResourceStat", storage, same)))),
	)
}

func (t *tenant) showDatacenter(p *printer, root string, d datacenter) *document {
	return t.owns(p, root, "CloudTenantVCloudComputeResource", "vcloudcomputeresources", d.id).with(
		set("VirtualDataCenterName", d.name), set("VirtualDataCenterRef", d.reference), set("Enabled", true),
		set("AllocationModel", "AllocationPool"), set("UseNetworkFailoverResources", d.network),
		set("ResourceUsage", part(set("CpuUsageMhz", 0), set("MemoryUsageMb", 0), set("StorageUsageGb", 0))),
		given("WanAcceleratorUid", d.accelerator), set("NetworkAppliance", showAppliance(d.appliance)),
	)
}

func showAppliance(a *appliance) *document {
	if a == nil {
		return nil
	}
	var manual *document
	if of := a.ManualIPAddressSettingsInfoType; of != nil {
		manual = part(set("IpAddress", of.IPAddress), set("SubnetMask", of.SubnetMask), set("DefaultGateway", of.DefaultGateway))
	}
	under := set("ProductionNetworkUnderDvs", nil)
	if a.ProductionNetworkUnderDvs != nil {
		under.value = *a.ProductionNetworkUnderDvs
	}
	return part(
		set("Name", a.Name), set("ProductionNetwork", a.ProductionNetwork),
		set("ObtainIPAddressAutomatically", a.ObtainIPAddressAutomatically), set("ManualIpAddressSettingsInfoType", manual),
		given("ViDistributedSwitchUuid", a.ViDistributedSwitchUUID), under,
	)
}

func (t *tenant) showSubtenant(p *printer, root string, s subtenant) *document {
	held := part(
		set("DisplayName", s.quotaName), set("TenantResourceId", s.resource), set("QuotaMb", s.quotaMB),
		set("UsedQuotaMb", 0), set("QuotaId", s.quotaID),
	).marked(set("Unlimited", s.unlimited))
	shown := t.owns(p, root, "CloudSubtenant", "subtenants", s.id)
	return shown.with(set("Name", s.name), set("Description", s.description), set("Password", blank{}), set("Enabled", s.enabled),
		set("RepositoryQuota", held))
}

// subscribes reports whether the tenant has a hardware plan.
func (t *tenant) subscribes(plan string) bool {
	return slices.ContainsFunc(t.compute, func(c computeResource) bool { return c.plan == plan })
}
