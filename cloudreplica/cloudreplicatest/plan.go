package cloudreplicatest

// plan is a failover plan of a tenant.
type plan struct {
	id, name, description string
	server                *backupServer
	tenantID, tenantName  string
	scripts               scripts
	vms                   []plannedVM
}

// scripts are what runs before and after a failover; here they are only kept.
type scripts struct {
	PostFailoverPlanCommandEnabled bool
	PostFailoverPlanCommand        string
	PreFailoverPlanCommandEnabled  bool
	PreFailoverPlanCommand         string
}

// plannedVM is a VM of a plan.
type plannedVM struct {
	id, name string
	order    int // what has the same is failed over at the same time
}

func (f *plan) ident() string        { return f.id }
func (f *plan) called() string       { return f.name }
func (f *plan) owner() *backupServer { return f.server }

func (f *plan) links(p *printer) links {
	href := p.of(planKind, f.id)
	return links{
		p.up(backupServerKind, f.server.id, f.server.name),
		{"Edit", "", href, ""},
		{"Start", "", href + "?action=start", ""},
		{"Test", "", href + "?action=test", ""},
		{"Undo", "", href + "?action=undo", ""},
		{"Delete", "", href, ""},
	}
}

func (f *plan) fill(p *printer, shown *document) {
	shown.with(
		set("TenantUid", uidOf(tenantKind.name, f.tenantID)), set("TenantName", f.tenantName),
		set("Description", f.description),
		set("CloudFailoverPlanOptions", part(
			set("PostFailoverPlanCommandEnabled", f.scripts.PostFailoverPlanCommandEnabled),
			set("PostFailoverPlanCommand", f.scripts.PostFailoverPlanCommand),
			set("PreFailoverPlanCommandEnabled", f.scripts.PreFailoverPlanCommandEnabled),
			set("PreFailoverPlanCommand", f.scripts.PreFailoverPlanCommand),
		)),
		set("CloudFailoverPlanInfo", part(set("Includes", f.listVMs(p, p.planVMs)))),
	)
}

func (f *plan) listVMs(p *printer, item string) *list {
	return listOf(item, f.vms, func(vm plannedVM) *document { return f.showVM(p, "", vm) })
}

func (f *plan) showVM(p *printer, root string, vm plannedVM) *document {
	href := p.of(planKind, f.id) + "/includes/" + vm.id
	return resource(root, "CloudFailoveredVm", href, links{p.up(planKind, f.id, f.name)}).with(
		set("FailoverPlanVMId", vm.id), set("Name", vm.name), set("Order", vm.order),
	)
}
