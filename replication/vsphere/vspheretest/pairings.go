package vspheretest

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Kinds of tasks on pairings.
var (
	kindPair      = kind{"vspheretest.createPairing", "Create pairing"}
	kindBreak     = kind{"vspheretest.breakPairing", "Break pairing"}
	kindReconnect = kind{"vspheretest.reconnectPairing", "Reconnect pairing"}
)

// build is the number of the build that all servers are of.
const build = "24000001"

// vcenterRow is a vCenter Server.
func (s *site) vcenterRow() object {
	return object{
		"id": s.vcenter, "url": "https://vc." + s.name + ".test", "name": "vc." + s.name + ".test", "server_status": "OK",
		"certificates": []object{}, "certificate_warnings": []object{}, "version": "8.0.3", "build_number": build,
	}
}

// vrmsRow is a management server as a pairing shows it.
func (s *site) vrmsRow() object {
	return object{
		"id": s.vrms, "url": "https://" + s.host(), "name": s.host(), "server_status": "OK",
		"certificates": []object{}, "certificate_warnings": []object{}, "version": s.world.config.version.String(),
		"build_number": build,
	}
}

// vrmsInfo is a management server by itself.
func (s *site) vrmsInfo() object {
	row := s.vrmsRow()
	row["vc_guid"], row["vc_name"], row["extension_key"] = s.vcenter, "vc."+s.name+".test", "com.vmware.vcHms"
	return row
}

func (w *world) info(_ *simkit.Call, v *visit) (any, error) {
	return entity{row: v.site.vrmsInfo()}, nil
}

// whatRemoteKnows are the members of a server that only the remote site itself can tell.
var whatRemoteKnows = []string{"server_status", "version", "build_number", "certificates"}

// shownPairing is the site's pairing as a visit may see it.
func (v *visit) shownPairing() item {
	remote := v.pairing.remote
	vcenter, vrms := remote.vcenterRow(), remote.vrmsRow()
	shown := item{row: object{
		"pairing_id": v.pairing.id, "local_vc_server": v.site.vcenterRow(), "local_vrms": v.site.vrmsRow(),
		"remote_vc_server": vcenter, "remote_vrms": vrms,
	}}
	if why := v.cutOff(); why != nil {
		for _, name := range whatRemoteKnows {
			delete(vcenter, name)
			delete(vrms, name)
		}
		shown.gaps = []gap{{".remote_vc_server.server_status", why}, {".remote_vrms.server_status", why}}
	}
	return shown
}

func (w *world) listPairings(call *simkit.Call, v *visit) (any, error) {
	var items []item
	if v.pairing = v.site.pairing; v.pairing != nil {
		items = append(items, v.shownPairing())
	}
	return v.list(call, items)
}

func (w *world) getPairing(_ *simkit.Call, v *visit) (any, error) {
	return entity(v.shownPairing()), nil
}

// pairingIssues are those of the servers: replication servers that are not connected, and a remote site that is down.
func (w *world) pairingIssues(call *simkit.Call, v *visit) (any, error) {
	var items []item
	issue := func(entity, name, kind, text string) {
		items = append(items, item{row: object{
			"entity": entity, "entity_name": name, "description": text, "timestamp": w.now.UnixMilli(), "status": "ERROR",
			"issue_type": kind,
		}})
	}
	sites := []*site{v.site}
	var gaps []gap
	switch why := v.cutOff(); {
	case why != nil:
		gaps = []gap{{why: why}}
	case v.pairing.remote != v.site:
		sites = append(sites, v.pairing.remote)
	}
	if !v.remoteUp() {
		issue(v.pairing.remote.vrms, v.pairing.remote.host(), "VRMS", "The remote server cannot be reached.")
	}
	for _, s := range sites {
		for _, server := range s.servers {
			if !server.connected {
				issue(server.id, server.name, "VRS", "The replication server is not connected.")
			}
		}
	}
	return v.list(call, items, gaps...)
}

