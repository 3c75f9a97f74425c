package cloudreplica

import (
	"context"
	"fmt"
	"iter"
	"time"
)

// InventoryOptions say what Inventory measures by.
type InventoryOptions struct {
	// How old the newest point of a machine may be. It has to be more than 0.
	RPO time.Duration
	// The same for single tenants, by name; RPO for all others. A name that no tenant has means nothing.
	TenantRPO map[string]time.Duration
	// How long ago the last collection may be, for ages to count until then; 30 minutes by default. Where it is
	// longer ago, or not known, ages count until now: points that nobody has collected help nobody.
	MaxStale time.Duration
	// Points a page; 0 means 100.
	PageSize int
}

// InventoryClass is how a machine stands.
type InventoryClass string

// The classes. Ambiguous and unattributed come first: see [InventoryVM.Late] for the age of such machines.
const (
	// The newest point is as young as it has to be.
	InventoryOK InventoryClass = "ok"
	// The newest point is older.
	InventoryBreach InventoryClass = "breach"
	// A plan holds the machine, or there is a replica, and no point of it was seen.
	InventoryNoPoint InventoryClass = "no point"
	// The replica is failed over or on its way back: its points age, and that is no breach.
	InventoryInFailover InventoryClass = "in failover"
	// No plan holds a machine of that name at its backup server, so that nothing tells whose it is.
	InventoryUnattributed InventoryClass = "unattributed"
	// The name stands for several machines, or in plans of several tenants.
	InventoryAmbiguous InventoryClass = "ambiguous"
)

// InventoryVM is a replicated machine, with its newest point.
type InventoryVM struct {
	// How it stands.
	Class InventoryClass
	// Name of the machine, as points and plans show it.
	Name string
	// Names of the tenants whose it may be, sorted: one, unless it is unattributed or ambiguous.
	Tenants []string
	// Names of the plans that hold a machine of that name, sorted.
	Plans []string
	// Its backup server.
	BackupServerID, BackupServer string
	// Its replica; empty where there is no point.
	ReplicaID, Replica string
	// Its newest point; empty where there is none.
	PointID string
	// When the newest point was created; zero where there is none.
	Created time.Time
	// State of the replica; empty where there is no point.
	State ReplicaState
	// How many points of it there are.
	Points int
	// Age of the newest point; 0 where there is none.
	Age time.Duration
	// How old it may be.
	RPO time.Duration
	// Whether it is older, or there is none, whatever the class.
	Late bool
}

// InventoryTenant sums up the machines of a tenant. Those that are ambiguous count for none.
type InventoryTenant struct {
	// Name of the tenant.
	Name string
	// Identifier of the tenant.
	UID UID
	// Whether the account may be used.
	Enabled bool
	// How many machines there are of each class.
	Classes map[InventoryClass]int
	// Age of the newest point of the machine that is worst off; 0 where there is none.
	Oldest time.Duration
	// Whether the tenant has what replicas need, or has replicated machines, and no machine is known to be its own.
	Silent bool
}

// InventoryReport is how all replicated machines stand, as Enterprise Manager knew it at one time.
type InventoryReport struct {
	// End of the last collection of data that went well before the report was begun: what has happened since is
	// not in it, unless another collection has ended meanwhile. Zero if none is known. Of several backup servers,
	// the collection may have been of one alone: the service does not say.
	AsOf time.Time
	// When the report was begun, by the clock of this client.
	Began time.Time
	// Until when ages count: AsOf, or Began where that is not known or longer ago than MaxStale.
	Until time.Time
	// The last collection, well or badly; the zero SystemSession if none is known.
	LastCollection SystemSession
	// The tenants, by name.
	Tenants []InventoryTenant
	// How many machines there are of each class.
	Classes map[InventoryClass]int
	// Points that were read.
	Points int

	stock *stock
}

// Inventory reads what tenants, plans, replicas and points there are, and says how each replicated machine stands:
// how old its newest point is, and whose it is, as far as that can be told. No field of a point names its tenant. A
// machine is taken for that of the tenant who has a failover plan with a machine of that name at the same backup
// server; one that is in no plan is unattributed.
//
// Points are read page by page and only the newest of each machine is kept, so that memory goes by machines and not by
// points. It is safe to repeat. It needs a session of the provider: that of a tenant has no query service.
//
// Errors: RPO is not positive; [drkit.ErrListMoved] if points keep coming and going; [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "Query Service".
func Inventory(ctx context.Context, client *Client, options InventoryOptions) (*InventoryReport, error) {
	if options.RPO <= 0 {
		return nil, fmt.Errorf("%s.Inventory: an RPO of %s cannot be met", service, options.RPO)
	}
	for tenant, rpo := range options.TenantRPO {
		if rpo <= 0 {
			return nil, fmt.Errorf("%s.Inventory: an RPO of %s of tenant %q cannot be met", service, rpo, tenant)
		}
	}
	if options.PageSize < 0 || options.MaxStale < 0 {
		return nil, fmt.Errorf("%s.Inventory: negative PageSize %d or MaxStale %s", service, options.PageSize, options.MaxStale)
	}
	if options.MaxStale == 0 {
		options.MaxStale = defaultStale
	}
	s := newStock(client, options)
	for _, read := range []func(context.Context) error{s.readCollections, s.readTenants, s.readPlans, s.readPoints, s.readReplicas} {
		if err := read(ctx); err != nil {
			return nil, fmt.Errorf("%s.Inventory: %w", service, err)
		}
	}
	return s.finish(), nil
}

// defaultStale is twice the time after which Enterprise Manager collects again.
const defaultStale = 30 * time.Minute

// VMs walks the machines, by tenant and name; those without a tenant come last.
func (r *InventoryReport) VMs() iter.Seq[InventoryVM] {
	return func(yield func(InventoryVM) bool) {
		for _, m := range r.stock.order {
			if !yield(r.stock.row(m)) {
				return
			}
		}
	}
}
