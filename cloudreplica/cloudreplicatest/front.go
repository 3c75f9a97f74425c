package cloudreplicatest

import "strings"

// versionsOf shows what is there before anybody has signed in.
func (v *visit) versionsOf() (*reply, error) {
	p := v.printer
	href := p.href("sessionMngr") + "/?v="
	shown := resource("EnterpriseManager", "EnterpriseManager", p.base+"/", links{
		{"Down", "LogonSessionList", p.href("logonSessions"), ""},
		{"Create", "LogonSession", href + "latest", ""},
	})
	return found200(shown.with(set("SupportedVersions", listOf("SupportedVersion", v.config.versions, func(name string) *document {
		return part(set("Links", links{{"Create", "LogonSession", href + name, ""}})).marked(set("Name", name))
	}))))
}

// collections are what a provider's session links to, each as references and as entities.
var collections = []kind{
	backupServerKind, systemSessionKind,
	{"Job", "jobs", "", ""},
	{"Replica", "replicas", "", ""},
	{"VmReplicaPoint", "vmReplicaPoints", "", ""},
	{"FailoverPlan", "failoverPlans", "", ""},
	{"ReplicaJobSession", "replicaSessions", "", ""},
}

func (v *visit) showLogon(root string, s *logon) *document {
	p := v.printer
	href := p.href("logonSessions", s.id)
	own := links{{"Up", "EnterpriseManager", p.base + "/", ""}}
	if s.tenant == nil {
		for _, k := range collections {
			own = append(own,
				link{"Down", k.name + "ReferenceList", p.href(k.path), ""},
				link{"Down", k.name + "List", p.href(k.path) + entityForm, ""})
		}
		own = append(own,
			link{"Down", "QueryService", p.href("querySvc"), ""},
			link{"Down", "LookupService", p.href("lookupSvc"), ""},
			link{"Down", "TaskList", p.href("tasks"), ""})
	}
	if !v.config.noCloudConnect {
		own = append(own, link{"Down", "CloudConnectService", p.href("cloud"), ""})
	}
	own = append(own, link{"Delete", "", href, ""})
	return resource(root, "LogonSession", href, own).with(set("UserName", s.user), set("SessionId", s.id))
}

// cloudLinks shows where the resources of Cloud Connect are. A tenant sees three of them.
func (v *visit) cloudLinks() (*reply, error) {
	p := v.printer
	shown := []kind{planKind, pointKind, replicaKind}
	if v.session.tenant == nil {
		shown = append(shown, failoverKind, gatewayKind, gatewayPoolKind, hardwarePlanKind, tenantKind)
	}
	var own links
	for _, k := range shown {
		own = append(own,
			link{"Down", k.name + "ReferenceList", p.href(k.path), strings.TrimPrefix(k.list, "Cloud")},
			link{"Down", k.name + "List", p.href(k.path) + entityForm, strings.TrimPrefix(k.list, "Cloud")})
	}
	return found200(resource("CloudConnectService", "CloudConnectService", p.href("cloud"), own))
}
