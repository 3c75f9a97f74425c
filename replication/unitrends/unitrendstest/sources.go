package unitrendstest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"

	"github.com/drkit-go/drkit/internal/simkit"
)

// listSystems shows the appliance itself, the systems that it knows, and requests that are pending or were
// rejected. The members are those that the wiki says always or never come.
func (a *appliance) listSystems(call *simkit.Call) (any, error) {
	withPending := call.Query.Get("include_pending") != "0"
	withRejected := call.Query.Get("include_rejected") == "1"
	if withRejected && !withPending {
		return nil, refuse("include_rejected is only allowed with include_pending.")
	}
	rows := list{object{
		"id": localSystem, "is_pending": false, "name": a.name, "host": a.host(), "role": a.localRole(),
		"status": "available", "local": true, "version": a.config.release, "version_status": "current",
	}}
	for _, s := range a.systems {
		if s.managed || s.replicating {
			rows = append(rows, a.systemRow(s))
		}
	}
	for _, r := range a.requests {
		if r.target != a {
			continue
		}
		if (r.state == rejected && withRejected) || ((r.state == pending || r.state == accepted) && withPending) {
			rows = a.withRequest(rows, r)
		}
	}
	if sid, err := strconv.Atoi(call.Query.Get("sid")); err == nil {
		rows = slices.DeleteFunc(rows, func(row any) bool { return row.(object)["id"] != sid }) //nolint:forcetypeassert // made above
	}
	return object{"appliance": rows}, nil
}

// localRole is what the appliance itself does.
func (a *appliance) localRole() string {
	role := "Backup System"
	for _, s := range a.systems {
		if s.replicating {
			return "Target"
		}
		if s.managed {
			role = "Manager"
		}
	}
	return role
}

func (a *appliance) systemRow(s *system) object {
	version := or(s.of.config.release, "9.1.0")
	return object{
		"id": s.id, "is_pending": false, "name": s.of.name, "host": s.of.host(), "role": a.config.shape.role(s.managed, s.replicating), "status": "available",
		"local": false, "version": version, "version_status": "current",
		"created": a.text(s.created), "updated": a.text(s.updated),
	}
}

// withRequest adds the row of a request, in place of that of the system that it becomes.
func (a *appliance) withRequest(rows list, r *request) list {
	id, status := -r.id, string(accepted)
	if r.state == accepted {
		id = r.sid
		rows = slices.DeleteFunc(rows, func(row any) bool { return row.(object)["id"] == id }) //nolint:forcetypeassert // rows are objects
	} else {
		status = a.config.shape.status[r.state]
	}
	return append(rows, object{
		"id": id, "is_pending": true, "request_id": r.id, "name": r.source.name, "asset_tag": r.source.assetTag(),
		"role": a.config.shape.role(a.manages(r.source), true), "local": false, "created": a.text(r.created), "updated": a.text(r.updated),
	}.withText("status", status).withText("message", r.message))
}

func (a *appliance) manages(other *appliance) bool {
	return slices.ContainsFunc(a.systems, func(s *system) bool { return s.of == other && s.managed })
}

func (a *appliance) listPending(*simkit.Call) (any, error) {
	rows := list{}
	for _, r := range a.requests {
		if r.target == a && r.state == pending {
			rows = append(rows, object{
				"request_id": r.id, "name": r.source.name, "asset_tag": r.source.assetTag(), "created": a.text(r.created),
			})
		}
	}
	return object{"pending": rows}, nil
}

// decision is the body of a decision. The contract has been checked before.
type decision struct {
	RequestID int    `json:"request_id"`
	Accept    bool   `json:"accept"`
	Message   string `json:"message"`
	StorageID *int   `json:"storage_id"`
}

func (a *appliance) decide(call *simkit.Call) (any, error) {
	given, err := body[decision](call)
	if err != nil {
		return nil, err
	}
	r := a.incoming(given.RequestID)
	switch {
	case r == nil || r.state != pending:
		return nil, refuse("There is no pending request with the id %d.", given.RequestID)
	case !given.Accept && given.Message == "":
		return nil, refuse("A message is required when a request is rejected.")
	case given.StorageID != nil && !a.hasStorage(*given.StorageID):
		return nil, refuse("There is no storage with the id %d.", *given.StorageID)
	case !given.Accept:
		a.reject(r, given.Message)
		return nil, nil
	}
	storage := 0
	if given.StorageID != nil {
		storage = *given.StorageID
	}
	r.message = given.Message
	a.finish(a.accept(r, storage))
	return nil, nil
}

