package cloudreplicatest

import (
	"fmt"
	"slices"
	"time"
)

// Platforms of replicas and hardware plans.
const (
	PlatformVMware = "VMware"
	PlatformHyperV = "HyperV"
	PlatformVCloud = "vCloud"
)

// BackupServer is a backup server that is attached to Enterprise Manager.
type BackupServer struct {
	Name        string // by which others name it
	Description string // as the provider wrote it
	Version     string // 12.1.0.2131 by default
}

// Tenant is an account of a tenant.
type Tenant struct {
	Name          string    // as it is shown, and by which others name it
	ID            string    // a UUID; by default [TenantID] of the name
	Password      string    // "tenant-password" by default
	Description   string    // as the provider wrote it
	Server        string    // name of its backup server; by default the first
	Type          string    // [TenantStandalone] by default, [TenantVCD] or [TenantAD]
	Organization  string    // of Cloud Director; by default the name
	Disabled      bool      // whether it may not sign in
	LeaseEnds     string    // as in "2099-12-31T00:00:00"; empty: there is no lease
	HardwarePlans []string  // names of those it has subscribed to
	Pools         []string  // names of its gateway pools
	QuotasMB      []int     // of as many repositories
	LastActive    time.Time // zero: never
}

// Replica is what one job of a tenant keeps of its VMs.
type Replica struct {
	Name     string // as it is shown
	ID       string // a UUID; by default [ReplicaID] of the name, which must not come twice then
	Tenant   string // name of its tenant, which no answer shows
	Platform string // [PlatformVMware] by default
	VMs      []VM   // by default one of the replica's name
}

// VM is a VM of a replica and the points that it has when the server starts.
type VM struct {
	Name   string        // as it is shown, and by which plans name it
	Points int           // how many; 0: three, negative: none
	Every  time.Duration // between them; an hour by default
	Age    time.Duration // of the newest; half an hour by default
	Type   string        // as in "CDP"; "Snapshot" by default
	State  string        // as in [StateFailover]; [StateReady] by default
}

// Plan is a failover plan of a tenant.
type Plan struct {
	Name        string   // as it is shown, and of its sessions
	ID          string   // a UUID; by default [PlanID] of the name
	Description string   // as the tenant wrote it
	Tenant      string   // name of its tenant
	VMs         []string // names of its VMs, in their order
	Together    bool     // whether all VMs are failed over at the same time, and not one by one
}

// HardwarePlan is what tenants subscribe to.
type HardwarePlan struct {
	Name        string // as it is shown, and by which tenants name it
	Description string // as the provider wrote it
	Server      string // name of its backup server; by default the first
	Platform    string // [PlatformVMware] by default, or [PlatformHyperV]
	StorageGB   int    // 500 by default
}

// Gateway is a cloud gateway.
type Gateway struct {
	Name     string // as it is shown
	Server   string // name of its backup server; by default the first
	Pool     string // name of its pool; empty: in none
	Disabled bool   // whether no tenant uses it
}

// GatewayPool is a pool of gateways.
type GatewayPool struct {
	Name        string // as it is shown, and by which others name it
	Description string // as the provider wrote it
	Server      string // name of its backup server; by default the first
}

// furnish makes what the options name, of which the database knows everything.
func (e *enterprise) furnish() error {
	for _, given := range e.config.servers {
		e.servers = append(e.servers, &backupServer{
			id: BackupServerID(given.Name), name: given.Name, description: given.Description, version: or(given.Version, "12.1.0.2131"),
		})
	}
	for _, step := range []func() error{e.furnishGateways, e.furnishTenants, e.furnishReplicas, e.furnishPlans} {
		if err := step(); err != nil {
			return err
		}
	}
	for _, server := range e.servers {
		e.known.collect(&e.really, server)
	}
	return nil
}

// serverNamed finds a server by its name; the empty name is the first.
func (e *enterprise) serverNamed(name string) (*backupServer, error) {
	for _, server := range e.servers {
		if name == "" || server.name == name {
			return server, nil
		}
	}
	return nil, fmt.Errorf("there is no backup server %q", name)
}

