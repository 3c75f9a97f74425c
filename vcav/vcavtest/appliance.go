package vcavtest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

const (
	authHeader  = "X-VCAV-Auth"
	traceHeader = "operationID"
	// hostName is the made-up name of the appliance.
	hostName = "vcda.drkit.test"
	// systemOrg is the organization of Cloud Director's own administrators.
	systemOrg = "System"
)

// appliance is the state behind a server. Its lock is held for the whole of each request's work.
type appliance struct {
	config *config
	clock  Clock

	mu           sync.Mutex
	now          time.Time // the moment up to which everything has happened that is due
	instanceID   string
	sites        []*site             // the local one first
	sessions     map[string]*session // by token
	profiles     map[string]*slaProfile
	replications []*replication   // in order of creation
	sorted       map[string][]row // in the orders that lists have asked for; nil once something happens
	byID         map[string]*replication
	starting     map[*replication]bool // those whose start is under way
	used         map[string]bool       // ids of replications that are or were
	vapps        map[vappKey]recoveredVApp
	tasks        []*task // in order of creation
	taskByID     map[string]*task
	begun        int            // tasks so far, those that are forgotten included
	omissions    map[string]int // polls that shall say nothing of a task, by its id
	agenda       simkit.Agenda
	failures     simkit.Plans[*refusal]      // of tasks to come
	durations    simkit.Plans[time.Duration] // likewise
	health       health
	bundles      bundles
	deeds        deeds
}

func newAppliance(c *config) (*appliance, error) {
	a := &appliance{
		config: c, clock: c.clock, instanceID: or(c.instanceID, freshID()), sites: append([]*site{c.local}, c.remotes...),
		sessions: map[string]*session{}, profiles: map[string]*slaProfile{}, byID: map[string]*replication{},
		starting: map[*replication]bool{}, used: map[string]bool{}, vapps: map[vappKey]recoveredVApp{},
		taskByID: map[string]*task{}, omissions: map[string]int{}, health: newHealth(c.unconfigured), bundles: newBundles(),
	}
	if a.clock == nil {
		a.clock = simkit.SystemClock()
	}
	a.now = a.clock.Now()
	for i, s := range a.sites {
		if a.site(s.name) != a.sites[i] {
			return nil, fmt.Errorf("vcavtest: there are two sites of the name %q", s.name)
		}
	}
	a.openPolicies()
	for _, profile := range c.profiles {
		a.addProfile(profile)
	}
	if err := a.addUsers(); err != nil {
		return nil, fmt.Errorf("vcavtest: %w", err)
	}
	if err := a.furnish(); err != nil {
		return nil, fmt.Errorf("vcavtest: %w", err)
	}
	return a, nil
}

// addUsers lets in whom the options name.
func (a *appliance) addUsers() error {
	for _, name := range a.config.authenticated {
		if _, err := a.remoteCloud(name); err != nil {
			return fmt.Errorf("AuthenticatedAt: %w", err)
		}
	}
	for _, who := range a.config.accounts {
		if err := a.local().addAccount(who); err != nil {
			return err
		}
	}
	for token, user := range a.config.tokens {
		if err := a.local().addToken(token, user); err != nil {
			return fmt.Errorf("AccessToken: %w", err)
		}
	}
	for _, given := range a.config.remoteAccounts {
		remote, err := a.remoteCloud(given.site)
		if err == nil {
			err = remote.addAccount(given.account)
		}
		if err != nil {
			return fmt.Errorf("RemoteUser: %w", err)
		}
	}
	for _, given := range a.config.remoteTokens {
		remote, err := a.remoteCloud(given.site)
		if err == nil {
			err = remote.addToken(given.token, given.user)
		}
		if err != nil {
			return fmt.Errorf("RemoteAccessToken: %w", err)
		}
	}
	return nil
}

