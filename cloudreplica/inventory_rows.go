package cloudreplica

import (
	"cmp"
	"slices"
	"strings"
)

// finish sums up.
func (s *stock) finish() *InventoryReport {
	s.order = make([]*machine, 0, len(s.machines))
	for _, m := range s.machines {
		row := s.row(m)
		m.tenants = strings.Join(row.Tenants, ", ")
		s.order = append(s.order, m)
		s.report.Classes[row.Class]++
		if row.Class == InventoryUnattributed || row.Class == InventoryAmbiguous {
			continue
		}
		at, known := s.tenants[s.plans[m.key.place][0].tenantID]
		if !known { // one that is gone, and has left its plan
			continue
		}
		tenant := &s.report.Tenants[at]
		tenant.Classes[row.Class]++
		tenant.Silent = false
		if row.Class != InventoryInFailover {
			tenant.Oldest = max(tenant.Oldest, row.Age)
		}
	}
	s.machines, s.filled, s.names, s.tenants = nil, nil, nil, nil
	slices.SortFunc(s.order, func(a, b *machine) int {
		return cmp.Or(
			cmp.Compare(boolInt(a.tenants == ""), boolInt(b.tenants == "")), cmp.Compare(a.tenants, b.tenants),
			cmp.Compare(a.name, b.name), cmp.Compare(a.key.server, b.key.server), cmp.Compare(a.key.replica, b.key.replica))
	})
	slices.SortStableFunc(s.report.Tenants, func(a, b InventoryTenant) int { return cmp.Compare(a.Name, b.Name) })
	return s.report
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// row says how a machine stands.
func (s *stock) row(m *machine) InventoryVM {
	row := InventoryVM{
		Name: m.name, BackupServerID: m.key.server, BackupServer: s.servers[m.key.server],
		ReplicaID: m.key.replica, Replica: m.replica, PointID: m.point, Created: m.created, State: m.state, Points: m.points,
		RPO: s.options.RPO,
	}
	owners := s.owners(m, &row)
	if m.points > 0 {
		row.Age = max(0, s.report.Until.Sub(m.created))
	}
	row.Late = !m.state.away() && (m.points == 0 || row.Age > row.RPO)
	switch {
	case owners > 1 || owners == 1 && s.alike[m.key.place] > 1:
		row.Class = InventoryAmbiguous
	case owners == 0:
		row.Class = InventoryUnattributed
	case m.state.away():
		row.Class = InventoryInFailover
	case m.points == 0:
		row.Class = InventoryNoPoint
	case row.Late:
		row.Class = InventoryBreach
	default:
		row.Class = InventoryOK
	}
	return row
}

// owners names the plans and tenants that a machine may be of, and the shortest of their RPOs. It returns how many
// tenants there are.
func (s *stock) owners(m *machine, row *InventoryVM) int {
	ids := map[string]bool{}
	for i, plan := range s.plans[m.key.place] {
		row.Plans = append(row.Plans, plan.name)
		if ids[plan.tenantID] {
			continue
		}
		ids[plan.tenantID] = true
		row.Tenants = append(row.Tenants, plan.tenant)
		own, set := s.options.TenantRPO[plan.tenant]
		if !set {
			own = s.options.RPO
		}
		if i == 0 || own < row.RPO {
			row.RPO = own
		}
	}
	slices.Sort(row.Plans)
	row.Plans = slices.Compact(row.Plans)
	slices.Sort(row.Tenants)
	return len(ids)
}
