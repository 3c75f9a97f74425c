package unitrendstest

import (
	"fmt"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

const (
	rootUser   = "root"
	authHeader = "AuthToken"
	// localSystem is the id that every appliance has for itself.
	localSystem = 1
)

// appliance is the state of one appliance.
type appliance struct {
	*world
	config    *config
	kit       *simkit.Server // nil: it is no server
	name      string
	reachable []*appliance // that it can ask to become its target
	downUntil time.Time

	sessions   map[string]*session // by token
	systems    []*system           // that it knows, itself left out
	targets    []*target           // that it has asked
	storage    []string            // ids are positions, from 1 on
	assets     []*asset            // those of all levels
	backups    []*backup           // copies that it has taken in included
	orders     []*jobOrder
	queue      []*queueItem
	history    []*historyJob
	recoveries []*recovery
	settings   settings
	failures   map[string]string // of the next copy, by the name of the asset
	held       bool              // whether copies neither begin nor end
	warnings   map[string]string // of the next success, by operation
	made       map[string]int    // ids given away, by kind
}

// settings are those of replication.
type settings struct {
	maxConcurrent int
	mailTo        string
	reportTime    string
	scheme        int
}

func newAppliance(w *world, c *config) *appliance {
	return &appliance{
		world: w, config: c, name: c.name, sessions: map[string]*session{},
		settings: settings{maxConcurrent: 2, reportTime: "09:00 am", scheme: schemeRetention},
		failures: map[string]string{}, warnings: map[string]string{},
		// Backups have large ids, and local systems are 1 everywhere.
		made: map[string]int{kindSystem: localSystem, kindBackup: 34140, kindAsset: 10, kindJob: 500},
	}
}

// Kinds of what has ids of its own.
const (
	kindSystem   = "system"
	kindRequest  = "request"
	kindTarget   = "target"
	kindAsset    = "asset"
	kindBackup   = "backup"
	kindOrder    = "order"
	kindJob      = "job"
	kindRecovery = "recovery"
)

// nextID returns an id that nothing of its kind has had.
func (a *appliance) nextID(kind string) int {
	a.made[kind]++
	return a.made[kind]
}

func (a *appliance) host() string { return a.name + ".drkit.test" }

func (a *appliance) assetTag() string { return "TAG-" + a.name }

// add makes an appliance of a config part of the world, with all that its options name.
func (w *world) add(c *config) (*appliance, error) {
	if w.named(c.name) != nil {
		return nil, fmt.Errorf("unitrendstest: there are two appliances of the name %q", c.name)
	}
	a := newAppliance(w, c)
	a.storage = c.storage
	w.appliances = append(w.appliances, a)
	for _, given := range c.assets {
		if err := a.addAsset(given); err != nil {
			return nil, fmt.Errorf("unitrendstest: Protects: %w", err)
		}
	}
	return a, nil
}

// introduce lets an appliance know the others that its options name.
func (a *appliance) introduce() error {
	names := slices.Concat(a.config.sources, a.config.takesIn, a.config.targets, a.config.reachable, a.config.manages)
	if slices.Contains(names, a.name) || slices.Contains(names, "") {
		return fmt.Errorf("unitrendstest: Pending, TakesIn, CopiesTo, Reachable and Manages name others than %q", a.name)
	}
	for _, name := range a.config.manages {
		a.systemOf(a.known(name)).managed = true
	}
	for _, name := range a.config.reachable {
		a.reachable = append(a.reachable, a.known(name))
	}
	for _, name := range a.config.sources {
		a.known(name).ask(a)
	}
	for _, name := range a.config.targets {
		partner := a.known(name)
		partner.complete(partner.accept(a.ask(partner), 0))
	}
	for _, name := range a.config.takesIn {
		a.complete(a.accept(a.known(name).ask(a), 0))
	}
	return a.placeOrders()
}

// peer returns the appliance that a text names, by its name, host or URL, out of those that this one can reach.
func (a *appliance) peer(text string) *appliance {
	for _, other := range a.reachable {
		if text == other.name || text == other.host() || (other.kit != nil && text == other.kit.URL) {
			return other
		}
	}
	return nil
}

// isDown reports whether the appliance is being restarted.
func (a *appliance) isDown() bool { return a.now.Before(a.downUntil) }