// pairingBody is the request that pairs two sites, or connects them anew.
type pairingBody struct {
	PSC struct {
		URL      string `json:"url"`
		Username string `json:"username"`
		Password string `json:"password"`
	} `json:"pair_psc_info"`
	VCenter string `json:"pair_vc_id"`
}

// partner finds the remote site that a request names, with credentials for it.
func (w *world) partner(call *simkit.Call, s *site) (*site, error) {
	var body pairingBody
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return nil, badRequest("The pairing does not decode: %s", err)
	}
	remote := w.peer(s)
	_, known := remote.account(body.PSC.Username, body.PSC.Password)
	switch {
	case remote == s || body.VCenter != remote.vcenter:
		return nil, badRequest("There is no vCenter Server '%s' to pair with.", body.VCenter)
	case !strings.Contains(body.PSC.URL, "vc."+remote.name+".test"):
		return nil, badRequest("The address '%s' is not that of vCenter Server '%s'.", body.PSC.URL, body.VCenter)
	case remote.down(w.now):
		return nil, refuse(http.StatusInternalServerError, CodeRemoteSiteDown, "The server of site '%s' cannot be reached.", remote.name)
	case !known:
		return nil, badRequest("The credentials for the remote site were refused.")
	}
	return remote, nil
}

func (w *world) createPairing(call *simkit.Call, v *visit) (any, error) {
	remote, err := w.partner(call, v.site)
	if err != nil {
		return nil, err
	}
	return w.begin(call, v, &task{kind: kindPair, entity: remote.vcenter, entityName: remote.name, effect: func(time.Time) *failure {
		if v.site.pairing != nil {
			return fail("Site '%s' is paired already.", v.site.name)
		}
		v.site.pair(remote)
		remote.pair(v.site)
		return nil
	}}).answer(v), nil
}

func (w *world) reconnectPairing(call *simkit.Call, v *visit) (any, error) {
	if _, err := w.partner(call, v.site); err != nil {
		return nil, err
	}
	return w.begin(call, v, &task{kind: kindReconnect, entity: v.pairing.id, entityName: v.pairing.remote.name}).answer(v), nil
}

// breakPairing ends the pairing at both sites, or with force at the local one. Nobody documents what becomes of
// replications: here they have to be gone, unless force is used.
func (w *world) breakPairing(call *simkit.Call, v *visit) (any, error) {
	force, err := flag(call, "force")
	if err != nil {
		return nil, err
	}
	if why := v.cutOff(); why != nil && !force {
		return nil, why
	}
	return w.begin(call, v, &task{kind: kindBreak, entity: v.pairing.id, entityName: v.pairing.remote.name, effect: func(time.Time) *failure {
		if n := len(w.replicationsAt(v.site)); n > 0 && !force {
			return fail("The pairing has %d replications.", n)
		}
		v.pairing.remote.unpair(!force)
		v.site.unpair(true)
		return nil
	}}).answer(v), nil
}

// unpair lets a site forget its pairing, if it is to.
func (s *site) unpair(forget bool) {
	if !forget {
		return
	}
	s.pairing = nil
	for _, session := range s.sessions {
		clear(session.remote)
	}
}

func (w *world) listManagementServers(_ *simkit.Call, v *visit) (any, error) {
	servers := list{{row: v.site.vrmsInfo()}}
	if v.pairing.remote != v.site {
		servers = append(servers, v.shownServer(v.pairing.remote))
	}
	return servers, nil
}

func (w *world) getManagementServer(call *simkit.Call, v *visit) (any, error) {
	id := call.Arguments["vr_id"]
	for _, s := range []*site{v.site, v.pairing.remote} {
		if s.vrms == id {
			return entity(v.shownServer(s)), nil
		}
	}
	return nil, notFound("the pairing has no server %q", id)
}

// shownServer is a management server as a visit may see it.
func (v *visit) shownServer(s *site) item {
	shown := item{row: s.vrmsInfo()}
	if why := v.cutOff(); why != nil && s != v.site {
		for _, name := range whatRemoteKnows {
			shown.leaveOut(name, why)
		}
	}
	return shown
}
