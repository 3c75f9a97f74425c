package unitrendstest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/drkit-go/drkit/internal/simkit"
)

const typeReplication = "Replication"

// knownOfOrders are the members of a job order that this simulator keeps itself.
var knownOfOrders = []string{"id", "sid", "name", "type", "status", "last_status", "instances", "target_id", "target_name"}

// order returns the job order of a path, at the system that the call names.
func (a *appliance) order(call *simkit.Call) (*appliance, *jobOrder, error) {
	p, err := a.chosen(call)
	if err != nil {
		return nil, nil, err
	}
	wanted := call.Arguments["jobOrderId"]
	for _, o := range p.of.orders {
		if strconv.Itoa(o.id) == wanted {
			return p.of, o, nil
		}
	}
	return nil, nil, notFound("job order", wanted)
}

func (o *jobOrder) row() object {
	row := object{}
	for name, value := range o.extra {
		row[name] = value
	}
	row["id"], row["name"], row["type"], row["status"] = o.id, o.name, typeReplication, "Disabled"
	row["last_status"], row["target_id"], row["target_name"] = o.last, o.target.id, o.target.of.name
	if o.enabled {
		row["status"] = "Enabled"
	}
	return row
}

func (a *appliance) listOrders(call *simkit.Call) (any, error) {
	places, named, err := a.places(call)
	if err != nil {
		return nil, err
	}
	rows := list{}
	for _, p := range places {
		for _, o := range p.of.orders {
			rows = append(rows, p.mark(o.row(), named))
		}
	}
	return object{"data": rows}, nil
}

func (a *appliance) getOrder(call *simkit.Call) (any, error) {
	_, o, err := a.order(call)
	if err != nil {
		return nil, err
	}
	instances := list{}
	for _, instance := range o.instances {
		instances = append(instances, object{"id": instance.id, "name": instance.name})
	}
	row := o.row()
	row["instances"] = instances
	return object{"data": row}, nil
}

// createOrder takes any number of orders with the same name. What they have to copy joins the queue at once,
// unless the strategy is Manual.
func (a *appliance) createOrder(call *simkit.Call) (any, error) {
	given, err := body[struct {
		Name      string `json:"name"`
		Instances []any  `json:"instances"`
		TargetID  any    `json:"target_id"`
	}](call)
	if err != nil {
		return nil, err
	}
	p, err := a.chosen(call)
	if err != nil {
		return nil, err
	}
	o := &jobOrder{name: given.Name, enabled: true, last: "Never"}
	if o.extra, err = extraOf(call); err != nil {
		return nil, err
	}
	if err := p.of.fill(o, given.Instances, given.TargetID); err != nil {
		return nil, err
	}
	o.id = p.of.nextID(kindOrder)
	p.of.orders = append(p.of.orders, o)
	if p.of.settings.scheme != schemeManual {
		p.of.enqueue(o)
	}
	return created{o.id}, nil
}

// fill finds what an order is about. Ids may be numbers or text.
func (a *appliance) fill(o *jobOrder, instances []any, targetID any) error {
	if o.name == "" || len(instances) == 0 {
		return refuse("A job order needs a name and instances.")
	}
	o.instances = nil
	for _, wanted := range instances {
		at := slices.IndexFunc(a.assets, func(known *asset) bool { return known.parent != nil && sameID(known.id, wanted) })
		if at < 0 {
			return refuse("There is no instance with the id %v.", wanted)
		}
		o.instances = append(o.instances, a.assets[at])
	}
	at := slices.IndexFunc(a.targets, func(t *target) bool { return t.state == targetAvailable && sameID(t.id, targetID) })
	if at < 0 {
		return refuse("There is no connected target with the id %v.", targetID)
	}
	o.target = a.targets[at]
	return nil
}

// sameID compares an id with one of a request, which may be text.
func sameID(id int, given any) bool {
	if number, ok := given.(float64); ok {
		return number == float64(id)
	}
	return fmt.Sprint(given) == strconv.Itoa(id)
}

// extraOf are the members of an order that nobody here knows. They are kept.
func extraOf(call *simkit.Call) (map[string]json.RawMessage, error) {
	members, err := body[map[string]json.RawMessage](call)
	for _, name := range knownOfOrders {
		delete(members, name)
	}
	return members, err
}

// updateOrder overwrites an order: what the body leaves out is gone.
func (a *appliance) updateOrder(call *simkit.Call) (any, error) {
	given, err := body[struct {
		ID        any    `json:"id"`
		Name      string `json:"name"`
		Type      string `json:"type"`
		TargetID  any    `json:"target_id"`
		Instances []struct {
			ID any `json:"id"`
		} `json:"instances"`
	}](call)
	if err != nil {
		return nil, err
	}
	at, o, err := a.order(call)
	if err != nil {
		return nil, err
	}
	if !sameID(o.id, given.ID) || given.Type != typeReplication {
		return nil, refuse("The job order %d of the type %s becomes no other.", o.id, typeReplication)
	}
	var ids []any
	for _, instance := range given.Instances {
		ids = append(ids, instance.ID)
	}
	after := *o
	after.name = given.Name
	if after.extra, err = extraOf(call); err != nil {
		return nil, err
	}
	if err := at.fill(&after, ids, given.TargetID); err != nil {
		return nil, err
	}
	*o = after
	if o.enabled && at.settings.scheme != schemeManual {
		at.enqueue(o)
	}
	return nil, nil
}

// runOrder puts what is to be copied into the queue, whatever the schedule and also by hand.
func (a *appliance) runOrder(call *simkit.Call) (any, error) {
	at, o, err := a.order(call)
	if err != nil {
		return nil, err
	}
	if !at.isConnected(o.target) {
		return nil, refuse("The target %s is not connected.", o.target.of.name)
	}
	at.enqueue(o)
	return nil, nil
}

func (a *appliance) enableOrder(call *simkit.Call) (any, error) { return nil, a.enable(call, true) }

func (a *appliance) disableOrder(call *simkit.Call) (any, error) { return nil, a.enable(call, false) }

func (a *appliance) enable(call *simkit.Call, enabled bool) error {
	_, o, err := a.order(call)
	if err != nil {
		return err
	}
	o.enabled = enabled
	return nil
}