// furnish makes the policies, machines, replications and bundles that the options name.
func (a *appliance) furnish() error {
	for _, given := range a.config.policies {
		if err := a.setPolicy(given); err != nil {
			return fmt.Errorf("Policies: %w", err)
		}
	}
	for _, given := range a.config.machines {
		if err := a.addMachine(given); err != nil {
			return fmt.Errorf("Machines: %w", err)
		}
	}
	for _, given := range a.config.replications {
		if err := a.protect(given); err != nil {
			return fmt.Errorf("Protect: %w", err)
		}
	}
	for _, given := range a.config.bundles {
		if err := a.addBundle(given); err != nil {
			return fmt.Errorf("SupportBundles: %w", err)
		}
	}
	return nil
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

func (a *appliance) remoteCloud(name string) (*site, error) {
	s := a.site(name)
	if s == nil || s.onPremises || s == a.local() {
		return nil, fmt.Errorf("%q is not a remote cloud site", name)
	}
	return s, nil
}

// orgOf returns the part of "user@org" after its last at sign.
func orgOf(user string) string { return user[strings.LastIndex(user, "@")+1:] }

// protect adds a replication that is there from the beginning.
func (a *appliance) protect(given Replication) error {
	r, err := a.newReplication(given)
	if err != nil {
		return err
	}
	keys := given.Instances
	if len(keys) == 0 && !given.Unsynced {
		keys = []string{"replica-" + stableID("instance", r.id)}
	}
	for i, key := range keys {
		r.addInstance(key, a.now.Add(time.Duration(i-len(keys))*time.Hour))
	}
	a.add(r)
	return nil
}

// add lets a replication be known.
func (a *appliance) add(r *replication) {
	a.sorted = nil
	a.used[r.id] = true
	a.replications = append(a.replications, r)
	a.byID[r.id] = r
}

// remove lets a replication be gone. Its machines stay.
func (a *appliance) remove(r *replication) {
	a.sorted = nil
	a.leaveVApp(r)
	if r.machine.source == r {
		r.machine.source = nil
	}
	delete(a.byID, r.id)
	a.replications = slices.DeleteFunc(a.replications, func(other *replication) bool { return other == r })
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
		owner: or(given.Owner, usualOwner(source, destination)), source: source, destination: destination,
		paused: given.Paused, migration: given.Migration, profile: a.profileNamed(given.SLAProfile),
		storageProfile: or(given.StorageProfile, "*"), excluded: given.ExcludedDisks, startup: usualStartup(),
		description: given.Description, metadata: given.Metadata, recovery: RecoveryNotStarted,
		lastUpdated: a.now,
	}
	if _, taken := a.byID[r.id]; taken {
		return nil, fmt.Errorf("%s: there are two replications with the id %s", given.VMName, r.id)
	}
	r.settings = given.settingsOver(r.profile)
	if err := r.settings.check(); err != nil {
		return nil, fmt.Errorf("%s: %w", given.VMName, err)
	}
	a.attach(r, a.sourceMachine(given, source))
	if err := checkExcluded(r.machine, r.excluded); err != nil {
		return nil, fmt.Errorf("%s: %w", given.VMName, err)
	}
	return r, nil
}

// settingsOver are the settings of a replication, where it has none of its own those of its profile.
func (given Replication) settingsOver(profile *slaProfile) settings {
	wanted := SLAProfile{
		RPO: given.RPO, Retention: given.Retention, DataConnectionType: given.DataConnection, Unquiesced: given.Unquiesced,
	}
	if profile != nil {
		if wanted.RPO == 0 {
			wanted.RPO = profile.settings.rpo
		}
		if wanted.Retention == nil {
			wanted.Retention = profile.settings.retention
		}
		wanted.DataConnectionType = or(wanted.DataConnectionType, profile.settings.connection)
		wanted.Unquiesced = wanted.Unquiesced || !profile.settings.quiesced
	}
	return wanted.settings()
}

// sourceMachine returns the machine of a replication, which is made unless it is there.
func (a *appliance) sourceMachine(given Replication, source end) *machine {
	id := or(given.VMID, source.site.usualMachineID(given.VMName))
	if known := source.site.machines[id]; known != nil {
		return known
	}
	m := &machine{
		id: id, name: given.VMName, org: source.org, vapp: or(given.VApp, given.VMName),
		poweredOn: true, disks: usualDisks(), hardware: usualHardware(),
	}
	source.site.addMachine(m)
	return m
}

// attach makes a machine the source of a replication.
func (a *appliance) attach(r *replication, m *machine) {
	r.machine, r.vmID = m, m.id
	m.source = r
	r.source.vappName = m.vapp
	r.source.vappID = stableID("vapp", r.source.site.name, m.vapp)
	r.vappReplicationID = "C4VAPP-" + stableID("vapp-replication", r.source.vappID, r.destination.site.name)
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
