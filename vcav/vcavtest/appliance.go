package vcavtest

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

const (
	authHeader  = "X-VCAV-Auth"
	traceHeader = "operationID"
	// systemOrg is the organization of Cloud Director's own administrators.
	systemOrg = "System"
)

// appliance is the state behind a server. Its lock is held for the whole of each request's work.
type appliance struct {
	config     *config
	clock      Clock
	instanceID string

	mu           sync.Mutex
	sites        []*site // the local one first
	accounts     map[string]account
	sessions     map[string]*session // by token
	replications []*replication      // in order of creation
	byID         map[string]*replication
	byVApp       map[string][]*replication // by vApp replication
	tasks        []*task                   // in order of creation
	taskByID     map[string]*task
	unfinished   []*task // those that are to be settled
	plans        []plan
}

// visit is one admitted request: who asks, where, and in which version of the API.
type visit struct {
	session *session // nil for operations that need none
	site    *site    // where the operation is executed
	version apiVersion
}

func newAppliance(c *config) (*appliance, error) {
	a := &appliance{
		config: c, clock: c.clock, instanceID: freshID(), sites: append([]*site{c.local}, c.remotes...),
		accounts: map[string]account{}, sessions: map[string]*session{},
		byID: map[string]*replication{}, byVApp: map[string][]*replication{}, taskByID: map[string]*task{},
	}
	if a.clock == nil {
		a.clock = simkit.SystemClock()
	}
	for i, s := range a.sites {
		if a.site(s.name) != a.sites[i] {
			return nil, fmt.Errorf("vcavtest: there are two sites of the name %q", s.name)
		}
	}
	for _, name := range c.authenticated {
		if s := a.site(name); s == nil || s.onPremises || s == c.local {
			return nil, fmt.Errorf("vcavtest: AuthenticatedAt: %q is not a remote cloud site", name)
		}
	}
	for _, who := range c.accounts {
		if err := a.addAccount(who); err != nil {
			return nil, fmt.Errorf("vcavtest: %w", err)
		}
	}
	for _, user := range c.tokens {
		if err := a.checkUser(user); err != nil {
			return nil, fmt.Errorf("vcavtest: AccessToken: %w", err)
		}
	}
	for _, r := range c.replications {
		if err := a.protect(r); err != nil {
			return nil, fmt.Errorf("vcavtest: Protect: %w", err)
		}
	}
	return a, nil
}

// site returns the site of a name, or nil.
func (a *appliance) site(name string) *site {
	for _, s := range a.sites {
		if s.name == name {
			return s
		}
	}
	return nil
}

func (a *appliance) local() *site { return a.sites[0] }

func (a *appliance) addAccount(who account) error {
	if !who.sso {
		if err := a.checkUser(who.user); err != nil {
			return err
		}
	}
	a.accounts[who.user] = who
	return nil
}

// checkUser holds a Cloud Director user against the organizations of the local site.
func (a *appliance) checkUser(user string) error {
	org := orgOf(user)
	if org != systemOrg && !slices.Contains(a.local().orgs, org) {
		return fmt.Errorf("the site %s has no organization %q for the user %q", a.local().name, org, user)
	}
	return nil
}

// orgOf returns the part of "user@org" after its last at sign.
func orgOf(user string) string { return user[strings.LastIndex(user, "@")+1:] }

// protect adds a replication.
func (a *appliance) protect(given Replication) error {
	r, err := a.newReplication(given)
	if err != nil {
		return err
	}
	keys := given.Instances
	if len(keys) == 0 && !given.Unsynced {
		keys = []string{"replica-" + stableID("instance", r.id)}
	}
	now := a.clock.Now()
	for i, key := range keys {
		r.addInstance(key, now.Add(time.Duration(i-len(keys))*time.Hour))
	}
	a.replications = append(a.replications, r)
	a.byID[r.id] = r
	a.byVApp[r.vappReplicationID] = append(a.byVApp[r.vappReplicationID], r)
	return nil
}

func (a *appliance) newReplication(given Replication) (*replication, error) {
	if given.VMName == "" {
		return nil, errors.New("a replication has no VMName")
	}
	if given.Unsynced && len(given.Instances) > 0 {
		return nil, fmt.Errorf("%s: an unsynced replication has no instances", given.VMName)
	}
	source, err := a.end(given.SourceSite, a.sites[1].name, given.SourceOrg)
	if err != nil {
		return nil, fmt.Errorf("%s: source: %w", given.VMName, err)
	}
	destination, err := a.end(given.DestinationSite, a.local().name, given.DestinationOrg)
	if err != nil {
		return nil, fmt.Errorf("%s: destination: %w", given.VMName, err)
	}
	if source.site == destination.site {
		return nil, fmt.Errorf("%s: source and destination are both %s", given.VMName, source.site.name)
	}
	r := &replication{
		id: or(given.ID, ReplicationID(given.VMName)), vmName: given.VMName,
		vmID:  or(given.VMID, stableID("vm", given.VMName)),
		owner: or(given.Owner, usualOwner(source, destination)), source: source, destination: destination,
		paused: given.Paused, migration: given.Migration, slaProfile: given.SLAProfile,
		description: given.Description, metadata: given.Metadata, recovery: RecoveryNotStarted,
		created: len(a.replications), lastUpdated: a.clock.Now(),
	}
	r.source.vappName = or(given.VApp, given.VMName)
	r.source.vappID = stableID("vapp", source.site.name, r.source.vappName)
	r.vappReplicationID = "C4VAPP-" + stableID("vapp-replication", r.source.vappID, destination.site.name)
	if _, taken := a.byID[r.id]; taken {
		return nil, fmt.Errorf("%s: there are two replications with the id %s", given.VMName, r.id)
	}
	return r, nil
}

