package cloudreplicatest

import (
	"slices"
	"strings"
	"time"
)

// field is what a query can filter and sort by. Its values are text, or numbers for whatever has an order of its own.
type field struct {
	name   string
	values []string // of an enumeration, in their order; nil: it is none
	date   bool
	of     func(row) any // string or int64
}

// text makes a field of text.
func text[T row](name string, of func(T) string) field {
	return field{name: name, of: func(r row) any {
		shown, _ := r.(T)
		return of(shown)
	}}
}

// enum makes a field that has one of a few values, which compare by their order. What is none of them comes last.
func enum[T row](name string, values []string, of func(T) string) field {
	return field{name: name, values: values, of: func(r row) any {
		shown, _ := r.(T)
		return place(values, of(shown))
	}}
}

func place(values []string, value string) int64 {
	at := slices.IndexFunc(values, func(known string) bool { return strings.EqualFold(known, value) })
	if at < 0 {
		return int64(len(values))
	}
	return int64(at)
}

// moment makes a field of time.
func moment[T row](name string, of func(T) time.Time) field {
	return field{name: name, date: true, of: func(r row) any {
		shown, _ := r.(T)
		return of(shown).UnixNano()
	}}
}

// truth makes a field that is true or false.
func truth[T row](name string, of func(T) bool) field {
	return enum(name, []string{"false", "true"}, func(shown T) string {
		if of(shown) {
			return "true"
		}
		return "false"
	})
}

// ownFields are those that all entities have.
func ownFields[T row](k kind) []field {
	return []field{
		text("UID", func(shown T) string { return uidOf(k.name, shown.ident()) }),
		text("Name", func(shown T) string { return shown.called() }),
	}
}

// ofServer are the fields about the backup server. The spelling of the first differs.
func ofServer[T interface {
	row
	owned
}]() []field {
	return []field{
		text("BackupServerUid", func(shown T) string { return uidOf(backupServerKind.name, shown.owner().id) }),
		text("BackupServerName", func(shown T) string { return shown.owner().name }),
	}
}

func (o point) owner() *backupServer { return o.of.server }

var (
	pointTypes     = []string{"CDP", "Full", "ReverseIncrement", "Increment", "Snapshot"}
	pointStates    = []string{"Unknown", "Ready", "Failover", "Failback", "PermanentFailover"}
	platforms      = []string{PlatformVMware, PlatformHyperV, PlatformVCloud}
	tenantTypes    = []string{TenantVCD, TenantStandalone, TenantAD}
	sessionStates  = []string{"Starting", "Stopping", "Working", "Stopped"}
	sessionResults = []string{ResultSuccess, ResultWarning, ResultFailed}
)

// fieldsOf are the fields of a kind, as the pages about the query types have them.
func fieldsOf(k kind) []field {
	switch k {
	case pointKind:
		return slices.Concat(ownFields[point](k), ofServer[point](), []field{
			moment("CreationTime", point.created),
			text("VmName", func(o point) string { return o.machine().name }),
			text("VmDisplayName", func(o point) string { return o.machine().name }),
			enum("Type", pointTypes, func(o point) string { return o.machine().pointType }),
			enum("State", pointStates, func(o point) string { return o.machine().state }),
			text("ReplicaUid", func(o point) string { return uidOf(replicaKind.name, o.of.id) }),
			text("ReplicaName", func(o point) string { return o.of.name }),
		})
	case replicaKind:
		return append(ownFields[*replica](k), enum("Platform", platforms, func(r *replica) string { return r.platform }))
	case planKind:
		return slices.Concat(ownFields[*plan](k), ofServer[*plan](), []field{
			text("Description", func(f *plan) string { return f.description }),
			text("CloudTenantUid", func(f *plan) string { return uidOf(tenantKind.name, f.tenantID) }),
			text("CloudTenantName", func(f *plan) string { return f.tenantName }),
		})
	case failoverKind:
		return slices.Concat(ownFields[*failover](k), ofServer[*failover](), []field{
			text("Type", func(*failover) string { return "FailoverPlan" }),
			moment("CreationTime", func(f *failover) time.Time { return f.created }),
			moment("EndTime", func(f *failover) time.Time { return f.ended }),
			enum("State", sessionStates, (*failover).state),
			enum("Result", sessionResults, func(f *failover) string { return f.outcome }),
			text("FailureMessage", func(f *failover) string { return f.message }),
		})
	case tenantKind:
		return slices.Concat(ownFields[*tenant](k), ofServer[*tenant](), []field{
			truth("Enabled", func(t *tenant) bool { return t.enabled }),
			enum("Type", tenantTypes, func(t *tenant) string { return t.kind }),
			text("OrganizationReference", func(t *tenant) string { return t.organizationRef }),
		})
	case hardwarePlanKind:
		return slices.Concat(ownFields[*hardwarePlan](k), ofServer[*hardwarePlan](), []field{
			enum("Platform", platforms[:2], func(h *hardwarePlan) string { return h.platform }),
		})
	case gatewayKind:
		return slices.Concat(ownFields[*gateway](k), ofServer[*gateway](), []field{
			truth("Enabled", func(g *gateway) bool { return g.enabled }),
			text("Description", func(g *gateway) string { return g.description }),
		})
	case gatewayPoolKind:
		return slices.Concat(ownFields[*gatewayPool](k), ofServer[*gatewayPool](), []field{
			text("Description", func(g *gatewayPool) string { return g.description }),
		})
	default:
		return append(ownFields[*backupServer](k),
			text("Description", func(b *backupServer) string { return b.description }),
			text("IpOrDnsName", func(b *backupServer) string { return b.name }),
			field{name: "Port", values: nil, of: func(row) any { return int64(9392) }},
			text("Version", func(b *backupServer) string { return b.version }))
	}
}

// fieldOf finds a field by its name, whose case does not matter, or returns nil.
func fieldOf(k kind, name string) *field {
	all := fieldsOf(k)
	at := slices.IndexFunc(all, func(f field) bool { return strings.EqualFold(f.name, name) })
	if at < 0 {
		return nil
	}
	return &all[at]
}
