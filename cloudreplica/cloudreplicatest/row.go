package cloudreplicatest

// kind is a kind of entity.
type kind struct {
	name string // of the type, as in "CloudTenant"
	path string // of its collection
	list string // root of a list of entities
	item string // what a list calls them
}

// The kinds. A list of points calls its items what a list of replicas calls its own.
var (
	pointKind         = kind{"CloudVmReplicaPoint", "cloud/vmReplicaPoints", "CloudVmReplicaPoints", "CloudReplica"}
	replicaKind       = kind{"CloudReplica", "cloud/replicas", "CloudReplicas", "CloudReplica"}
	planKind          = kind{"CloudFailoverPlan", "cloud/cloudFailoverPlans", "CloudFailoverPlans", "CloudFailoverPlan"}
	failoverKind      = kind{"CloudFailoverSession", "cloud/failoverSessions", "CloudFailoverSessions", "CloudFailoverSession"}
	tenantKind        = kind{"CloudTenant", "cloud/tenants", "CloudTenants", "CloudTenant"}
	hardwarePlanKind  = kind{"CloudHardwarePlan", "cloud/hardwarePlans", "CloudHardwarePlans", "CloudHardwarePlan"}
	gatewayKind       = kind{"CloudGateway", "cloud/gateways", "CloudGateways", "CloudGateway"}
	gatewayPoolKind   = kind{"CloudGatewayPool", "cloud/gatewayPools", "CloudGatewayPools", "CloudGatewayPool"}
	backupServerKind  = kind{"BackupServer", "backupServers", "BackupServers", "BackupServer"}
	systemSessionKind = kind{"SystemSession", "systemSessions", "SystemSessions", "SystemSession"}
)

// queried are the kinds that the query service finds, in the order in which an answer names them.
var queried = []kind{
	backupServerKind, gatewayKind, tenantKind, replicaKind, hardwarePlanKind, pointKind, gatewayPoolKind, planKind, failoverKind,
}

// row is one entity, as it is to be shown.
type row interface {
	ident() string
	called() string
	links(p *printer) links           // without those to itself
	fill(p *printer, shown *document) // with what is its own
}

// rows are entities of one kind.
type rows struct {
	count int
	at    func(int) row
}

func rowsOf[T row](of []T) rows {
	return rows{count: len(of), at: func(i int) row { return of[i] }}
}

// printer shows entities. It has nothing that changes.
type printer struct {
	base    string // of all links
	planVMs string // what the VMs of a plan are called in its list
}

// href makes the address of a path.
func (p *printer) href(parts ...string) string {
	address := p.base
	for _, part := range parts {
		address += "/" + part
	}
	return address
}

// of is the address of an entity. Ids are UUIDs, which need no escaping.
func (p *printer) of(k kind, id string) string { return p.base + "/" + k.path + "/" + id }

// up is a link to what an entity belongs to.
func (p *printer) up(k kind, id, name string) link {
	return link{"Up", k.name + "Reference", p.of(k, id), name}
}

// entity shows an entity whole, under the name that its list has for it.
func (p *printer) entity(k kind, element string, r row) *document {
	id, name := r.ident(), r.called()
	href := p.of(k, id)
	own := append(r.links(p), link{"Alternate", k.name + "Reference", href, name})
	shown := entity(element, k.name, href+entityForm, name, uidOf(k.name, id), own)
	r.fill(p, shown)
	return shown
}

// reference shows no more than that there is an entity.
func (p *printer) reference(k kind, element string, r row) *document {
	id, name := r.ident(), r.called()
	href := p.of(k, id)
	own := append(r.links(p), link{"Alternate", k.name, href + entityForm, name})
	return entity(element, k.name+"Reference", href, name, uidOf(k.name, id), own)
}

const entityForm = "?format=Entity"

// entities are a list of entities.
func (p *printer) entities(k kind, of rows) *list {
	return &list{item: k.item, count: of.count, found: true, at: func(i int) any { return p.entity(k, k.item, of.at(i)) }}
}

// references are a list of references.
func (p *printer) references(k kind, of rows) *list {
	return &list{item: "Ref", count: of.count, found: true, at: func(i int) any { return p.reference(k, "Ref", of.at(i)) }}
}
