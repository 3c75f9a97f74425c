package unitrendstest

import (
	"slices"
	"strconv"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// strategies are the texts of the schemes, by number: those of the strategy and those of the settings, which
// the wiki spells in two ways.
var strategies = [...]struct{ strategy, config string }{
	schemeManual:    {"Manual", "Manual"},
	schemeRetention: {"Maximize Retention", "Maximum Retention"},
	schemeRecency:   {"Recency", "Recency"},
}

func (a *appliance) getConfig(call *simkit.Call) (any, error) {
	places, named, err := a.places(call)
	if err != nil {
		return nil, err
	}
	rows := list{}
	for _, p := range places {
		s := p.of.settings
		rows = append(rows, p.mark(object{
			"max_concurrent": s.maxConcurrent, "report_mail_to": s.mailTo, "report_time": s.reportTime,
			"strategy": strategies[s.scheme].config, "queue_scheme": s.scheme,
		}, named))
	}
	return object{"config": rows}, nil
}

func (a *appliance) updateConfig(call *simkit.Call) (any, error) {
	given, err := body[struct {
		MaxConcurrent *int    `json:"max_concurrent"`
		ReportMailTo  *string `json:"report_mail_to"`
		ReportTime    *string `json:"report_time"`
		QueueValue    *int    `json:"queue_value"`
	}](call)
	if err != nil {
		return nil, err
	}
	p, err := a.chosen(call)
	if err != nil {
		return nil, err
	}
	after := p.of.settings
	if given.ReportTime != nil {
		at, err := time.Parse("15:04", *given.ReportTime)
		if err != nil {
			return nil, refuse("The time %q is not like hh:mm.", *given.ReportTime)
		}
		after.reportTime = at.Format("03:04 pm")
	}
	set(&after.maxConcurrent, given.MaxConcurrent)
	set(&after.mailTo, given.ReportMailTo)
	set(&after.scheme, given.QueueValue)
	switch {
	case after.maxConcurrent < 1:
		return nil, refuse("%d copies at a time are none.", after.maxConcurrent)
	case after.scheme < schemeManual || after.scheme > schemeRecency:
		return nil, refuse("There is no queue strategy %d.", after.scheme)
	}
	p.of.settings = after
	p.of.advance()
	return nil, nil
}

func (a *appliance) getStrategy(call *simkit.Call) (any, error) {
	p, err := a.chosen(call)
	if err != nil {
		return nil, err
	}
	return object{"strategy": strategies[p.of.settings.scheme].strategy}, nil
}

func (a *appliance) setStrategy(call *simkit.Call) (any, error) {
	given, err := body[struct {
		Strategy string `json:"strategy"`
	}](call)
	if err != nil {
		return nil, err
	}
	p, err := a.chosen(call)
	if err != nil {
		return nil, err
	}
	for scheme, known := range strategies {
		if known.strategy == given.Strategy {
			p.of.settings.scheme = scheme
			return nil, nil
		}
	}
	return nil, refuse("There is no queue strategy %q.", given.Strategy)
}

func (a *appliance) getQueue(call *simkit.Call) (any, error) {
	active, waiting, err := a.queueRows(call)
	return object{"active": active, "inactive": waiting}, err
}

func (a *appliance) waitingCopies(call *simkit.Call) (any, error) {
	_, waiting, err := a.queueRows(call)
	return object{"active": list{}, "inactive": waiting}, err
}

func (a *appliance) activeCopies(call *simkit.Call) (any, error) {
	active, _, err := a.queueRows(call)
	return object{"data": active}, err
}

// queueRows are the copies under way and those that wait.
func (a *appliance) queueRows(call *simkit.Call) (active, waiting list, err error) {
	places, named, err := a.places(call)
	if err != nil {
		return nil, nil, err
	}
	active, waiting = list{}, list{}
	position := map[*appliance]int{}
	for _, placed := range a.copies(places, named) {
		if placed.item.job != 0 {
			active = append(active, placed.mark(a.jobRow(placed.item), named))
			continue
		}
		position[placed.of]++
		waiting = append(waiting, placed.mark(a.waitingRow(placed.item, position[placed.of]), named))
	}
	return active, waiting, nil
}

func (a *appliance) jobRow(item *queueItem) object {
	return object{
		"id": item.job, "name": item.order.name, "status": "Active", "type": "Replication",
		"percent_complete": strconv.Itoa(a.percent(item)), "instance_name": item.backup.asset.name,
		"backup_id": item.backup.id, "target": item.target.of.name,
	}
}

func (a *appliance) waitingRow(item *queueItem, position int) object {
	b := item.backup
	return object{
		"queue_position": position, "target": item.target.of.name, "backup_id": b.id, "type": "Full",
		"name": b.asset.parent.name, "instance_name": b.asset.name, "size": b.size,
		"start_date": a.text(b.started), "status": "Needed",
	}
}

// queueEdit is the body of a change of the queue.
type queueEdit struct {
	Backups []struct {
		ID     int    `json:"id"`
		Target string `json:"target"`
	} `json:"backups"`
	Clients   []string `json:"clients"`
	Instances []string `json:"instances"`
	Action    string   `json:"action"`
}

func (e queueEdit) matches(item *queueItem) bool {
	for _, wanted := range e.Backups {
		if wanted.ID == item.backup.id && wanted.Target == item.target.of.name {
			return true
		}
	}
	return slices.Contains(e.Clients, item.backup.asset.parent.name) || slices.Contains(e.Instances, item.backup.asset.name)
}

// editQueue passes over what is not in the queue, so that a repeat leaves what the first run left.
func (a *appliance) editQueue(call *simkit.Call) (any, error) {
	edit, err := body[queueEdit](call)
	if err != nil {
		return nil, err
	}
	ways := 0
	for _, given := range []int{len(edit.Backups), len(edit.Clients), len(edit.Instances)} {
		if given > 0 {
			ways++
		}
	}
	if ways != 1 {
		return nil, refuse("Either backups or clients or instances must be specified.")
	}
	p, err := a.chosen(call)
	if err != nil {
		return nil, err
	}
	dropped := p.of.drop(edit.matches)
	if edit.Action == "reset" {
		p.of.queue = append(p.of.queue, dropped...)
		p.of.advance()
	}
	return nil, nil
}