// usualOwner is the organization at the source or, for what comes from on premises, at the destination.
func usualOwner(source, destination end) string {
	if source.org == "" {
		return destination.org + "@" + destination.site.name
	}
	return source.org + "@" + source.site.name
}

func (a *appliance) end(name, otherwise, org string) (end, error) {
	name = or(name, otherwise)
	s := a.site(name)
	switch {
	case s == nil:
		return end{}, fmt.Errorf("there is no site %q", name)
	case s.onPremises && org != "":
		return end{}, fmt.Errorf("the on-premises site %s has no organizations", name)
	case s.onPremises:
		return end{site: s}, nil
	case org != "" && !slices.Contains(s.orgs, org):
		return end{}, fmt.Errorf("the site %s has no organization %q", name, org)
	}
	return end{site: s, org: or(org, s.orgs[0])}, nil
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// work is one operation: it returns the answer's value or a *refusal.
type work func(*simkit.Call, *visit) (any, error)

// handlers joins the operations to the contract by name.
func (a *appliance) handlers() map[string]simkit.Handler {
	handlers := map[string]simkit.Handler{}
	for name, work := range map[string]work{
		contract.SessionsSignIn.Name:                    a.signIn,
		contract.SessionsGet.Name:                       a.getSession,
		contract.SessionsEnd.Name:                       a.signOut,
		contract.TasksGet.Name:                          a.getTask,
		contract.TasksList.Name:                         a.listTasks,
		contract.DiagnosticsAbout.Name:                  a.about,
		contract.VMReplicationsList.Name:                a.listReplications,
		contract.VMReplicationsGet.Name:                 a.getReplication,
		contract.VMReplicationsInstances.Name:           a.instances,
		contract.VMReplicationsSync.Name:                a.sync,
		contract.VMReplicationsFailover.Name:            a.failover,
		contract.VMReplicationsTestFailover.Name:        a.testFailover,
		contract.VMReplicationsCleanUpTestFailover.Name: a.cleanUp,
		contract.VMReplicationsReverse.Name:             a.reverse,
	} {
		handlers[name] = a.handler(work)
	}
	return handlers
}

func (a *appliance) handler(work work) simkit.Handler {
	return func(call *simkit.Call) simkit.Answer {
		v, _ := call.Session.(*visit) // admit has put it there
		a.mu.Lock()
		defer a.mu.Unlock()
		a.settle(a.clock.Now())
		value, err := work(call, v)
		switch {
		case err != nil:
			return errorAnswer(err, v.version)
		case value == nil:
			return simkit.Answer{Status: http.StatusNoContent}
		}
		answer, complete := value.(simkit.Answer)
		if complete {
			return answer
		}
		return simkit.JSON(call.Operation.Statuses[0], v.version.contentType(), value)
	}
}

// errorAnswer is an error in the appliance's format.
func errorAnswer(err error, version apiVersion) simkit.Answer {
	var r *refusal
	if !errors.As(err, &r) {
		r = refuse(http.StatusInternalServerError, CodeGeneralServerFailure, "%s", err)
	}
	stacktrace := ""
	return simkit.JSON(r.status, version.contentType(), newErrorBody(r, &stacktrace))
}

// admit refuses what has no session, no role or no business at a site.
func (a *appliance) admit(call *simkit.Call) *simkit.Answer {
	a.mu.Lock()
	defer a.mu.Unlock()
	v := &visit{site: a.local()}
	var err error
	if v.version, err = negotiate(call.Header, a.config.newest); err == nil && !call.Operation.Anonymous {
		v.session, err = a.authenticate(call.Header.Get(authHeader))
		if err == nil {
			err = v.session.mayCall(call.Operation)
		}
		if err == nil {
			v.site, err = a.enter(v.session, call.Site)
		}
	}
	if err != nil {
		answer := errorAnswer(err, v.version)
		return &answer
	}
	call.Session = v
	return nil
}

// enter finds the site at which a session wants something executed.
func (a *appliance) enter(s *session, name string) (*site, error) {
	if name == "" {
		return a.local(), nil
	}
	wanted := a.site(name)
	if wanted == nil {
		return nil, refuse(http.StatusNotFound, CodeSiteNotFound, "Site '%s' was not found.", name)
	}
	if !s.at(name) {
		return nil, refuse(http.StatusUnauthorized, CodeRemoteAuthenticationFailure,
			"The session is not authenticated at site '%s'.", name)
	}
	return wanted, nil
}

func (a *appliance) about(*simkit.Call, *visit) (any, error) {
	built := time.Date(2021, time.February, 3, 4, 5, 6, 0, time.UTC)
	return aboutBody{
		ServiceType: "CLOUD", ProductName: "drkit simulator of Cloud Director Availability",
		InstanceID: a.instanceID, BuildVersion: a.config.productVersion + ".7654321-5ca1ab1e00", BuildDate: millis(built),
	}, nil
}
