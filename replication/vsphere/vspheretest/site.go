package vspheretest

import (
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// site is the state of one site: an appliance and the vCenter Server that it belongs to.
type site struct {
	world    *world
	name     string
	vcenter  string // id
	vrms     string // id of the management server
	user     string // the administrator, of the local and of the remote API
	password string
	url      string         // of its server
	kit      *simkit.Server // set once it runs

	pairing   *pairing // nil: none
	paired    bool     // whether it has ever had one
	sessions  map[string]*session
	limiter   limiter
	tasks     []*task // in order of creation
	downUntil time.Time

	servers    []*replicationServer
	registered int // replication servers so far
	datastores []*datastore
	machines   []*machine // in order of creation
	mappings   []*mapping
}

// pairing is one site's half of a pairing.
type pairing struct {
	id     string
	remote *site
}

// replicationServer takes in what machines send.
type replicationServer struct {
	id, uuid, name string
	connected      bool
}

func newSite(w *world, name string) *site {
	s := &site{
		world: w, name: name, vcenter: VCenterID(name), vrms: simkit.StableID("vrms", name),
		user: "administrator@" + name + ".local", password: "simulated-password-of-" + name,
		sessions: map[string]*session{}, limiter: newLimiter(w.config),
	}
	for _, ds := range []string{"ds-1", "ds-2"} {
		s.datastores = append(s.datastores, &datastore{id: DatastoreID(name, ds), name: ds, site: s})
	}
	s.addServer("hbr-1." + name + ".test")
	return s
}

func (s *site) addServer(hostname string) {
	number := s.registered
	s.registered++
	s.servers = append(s.servers, &replicationServer{
		id: serverID(s.name, number), uuid: serverUUID(s.name, number), name: hostname, connected: true,
	})
}

// host is the made-up name of the appliance.
func (s *site) host() string { return "vr." + s.name + ".test" }

func (s *site) down(at time.Time) bool { return at.Before(s.downUntil) }

// account returns whom a name and password belong to.
func (s *site) account(user, password string) (account, bool) {
	if user == s.user && password == s.password {
		return account{user: user}, true
	}
	for _, observer := range s.world.config.observers {
		if user == observer.user && password == observer.password {
			return observer, true
		}
	}
	return account{}, false
}

// pair joins the two sites. Each side has an id of its own for it.
func (w *world) pair() {
	for _, s := range w.sites() {
		s.pair(w.peer(s))
	}
}

// pair begins the site's half of a pairing, unless it has one.
func (s *site) pair(remote *site) {
	if s.pairing != nil {
		return
	}
	id := simkit.StableID("pairing", s.name, remote.name)
	if s.paired {
		id = simkit.FreshID()
	}
	s.pairing, s.paired = &pairing{id: id, remote: remote}, true
}

// machine returns the machine of an id, or nil.
func (s *site) machine(id string) *machine {
	for _, m := range s.machines {
		if m.id == id {
			return m
		}
	}
	return nil
}

func (s *site) datastore(id string) *datastore {
	for _, d := range s.datastores {
		if d.id == id {
			return d
		}
	}
	return nil
}

func (s *site) server(id string) *replicationServer {
	for _, server := range s.servers {
		if server.id == id {
			return server
		}
	}
	return nil
}
