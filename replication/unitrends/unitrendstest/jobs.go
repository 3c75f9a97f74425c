package unitrendstest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// activeJobs are the copies that the appliance and the systems that it manages send. Waiting ones are queued.
func (a *appliance) activeJobs(call *simkit.Call) (any, error) {
	places, named, err := a.places(call)
	if err != nil {
		return nil, err
	}
	rows := list{}
	for _, p := range places {
		for _, item := range p.of.queue {
			if item.job != 0 {
				rows = append(rows, p.mark(a.jobRow(item), named))
			}
		}
	}
	return object{"data": rows}, nil
}

// activeFileRecoveries are none: nothing here recovers single files.
func (a *appliance) activeFileRecoveries(call *simkit.Call) (any, error) {
	_, _, err := a.places(call)
	return object{"data": list{}}, err
}

func (a *appliance) listHistory(call *simkit.Call) (any, error) {
	places, named, err := a.places(call)
	if err != nil {
		return nil, err
	}
	rows := list{}
	for _, p := range places {
		for _, job := range p.of.history {
			if !a.within(call, job.started) {
				continue
			}
			if call.Query.Get("showFlat") == "true" {
				rows = append(rows, p.mark(a.flatRow(job), named))
				continue
			}
			rows = append(rows, p.mark(a.historyRow(job), named))
		}
	}
	return object{"data": rows}, nil
}

func (a *appliance) historyRow(job *historyJob) object {
	return object{
		"name": job.item.order.name, "status": job.status, "type": typeReplication, "start_date": a.text(job.started),
		"duration": duration(job.ended.Sub(job.started)),
	}
}

func (a *appliance) flatRow(job *historyJob) object {
	b := job.item.backup
	return object{
		"name": job.item.order.name, "status": job.status, "type": typeReplication,
		"client_name": b.asset.parent.name, "asset_name": b.asset.name, "instance_id": b.asset.id, "backup_id": b.id,
		"mode": "Full", "description": fmt.Sprintf("Copy of %s to %s", b.asset.name, job.item.target.of.name),
		"start_time": a.text(job.started), "sort_start_time": job.started.Unix(), "message": job.message,
		"duration": duration(job.ended.Sub(job.started)),
	}
}

// duration writes a length of time as "00:14:09".
func duration(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// within reports whether a moment is within the days that a call names, both included.
func (a *appliance) within(call *simkit.Call, at time.Time) bool {
	if from, err := time.ParseInLocation(dateParameter, call.Query.Get("start_date"), a.zone); err == nil && at.Before(from) {
		return false
	}
	to, err := time.ParseInLocation(dateParameter, call.Query.Get("end_date"), a.zone)
	return err != nil || at.Before(to.AddDate(0, 0, 1))
}

func (a *appliance) cancelJob(call *simkit.Call) (any, error) {
	p, err := a.chosen(call)
	if err != nil {
		return nil, err
	}
	wanted := call.Arguments["jobId"]
	cancelled := p.of.drop(func(item *queueItem) bool { return item.job != 0 && strconv.Itoa(item.job) == wanted })
	if len(cancelled) == 0 {
		return nil, notFound("running job", wanted)
	}
	return nil, nil
}

func (a *appliance) listAssets(call *simkit.Call) (any, error) {
	places, named, err := a.places(call)
	if err != nil {
		return nil, err
	}
	rows := list{}
	for _, p := range places {
		for _, client := range p.of.assets {
			if client.parent != nil {
				continue
			}
			row := p.mark(client.row(), named)
			children := list{}
			for _, child := range p.of.assets {
				if child.parent == client {
					children = append(children, p.mark(child.row(), named))
				}
			}
			row["children"] = children
			rows = append(rows, row)
		}
	}
	return object{"data": rows}, nil
}

func (s *asset) row() object {
	return object{"id": s.id, "name": s.name, "type": s.kind, "asset_type": s.kind, "ip": fmt.Sprintf("192.0.2.%d", s.id%250)}
}

func (a *appliance) listStorage(call *simkit.Call) (any, error) {
	places, named, err := a.places(call)
	if err != nil {
		return nil, err
	}
	rows := list{}
	for _, p := range places {
		for i, name := range p.of.storage {
			rows = append(rows, p.mark(object{
				"id": i + 1, "name": name, "system_name": p.of.name, "type": "internal", "usage": "backup", "status": "online",
			}, named))
		}
	}
	return object{"storage": rows}, nil
}

// listCatalog groups the backups by instance and by the system that has made them.
func (a *appliance) listCatalog(call *simkit.Call) (any, error) {
	places, named, err := a.places(call)
	if err != nil {
		return nil, err
	}
	type key struct {
		instance *asset
		system   *appliance
	}
	rows := list{}
	for _, p := range places {
		var keys []key
		of := map[key]list{}
		for _, b := range p.of.backups {
			if !a.within(call, b.started) {
				continue
			}
			k := key{b.asset, b.system}
			if !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
			of[k] = append(of[k], object{"id": b.id, "start_date": a.text(b.started)})
		}
		for _, k := range keys {
			rows = append(rows, p.mark(object{
				"instance_id": k.instance.id, "database_name": k.instance.name, "client_id": k.instance.parent.id,
				"client_name": k.instance.parent.name, "system_name": k.system.name, "backups": of[k],
			}, named))
		}
	}
	return object{"catalog": object{"instances": rows}}, nil
}