func (e *enterprise) furnishGateways() error {
	for _, given := range e.config.hardwarePlans {
		on, err := e.serverNamed(given.Server)
		if err != nil {
			return err
		}
		platform := or(given.Platform, PlatformVMware)
		if platform != PlatformVMware && platform != PlatformHyperV {
			return fmt.Errorf("hardware plan %q: there is no platform %q", given.Name, platform)
		}
		storage := given.StorageGB
		if storage == 0 {
			storage = 500
		}
		e.really.hardwarePlans.put(&hardwarePlan{
			id: HardwarePlanID(given.Name), name: given.Name, description: given.Description, server: on,
			platform: platform, processorMHz: -1, memoryMB: -1, storageGB: storage,
		})
	}
	pools := map[string]*gatewayPool{}
	for _, given := range e.config.pools {
		on, err := e.serverNamed(given.Server)
		if err != nil {
			return err
		}
		pools[given.Name] = &gatewayPool{id: GatewayPoolID(given.Name), name: given.Name, description: given.Description, server: on}
	}
	for i, given := range e.config.gateways {
		on, err := e.serverNamed(given.Server)
		if err != nil {
			return err
		}
		made := &gateway{
			id: GatewayID(given.Name), name: given.Name, enabled: !given.Disabled, server: on,
			address: fmt.Sprintf("198.51.100.%d", i+1),
		}
		if given.Pool != "" {
			in := pools[given.Pool]
			if in == nil {
				return fmt.Errorf("there is no gateway pool %q", given.Pool)
			}
			made.pool, made.poolName = in.id, in.name
			in.gateways = append(in.gateways, made.id)
		}
		e.really.gateways.put(made)
	}
	for _, given := range e.config.pools {
		e.really.pools.put(pools[given.Name])
	}
	return nil
}

func (e *enterprise) furnishTenants() error {
	for _, given := range e.config.tenants {
		made, err := e.tenantOf(given)
		if err != nil {
			return err
		}
		e.really.tenants.put(made)
		(&visit{enterprise: e}).joinPools(made)
	}
	return nil
}

func (e *enterprise) tenantOf(given Tenant) (*tenant, error) {
	on, err := e.serverNamed(given.Server)
	if err != nil {
		return nil, err
	}
	id, err := identified(given.ID, TenantID(given.Name))
	if err != nil {
		return nil, fmt.Errorf("tenant %q: %w", given.Name, err)
	}
	made := &tenant{
		id: id, name: given.Name, password: or(given.Password, "tenant-password"),
		description: given.Description, enabled: !given.Disabled, server: on, kind: or(given.Type, TenantStandalone),
		leaseEnds: given.LeaseEnds, speedLimit: 1, speedUnit: "MBps", maxTasks: 1, protectedDays: 7, lastActive: given.LastActive,
	}
	switch {
	case given.Name == "":
		return nil, fmt.Errorf("a tenant has no name")
	case !slices.Contains(tenantTypes, made.kind):
		return nil, fmt.Errorf("tenant %q: there is no type %q", given.Name, given.Type)
	case made.kind == TenantVCD:
		made.organization = or(given.Organization, given.Name)
		made.organizationRef = "urn:vCloud:Org:" + stableID("vcd") + ".urn:vcloud:org:" + stableID("organization", made.organization)
	case made.kind == TenantAD:
		made.domain = adDomain{name: "corp.example", port: 389}
	}
	for i, size := range given.QuotasMB {
		made.quotas = append(made.quotas, quota{
			id: stableID("quota", made.id, fmt.Sprint(i)), name: fmt.Sprintf("Repository %d", i+1), quotaMB: size, usedMB: size / 4,
			repository: uidOf("Repository", stableID("repository", fmt.Sprint(i))),
		})
	}
	for _, name := range given.HardwarePlans {
		of, exists := e.really.hardwarePlans.get(HardwarePlanID(name))
		if !exists {
			return nil, fmt.Errorf("tenant %q: there is no hardware plan %q", given.Name, name)
		}
		made.compute = append(made.compute, computeResource{id: stableID("compute", made.id, name), plan: of.id, platform: of.platform, network: false})
	}
	for _, name := range given.Pools {
		if _, exists := e.really.pools.get(GatewayPoolID(name)); !exists {
			return nil, fmt.Errorf("tenant %q: there is no gateway pool %q", given.Name, name)
		}
		made.pools = append(made.pools, GatewayPoolID(name))
	}
	return made, nil
}

