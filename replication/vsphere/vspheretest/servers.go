package vspheretest

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Kinds of tasks on replication servers.
var (
	kindRegister        = kind{"vspheretest.registerServer", "Register replication server"}
	kindUnregister      = kind{"vspheretest.unregisterServer", "Unregister replication server"}
	kindReconnectServer = kind{"vspheretest.reconnectServer", "Reconnect replication server"}
)

// chooser finds the site whose replication servers a call is about.
type chooser func(*visit, *simkit.Call) (*site, error)

func local(v *visit, _ *simkit.Call) (*site, error) { return v.site, nil }

func named(v *visit, call *simkit.Call) (*site, error) { return v.atServer(call) }

func (w *world) localServers(call *simkit.Call, v *visit) (any, error) {
	return w.servers(call, v, local)
}

func (w *world) siteServers(call *simkit.Call, v *visit) (any, error) {
	return w.servers(call, v, named)
}

func (w *world) servers(call *simkit.Call, v *visit, choose chooser) (any, error) {
	s, err := choose(v, call)
	if err != nil {
		return nil, err
	}
	var items []item
	for _, server := range s.servers {
		items = append(items, item{row: w.serverRow(server)})
	}
	return v.list(call, items)
}

func (w *world) serverRow(server *replicationServer) object {
	return object{
		"id": server.id, "replication_count": w.replicationsOf(server), "connected": server.connected,
		"decommissioned": false, "internally_managed": true, "uuid": server.uuid, "hostname": server.name,
		"configuration_url": "https://" + server.name + ":5480", "name": server.name, "fault": nil,
	}
}

func (w *world) replicationsOf(server *replicationServer) int {
	n := 0
	for _, r := range w.replications {
		if r.server == server {
			n++
		}
	}
	return n
}

func (w *world) localServer(call *simkit.Call, v *visit) (any, error) {
	return w.getServer(call, v, local)
}

func (w *world) siteServer(call *simkit.Call, v *visit) (any, error) {
	return w.getServer(call, v, named)
}

func (w *world) getServer(call *simkit.Call, v *visit, choose chooser) (any, error) {
	_, server, err := w.findServer(call, v, choose)
	if err != nil {
		return nil, err
	}
	return entity{row: w.serverRow(server)}, nil
}

// findServer finds the replication server that the path names, and its site.
func (w *world) findServer(call *simkit.Call, v *visit, choose chooser) (*site, *replicationServer, error) {
	s, err := choose(v, call)
	if err != nil {
		return nil, nil, err
	}
	id := call.Arguments["replication_server_id"]
	if server := s.server(id); server != nil {
		return s, server, nil
	}
	return nil, nil, notFound("there is no replication server %q", id)
}

func (w *world) registerLocalServer(call *simkit.Call, v *visit) (any, error) {
	return w.register(call, v, local)
}

func (w *world) registerSiteServer(call *simkit.Call, v *visit) (any, error) {
	return w.register(call, v, named)
}

// register takes the name of a host, of which nobody documents what it is; any will do that is not there yet.
func (w *world) register(call *simkit.Call, v *visit, choose chooser) (any, error) {
	s, err := choose(v, call)
	if err != nil {
		return nil, err
	}
	var body struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(call.Body, &body); err != nil || body.Value == "" {
		return nil, badRequest("The value, which names the replication server, is missing.")
	}
	return w.begin(call, v, &task{kind: kindRegister, entityName: body.Value, effect: func(time.Time) *failure {
		if slices.ContainsFunc(s.servers, func(known *replicationServer) bool { return known.name == body.Value }) {
			return fail("The replication server '%s' is registered already.", body.Value)
		}
		s.addServer(body.Value)
		return nil
	}}).answer(v), nil
}

func (w *world) unregisterLocalServer(call *simkit.Call, v *visit) (any, error) {
	return w.unregister(call, v, local)
}

func (w *world) unregisterSiteServer(call *simkit.Call, v *visit) (any, error) {
	return w.unregister(call, v, named)
}

func (w *world) unregister(call *simkit.Call, v *visit, choose chooser) (any, error) {
	s, server, err := w.findServer(call, v, choose)
	if err != nil {
		return nil, err
	}
	return w.begin(call, v, &task{kind: kindUnregister, entity: server.id, entityName: server.name, effect: func(time.Time) *failure {
		if n := w.replicationsOf(server); n > 0 {
			return fail("The replication server '%s' has %d replications.", server.name, n)
		}
		s.servers = slices.DeleteFunc(s.servers, func(other *replicationServer) bool { return other == server })
		return nil
	}}).answer(v), nil
}

func (w *world) reconnectLocalServer(call *simkit.Call, v *visit) (any, error) {
	return w.reconnect(call, v, local)
}

func (w *world) reconnectSiteServer(call *simkit.Call, v *visit) (any, error) {
	return w.reconnect(call, v, named)
}

func (w *world) reconnect(call *simkit.Call, v *visit, choose chooser) (any, error) {
	_, server, err := w.findServer(call, v, choose)
	if err != nil {
		return nil, err
	}
	return w.begin(call, v, &task{kind: kindReconnectServer, entity: server.id, entityName: server.name, effect: func(time.Time) *failure {
		server.connected = true
		return nil
	}}).answer(v), nil
}
