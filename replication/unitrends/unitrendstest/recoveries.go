package unitrendstest

import (
	"fmt"
	"slices"

	"github.com/drkit-go/drkit/internal/simkit"
)

// recovery is a machine that runs from a backup.
type recovery struct {
	id     string
	kind   string // vm_ir or hv_ir
	name   string
	backup *backup
	audit  bool
	on     bool
}

// startRecovery runs a machine from any backup in the catalog. A datastore says that it is on VMware, and a
// directory that it is on Hyper-V.
func (a *appliance) startRecovery(call *simkit.Call) (any, error) {
	given, err := body[struct {
		Audit    bool `json:"audit"`
		PowerOn  bool `json:"poweron"`
		BackupID int  `json:"backup_id"`
		Target   struct {
			Host      string `json:"host"`
			Name      string `json:"name"`
			Directory string `json:"directory"`
			Datastore string `json:"datastore"`
		} `json:"target"`
	}](call)
	if err != nil {
		return nil, err
	}
	p, err := a.chosen(call)
	if err != nil {
		return nil, err
	}
	from := p.of.backup(given.BackupID)
	switch {
	case from == nil:
		return nil, refuse("There is no backup with the id %d.", given.BackupID)
	case given.Target.Host == "" || given.Target.Name == "":
		return nil, refuse("The target needs a host and a name.")
	case (given.Target.Directory == "") == (given.Target.Datastore == ""):
		return nil, refuse("The target needs either a directory or a datastore.")
	}
	kind := "vm_ir"
	if given.Target.Directory != "" {
		kind = "hv_ir"
	}
	made := &recovery{
		id: fmt.Sprintf("%d.%s", p.of.nextID(kindRecovery), kind), kind: kind, name: given.Target.Name, backup: from,
		audit: given.Audit, on: given.PowerOn,
	}
	p.of.recoveries = append(p.of.recoveries, made)
	return created{made.id}, nil
}

func (r *recovery) row() object {
	row := object{"virtual_id": r.id, "vm_name": r.name, "status": "Powered off", "mode": "live"}
	if r.on {
		row["status"] = "Running"
	}
	if r.audit {
		row["mode"] = "audit"
	}
	return row
}

func (a *appliance) listRecoveries(call *simkit.Call) (any, error) {
	places, named, err := a.places(call)
	if err != nil {
		return nil, err
	}
	rows := map[string]list{"vm_ir": {}, "hv_ir": {}}
	for _, p := range places {
		for _, r := range p.of.recoveries {
			rows[r.kind] = append(rows[r.kind], p.mark(r.row(), named))
		}
	}
	return object{"data": object{"vm_ir": object{"data": rows["vm_ir"]}, "hv_ir": object{"data": rows["hv_ir"]}}}, nil
}

func (a *appliance) endRecovery(call *simkit.Call) (any, error) {
	given, err := body[struct {
		Type string `json:"type"`
	}](call)
	if err != nil {
		return nil, err
	}
	p, err := a.chosen(call)
	if err != nil {
		return nil, err
	}
	wanted := call.Arguments["virtualId"]
	at := slices.IndexFunc(p.of.recoveries, func(r *recovery) bool { return r.id == wanted })
	switch {
	case at < 0:
		return nil, notFound("instant recovery", wanted)
	case p.of.recoveries[at].kind != given.Type:
		return nil, refuse("%s is not of the type %s.", wanted, given.Type)
	}
	p.of.recoveries = slices.Delete(p.of.recoveries, at, at+1)
	return nil, nil
}