func (e *enterprise) furnishReplicas() error {
	for _, given := range e.config.replicas {
		if err := e.addReplica(given); err != nil {
			return err
		}
	}
	return nil
}

// tenantNamed finds a tenant by its name.
func (e *enterprise) tenantNamed(name string) (*tenant, error) {
	at := slices.IndexFunc(e.really.tenants.all, func(t *tenant) bool { return t.name == name })
	if at < 0 {
		return nil, fmt.Errorf("there is no tenant %q", name)
	}
	return e.really.tenants.all[at], nil
}

// addReplica makes a replica, which the database does not know before it collects.
func (e *enterprise) addReplica(given Replica) error {
	of, err := e.tenantNamed(given.Tenant)
	if err != nil {
		return fmt.Errorf("replica %q: %w", given.Name, err)
	}
	id, err := identified(given.ID, ReplicaID(given.Name))
	if err != nil {
		return fmt.Errorf("replica %q: %w", given.Name, err)
	}
	if _, taken := e.really.replicas.get(id); taken || given.Name == "" {
		return fmt.Errorf("replica %q: it has no name, or its ID is taken", given.Name)
	}
	if platform := or(given.Platform, PlatformVMware); !slices.Contains(platforms, platform) {
		return fmt.Errorf("replica %q: there is no platform %q", given.Name, platform)
	}
	e.replicas++
	made := &replica{id: id, name: given.Name, number: e.replicas, server: of.server, tenantID: of.id, platform: or(given.Platform, PlatformVMware)}
	machines := given.VMs
	if len(machines) == 0 {
		machines = []VM{{Name: given.Name}}
	}
	for _, vm := range machines {
		held, err := e.vmOf(vm)
		if err != nil {
			return fmt.Errorf("replica %q: %w", given.Name, err)
		}
		made.vms = append(made.vms, held)
	}
	if len(made.vms) > 255 || e.replicas >= 1<<20 {
		return fmt.Errorf("replica %q: there are too many VMs or replicas", given.Name)
	}
	e.really.replicas.put(made)
	counted := *of
	counted.replicas += len(made.vms)
	e.really.tenants.put(&counted)
	return nil
}

func (e *enterprise) vmOf(given VM) (replicatedVM, error) {
	made := replicatedVM{name: given.Name, pointType: or(given.Type, "Snapshot"), state: or(given.State, StateReady)}
	count := given.Points
	if count == 0 {
		count = 3
	}
	every, age := given.Every, given.Age
	if every == 0 {
		every = time.Hour
	}
	if age == 0 {
		age = 30 * time.Minute
	}
	made.points = series{made: max(0, count), newest: e.now.Add(-age), every: every}
	switch {
	case given.Name == "":
		return made, fmt.Errorf("a VM has no name")
	case every < time.Second || age < 0 || count >= 1<<20:
		return made, fmt.Errorf("VM %q: its points are less than a second apart, in the future or too many", given.Name)
	case !slices.Contains(pointTypes, made.pointType), !slices.Contains(pointStates, made.state):
		return made, fmt.Errorf("VM %q: there is no type %q of points, or no state %q", given.Name, made.pointType, made.state)
	}
	return made, nil
}

func (e *enterprise) furnishPlans() error {
	for _, given := range e.config.plans {
		if err := e.addPlan(given); err != nil {
			return err
		}
	}
	return nil
}

// addPlan makes a plan, which the database does not know before it collects.
func (e *enterprise) addPlan(given Plan) error {
	of, err := e.tenantNamed(given.Tenant)
	if err != nil {
		return fmt.Errorf("plan %q: %w", given.Name, err)
	}
	id, err := identified(given.ID, PlanID(given.Name))
	if err != nil {
		return fmt.Errorf("plan %q: %w", given.Name, err)
	}
	if _, taken := e.really.plans.get(id); taken || given.Name == "" {
		return fmt.Errorf("plan %q: it has no name, or its ID is taken", given.Name)
	}
	made := &plan{id: id, name: given.Name, description: given.Description, server: of.server, tenantID: of.id, tenantName: of.name}
	for i, name := range given.VMs {
		vm := plannedVM{id: stableID("planned", id, name), name: name, order: i}
		if given.Together {
			vm.order = 0
		}
		made.vms = append(made.vms, vm)
	}
	e.really.plans.put(made)
	return nil
}