func (a *appliance) hasStorage(id int) bool { return id >= 1 && id <= len(a.storage) }

// source returns the replicating system of an id.
func (a *appliance) source(id string) (*system, error) {
	number, err := strconv.Atoi(id)
	if s := a.system(number); err == nil && s != nil && (s.replicating || a.isCompleting(s)) {
		return s, nil
	}
	return nil, refuse("There is no replicating source with the id %s.", id)
}

// isCompleting reports whether a source that was accepted is still being configured.
func (a *appliance) isCompleting(s *system) bool {
	return slices.ContainsFunc(a.requests, func(r *request) bool {
		return r.target == a && r.sid == s.id && r.state == accepted
	})
}

func (a *appliance) updateSource(call *simkit.Call) (any, error) {
	given, err := body[struct {
		Customer   *string `json:"customer"`
		CustomerID *int    `json:"customer_id"`
		Location   *string `json:"location"`
		LocationID *int    `json:"location_id"`
		StorageID  *int    `json:"storage_id"`
	}](call)
	if err != nil {
		return nil, err
	}
	s, err := a.source(call.Query.Get("sid"))
	if err != nil {
		return nil, err
	}
	if given.StorageID != nil && !a.hasStorage(*given.StorageID) {
		return nil, refuse("There is no storage with the id %d.", *given.StorageID)
	}
	set(&s.customer, given.Customer)
	set(&s.customerID, given.CustomerID)
	set(&s.location, given.Location)
	set(&s.locationID, given.LocationID)
	set(&s.storage, given.StorageID)
	s.updated = a.now
	return nil, nil
}

// set takes over what a request gives.
func set[T any](to, given *T) {
	if given != nil {
		*to = *given
	}
}

func (a *appliance) deleteSource(call *simkit.Call) (any, error) {
	s, err := a.source(call.Arguments["sid"])
	if err != nil {
		return nil, err
	}
	a.dismiss(s)
	return nil, nil
}

// requestTarget asks the appliance that the body names. Which member does is not documented: here any may.
func (a *appliance) requestTarget(call *simkit.Call) (any, error) {
	from, err := a.chosen(call)
	if err != nil {
		return nil, err
	}
	other, err := from.of.asked(call)
	if err != nil {
		return nil, err
	}
	if other.isDown() {
		return nil, refuse("The target %s cannot be reached.", other.name)
	}
	return created{from.of.ask(other).id}, nil
}

// asked finds the appliance that the body of a request names.
func (a *appliance) asked(call *simkit.Call) (*appliance, error) {
	given, err := body[map[string]any](call)
	if err != nil {
		return nil, err
	}
	var found *appliance
	for _, name := range slices.Sorted(maps.Keys(given)) {
		text, _ := given[name].(string)
		switch other := a.peer(text); {
		case other == nil:
		case found != nil && found != other:
			return nil, refuse("The request names two targets, %s and %s.", found.name, other.name)
		default:
			found = other
		}
	}
	if found == nil {
		return nil, refuse("The request names no target that can be reached.")
	}
	return found, nil
}

func (a *appliance) listTargets(call *simkit.Call) (any, error) {
	places, named, err := a.places(call)
	if err != nil {
		return nil, err
	}
	rows := list{}
	for _, p := range places {
		for _, t := range p.of.targets {
			if t.state == targetAvailable || !a.config.onlyAccepted {
				rows = append(rows, p.mark(t.row(), named))
			}
		}
	}
	return object{"targets": rows}, nil
}

func (t *target) row() object {
	return object{"name": t.of.name, "target_id": t.id, "host": t.of.host(), "status": t.state}.withText("message", t.message)
}

func (a *appliance) connectedTargets(*simkit.Call) (any, error) {
	if a.config.noCopyAPI {
		return nil, &refusal{status: http.StatusNotFound, code: codeNotFound, message: "There is no such API."}
	}
	rows := list{}
	for _, t := range a.targets {
		if t.state == targetAvailable {
			rows = append(rows, object{"name": t.of.name, "target_id": t.id})
		}
	}
	return object{"data": rows}, nil
}
