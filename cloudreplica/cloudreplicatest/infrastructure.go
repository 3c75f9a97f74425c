package cloudreplicatest

import "time"

// backupServer is a server that is attached to Enterprise Manager. That it is attached is known without collecting.
type backupServer struct {
	id, name, description, version string
}

func (b *backupServer) ident() string  { return b.id }
func (b *backupServer) called() string { return b.name }

func (b *backupServer) links(p *printer) links {
	return links{{"Start", "", p.of(backupServerKind, b.id) + "?action=collect", ""}}
}

func (b *backupServer) fill(_ *printer, shown *document) {
	shown.with(
		set("Description", b.description), set("Port", 9392), set("Version", b.version), set("WcfPort", 9405),
		set("VbrCertificateThumbprint", "8C2C1F6A3B7D5E9F0A4B6C8D2E1F3A5B7C9D0E2F"),
	)
}

// hardwarePlan is what tenants subscribe to.
type hardwarePlan struct {
	id, name, description, platform string
	server                          *backupServer
	processorMHz, memoryMB          int // -1: unlimited
	storageGB                       int
}

func (h *hardwarePlan) ident() string        { return h.id }
func (h *hardwarePlan) called() string       { return h.name }
func (h *hardwarePlan) owner() *backupServer { return h.server }

func (h *hardwarePlan) links(p *printer) links {
	return links{
		p.up(backupServerKind, h.server.id, h.server.name),
		{"Down", "CloudTenantList", p.href(hardwarePlanKind.path, h.id, "tenants"), ""},
	}
}

func (h *hardwarePlan) fill(_ *printer, shown *document) {
	network := part(set("CountWithInternet", 1), set("CountWithoutInternet", 1)).marked(set("Id", h.part("network")))
	storage := func(name string, own ...property) *document {
		return part(append([]property{set("FriendlyName", name)}, own...)...).marked(set("Id", h.part("storage")))
	}
	details := part()
	if h.platform == PlatformHyperV {
		volume := storage("Volume 1", set("VolumePath", `D:\Replicas`), set("QuotaGb", h.storageGB))
		details.with(given("ViCloudHardwarePlan", (*document)(nil)), set("HvCloudHardwarePlan", part(
			set("HypervisorHostRef", "urn:Hyperv:Host:"+h.part("root")+"."+h.part("host")),
			set("Volumes", listOf("Volume", []*document{volume}, same)), set("Network", network),
		)))
	} else {
		datastore := storage("Datastore 1", set("DatastoreType", "VMFS"),
			set("Reference", "urn:VMware:Datastore:"+h.part("root")+".datastore-11"), set("RootPath", "Replicas"),
			set("QuotaGb", h.storageGB), set("PbmProfileId", nil))
		details.with(set("ViCloudHardwarePlan", part(
			set("HypervisorHostRef", "urn:VMware:Host:"+h.part("root")+".host-9"), set("ParentType", "HostSystem"),
			set("ParentName", "esx01"), set("Datastores", listOf("Datastore", []*document{datastore}, same)), set("Network", network),
		)), given("HvCloudHardwarePlan", (*document)(nil)))
	}
	shown.with(
		set("Description", h.description), set("ProcessorUsageLimitMhz", h.processorMHz),
		set("MemoryUsageLimitMb", h.memoryMB), set("HardwarePlanDetails", details),
	)
}

func (h *hardwarePlan) part(name string) string { return stableID("part", h.id, name) }

func same(d *document) *document { return d }

// gateway is one way in for tenants.
type gateway struct {
	id, name, description, address string
	enabled                        bool
	server                         *backupServer
	pool                           string // id; empty: in none
	poolName                       string
}

func (g *gateway) ident() string        { return g.id }
func (g *gateway) called() string       { return g.name }
func (g *gateway) owner() *backupServer { return g.server }

func (g *gateway) links(p *printer) links {
	shown := links{p.up(backupServerKind, g.server.id, g.server.name)}
	if g.pool != "" {
		shown = append(shown, link{"Related", "CloudGatewayPoolReference", p.of(gatewayPoolKind, g.pool), g.poolName})
	}
	return shown
}

func (g *gateway) fill(_ *printer, shown *document) {
	shown.with(
		set("Enabled", g.enabled), set("DnsNameOrIpAddress", g.name), set("NetworkMode", "NAT"),
		set("ExternalIP", g.address), set("ExternalPort", 6180), set("InternalPort", 6180), set("Description", g.description),
	)
}

// gatewayPool is gateways that tenants are bound to.
type gatewayPool struct {
	id, name, description string
	server                *backupServer
	gateways, tenants     []string // ids
}

func (g *gatewayPool) ident() string        { return g.id }
func (g *gatewayPool) called() string       { return g.name }
func (g *gatewayPool) owner() *backupServer { return g.server }

func (g *gatewayPool) links(p *printer) links {
	return links{p.up(backupServerKind, g.server.id, g.server.name)}
}

func (g *gatewayPool) fill(_ *printer, shown *document) {
	shown.with(
		set("Description", g.description),
		set("CloudGateways", texts("CloudGatewayUid", uidsOf(gatewayKind, g.gateways))),
		set("CloudTenants", texts("CloudTenantUid", uidsOf(tenantKind, g.tenants))),
	)
}

func uidsOf(k kind, ids []string) []string {
	uids := make([]string, len(ids))
	for i, id := range ids {
		uids[i] = uidOf(k.name, id)
	}
	return uids
}

// systemSession is one run of a job of Enterprise Manager itself: here always the collection of data.
type systemSession struct {
	id             string
	created, ended time.Time
	failure        string // empty: none
}

func (s *systemSession) ident() string { return s.id }
func (s *systemSession) called() string {
	return "Collect Job @" + s.created.UTC().Format("2006-01-02 15:04:05.000000")
}

func (s *systemSession) links(p *printer) links {
	return links{{"Down", "SystemSessionEventList", p.href(systemSessionKind.path, s.id, "events"), ""}}
}

func (s *systemSession) fill(_ *printer, shown *document) {
	state, outcome, message := "InProgress", "None", ""
	switch {
	case s.ended.IsZero():
	case s.failure != "":
		state, outcome, message = "Failed", "Failed", s.failure
	default:
		state, outcome = "CompletedSuccessfully", "Success"
	}
	result := part(set("Result", outcome), set("Message", message), set("IsCanceled", false))
	if s.ended.IsZero() {
		result = nil
	}
	shown.with(set("SessionType", "CollectJob"), set("CreationTimeUTC", stamp(s.created)),
		stampOrNil("EndTimeUTC", s.ended), set("State", state), set("Result", result))
}
