package cloudreplicatest

import (
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// createSpec is the body of a create.
type createSpec struct {
	Name, Description, Password string
	Enabled                     *bool
	LeaseExpirationDate         string
	Resources                   struct{ BackupResources []quotaSpec }
	ComputeResources            struct{ ComputeResources []computeSpec }
	ThrottlingEnabled           bool
	ThrottlingSpeedLimit        *int
	ThrottlingSpeedUnit         string
	PublicIPCount               int
	BackupServerUID             string
	MaxConcurrentTasks          *int
	BackupProtectionEnabled     bool
	BackupProtectionPeriod      *int
	TenantType                  string
	OrganizationRef             string
	VCloudComputeResources      struct{ VCloudComputeResources []datacenterSpec }
	CloudGatewayPools           struct{ CloudGatewayPoolUids []string }

	FailoverToOthersGatewaysIfFail bool

	Domain *struct {
		DomainName, DomainAccount string
		Port                      int
	}
}

type quotaSpec struct {
	Name, RepositoryUID string
	QuotaMb             int
	WanAcceleratorUID   string
}

type computeSpec struct {
	CloudHardwarePlanUID, WanAcceleratorUID, PlatformType string
	UseNetworkFailoverResources                           bool
	NetworkAppliance                                      *appliance
}

type datacenterSpec struct {
	VirtualDataCenterRef, WanAcceleratorUID string
	UseNetworkFailoverResources             bool
	NetworkAppliance                        *appliance
}

// smallestQuota is one gigabyte.
const smallestQuota = 1024

func (s quotaSpec) make() (quota, error) {
	if s.QuotaMb < smallestQuota {
		return quota{}, failure("The quota of [%s] is less than 1 GB", s.Name)
	}
	return quota{
		id: simkit.FreshID(), name: s.Name, repository: s.RepositoryUID, accelerator: s.WanAcceleratorUID, quotaMB: s.QuotaMb,
	}, nil
}

func (v *visit) subscribe(s computeSpec, on *backupServer) (computeResource, error) {
	found, exists := v.really.hardwarePlans.get(idOf(hardwarePlanKind.name, s.CloudHardwarePlanUID))
	switch {
	case !exists || found.server != on:
		return computeResource{}, failure("Hardware plan [%s] was not found", s.CloudHardwarePlanUID)
	case found.platform != s.PlatformType:
		return computeResource{}, failure("Hardware plan [%s] is not for %s", found.name, s.PlatformType)
	}
	return computeResource{
		id: simkit.FreshID(), plan: found.id, accelerator: s.WanAcceleratorUID, platform: s.PlatformType,
		network: s.UseNetworkFailoverResources, appliance: s.NetworkAppliance,
	}, nil
}

func (s datacenterSpec) make() datacenter {
	name := s.VirtualDataCenterRef[strings.LastIndexAny(s.VirtualDataCenterRef, ".:")+1:]
	return datacenter{
		id: simkit.FreshID(), name: name, reference: s.VirtualDataCenterRef, accelerator: s.WanAcceleratorUID,
		network: s.UseNetworkFailoverResources, appliance: s.NetworkAppliance,
	}
}

// createTenant makes a tenant, whose name nobody else may have on the server.
func (v *visit) createTenant() (*reply, error) {
	var spec createSpec
	if err := v.read(&spec); err != nil {
		return nil, err
	}
	v.call.Resource = spec.Name
	return v.begin(func(time.Time) (done, error) {
		made, err := v.newTenant(spec)
		if err != nil {
			return done{}, err
		}
		v.really.tenants.put(made)
		v.joinPools(made)
		v.deeds.tenant(made).Created = true
		return done{
			publish: func() { v.publishTenant(made.id) },
			related: func() link { return v.relatedTo(tenantKind, made.id, made.name) },
		}, nil
	})
}

func (v *visit) newTenant(spec createSpec) (*tenant, error) {
	on := v.server(idOf(backupServerKind.name, spec.BackupServerUID))
	if on == nil {
		return nil, failure("Backup server [%s] was not found", spec.BackupServerUID)
	}
	for _, other := range v.really.tenants.all {
		if other.server == on && strings.EqualFold(other.name, spec.Name) {
			return nil, failure("Tenant [%s] already exists", spec.Name)
		}
	}
	made := &tenant{
		id: simkit.FreshID(), name: spec.Name, password: spec.Password, description: spec.Description, server: on,
		enabled: spec.Enabled == nil || *spec.Enabled, kind: or(spec.TenantType, TenantStandalone), leaseEnds: spec.LeaseExpirationDate,
		throttling: spec.ThrottlingEnabled, speedLimit: value(spec.ThrottlingSpeedLimit, 1), speedUnit: or(spec.ThrottlingSpeedUnit, "MBps"),
		publicIPs: spec.PublicIPCount, maxTasks: value(spec.MaxConcurrentTasks, 1),
		protected: spec.BackupProtectionEnabled, protectedDays: value(spec.BackupProtectionPeriod, 7),
		otherGateways: spec.FailoverToOthersGatewaysIfFail,
	}
	if spec.Domain != nil {
		made.domain = adDomain{spec.Domain.DomainName, spec.Domain.DomainAccount, spec.Domain.Port}
	}
	switch made.kind {
	case TenantVCD:
		made.organizationRef, made.organization = spec.OrganizationRef, spec.Name
		if spec.OrganizationRef == "" {
			return nil, failure("OrganizationRef is needed")
		}
	case TenantAD:
		if spec.Domain == nil {
			return nil, failure("Domain is needed")
		}
	}
	return made, v.equip(made, spec)
}

// equip gives a new tenant what it is to have.
func (v *visit) equip(made *tenant, spec createSpec) error {
	for _, given := range spec.Resources.BackupResources {
		held, err := given.make()
		if err != nil {
			return err
		}
		made.quotas = append(made.quotas, held)
	}
	for _, given := range spec.ComputeResources.ComputeResources {
		held, err := v.subscribe(given, made.server)
		if err != nil {
			return err
		}
		made.compute = append(made.compute, held)
	}
	for _, given := range spec.VCloudComputeResources.VCloudComputeResources {
		made.datacenters = append(made.datacenters, given.make())
	}
	pools, err := v.poolIDs(spec.CloudGatewayPools.CloudGatewayPoolUids)
	made.pools = pools
	return err
}

// poolIDs are the ids of pools that there are.
func (v *visit) poolIDs(uids []string) ([]string, error) {
	var ids []string
	for _, uid := range uids {
		id := idOf(gatewayPoolKind.name, uid)
		if _, exists := v.really.pools.get(id); !exists {
			return nil, failure("Gateway pool [%s] was not found", uid)
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// joinPools makes pools name the tenants that name them.
func (v *visit) joinPools(of *tenant) {
	for _, pool := range v.really.pools.all {
		in, is := slices.Contains(of.pools, pool.id), slices.Contains(pool.tenants, of.id)
		if in == is {
			continue
		}
		next := *pool
		next.tenants = slices.DeleteFunc(slices.Clone(pool.tenants), func(id string) bool { return id == of.id })
		if in {
			next.tenants = append(next.tenants, of.id)
		}
		v.really.pools.put(&next)
	}
}

// publishTenant lets the database know a tenant as it is, or that it is gone, and the pools.
func (v *visit) publishTenant(id string) {
	if now, exists := v.really.tenants.get(id); exists {
		v.known.tenants.put(now)
	} else {
		v.known.tenants.drop(id)
	}
	for _, pool := range v.really.pools.all {
		v.known.pools.put(pool)
	}
}

// tenant finds the tenant of the path.
func (v *visit) tenant() (*tenant, error) {
	id := v.call.Arguments["tenantId"]
	found, exists := v.known.tenants.get(id)
	if !exists {
		return nil, missing(tenantKind, id)
	}
	return found, nil
}

// change starts a task that changes a tenant as it really is then. What was made, if anything, is linked.
func (v *visit) change(of *tenant, work func(*tenant) (made func() link, err error)) (*reply, error) {
	return v.begin(func(time.Time) (done, error) {
		really, exists := v.really.tenants.get(of.id)
		if !exists {
			return done{}, failure("Tenant with id [%s] was not found", of.id)
		}
		next := *really
		made, err := work(&next)
		if err != nil {
			return done{}, err
		}
		v.really.tenants.put(&next)
		v.joinPools(&next)
		return done{publish: func() { v.publishTenant(of.id) }, related: made}, nil
	})
}

// editSpec is the body of an edit: what is left out stays.
type editSpec struct {
	Password, Description *string
	Enabled               *bool
	LeaseOptions          *struct {
		Enabled        bool
		ExpirationDate string
	}
	ThrottlingEnabled              *bool
	ThrottlingSpeedLimit           *int
	ThrottlingSpeedUnit            *string
	PublicIPCount                  *int
	MaxConcurrentTasks             *int
	BackupProtectionEnabled        *bool
	BackupProtectionPeriod         *int
	TenantType                     struct{ StandaloneTenant, VCloudTenant, ADTenantType *struct{} }
	CloudGatewayPools              *struct{ CloudGatewayPoolUids []string }
	FailoverToOthersGatewaysIfFail *bool
}

func (v *visit) updateTenant() (*reply, error) {
	found, err := v.tenant()
	if err != nil {
		return nil, err
	}
	var spec editSpec
	if err := v.read(&spec); err != nil {
		return nil, err
	}
	return v.change(found, func(t *tenant) (func() link, error) {
		for kind, named := range map[string]*struct{}{
			TenantVCD: spec.TenantType.VCloudTenant, TenantStandalone: spec.TenantType.StandaloneTenant, TenantAD: spec.TenantType.ADTenantType,
		} {
			if (named != nil) != (t.kind == kind) {
				return nil, failure("The type of tenant [%s] is another", t.name)
			}
		}
		if spec.CloudGatewayPools != nil {
			pools, err := v.poolIDs(spec.CloudGatewayPools.CloudGatewayPoolUids)
			if err != nil {
				return nil, err
			}
			t.pools = pools
		}
		spec.apply(t)
		return nil, nil
	})
}

func (s *editSpec) apply(t *tenant) {
	replace(&t.password, s.Password)
	replace(&t.description, s.Description)
	replace(&t.enabled, s.Enabled)
	replace(&t.throttling, s.ThrottlingEnabled)
	replace(&t.speedLimit, s.ThrottlingSpeedLimit)
	replace(&t.speedUnit, s.ThrottlingSpeedUnit)
	replace(&t.publicIPs, s.PublicIPCount)
	replace(&t.maxTasks, s.MaxConcurrentTasks)
	replace(&t.protected, s.BackupProtectionEnabled)
	replace(&t.protectedDays, s.BackupProtectionPeriod)
	replace(&t.otherGateways, s.FailoverToOthersGatewaysIfFail)
	if s.LeaseOptions != nil {
		t.leaseEnds = ""
		if s.LeaseOptions.Enabled {
			t.leaseEnds = s.LeaseOptions.ExpirationDate
		}
	}
}

// replace takes a new value where one is given.
func replace[T any](old *T, given *T) {
	if given != nil {
		*old = *given
	}
}

// value is a given value, or another.
func value[T any](given *T, otherwise T) T {
	if given == nil {
		return otherwise
	}
	return *given
}

// or is a text, or another where it is empty.
func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// deleteTenant removes a tenant; its replicas and plans stay for somebody to remove.
func (v *visit) deleteTenant() (*reply, error) {
	found, err := v.tenant()
	if err != nil {
		return nil, err
	}
	return v.begin(func(time.Time) (done, error) {
		really, exists := v.really.tenants.get(found.id)
		if !exists {
			return done{}, failure("Tenant with id [%s] was not found", found.id)
		}
		v.really.tenants.drop(found.id)
		gone := *really
		gone.pools = nil
		v.joinPools(&gone)
		v.deeds.tenant(really).Deleted = true
		return done{publish: func() { v.publishTenant(found.id) }}, nil
	})
}
