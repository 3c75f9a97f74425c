package cloudreplicatest

import (
	"errors"
	"fmt"
	"time"
)

// Option sets up a server. Options that make no sense together fail in [NewServer] and [Start].
type Option func(*config) error

// config is what options fill in.
type config struct {
	inMemory bool
	clock    Clock
	accounts []account
	versions []string
	idle     time.Duration
	latency  time.Duration

	servers       []BackupServer
	tenants       []Tenant
	replicas      []Replica
	plans         []Plan
	hardwarePlans []HardwarePlan
	gateways      []Gateway
	pools         []GatewayPool
	furnished     bool // whether any of these was named

	operating, publishing time.Duration // of tasks
	lag                   time.Duration // until the database shows what a finished task has made
	starting, perMachine  time.Duration // of failovers
	collecting            time.Duration // of data
	collectEvery          time.Duration // 0: never by itself
	keep                  int           // points of a VM

	noCloudConnect bool
	dialect        dialect
	binaryTokens   bool
	planVMs        string
	base           string
}

func newConfig(options []Option) (*config, error) {
	c := &config{
		accounts: []account{{user: "administrator", password: "simulated-password"}},
		versions: []string{"v1_4", "v1_5", "v1_6", "v1_7"}, idle: 15 * time.Minute,
		operating: 50 * time.Millisecond, publishing: 50 * time.Millisecond,
		starting: 50 * time.Millisecond, perMachine: 100 * time.Millisecond, collecting: 100 * time.Millisecond,
		collectEvery: 15 * time.Minute, keep: 1000, planVMs: "CloudFailoveredVm",
	}
	for _, option := range options {
		if err := option(c); err != nil {
			return nil, fmt.Errorf("cloudreplicatest: %w", err)
		}
	}
	if c.noCloudConnect && c.furnished {
		return nil, errors.New("cloudreplicatest: WithoutCloudConnect: there are no tenants, replicas, plans, hardware plans or gateways then")
	}
	if !c.furnished && !c.noCloudConnect {
		c.usual()
	}
	if len(c.servers) == 0 {
		c.servers = []BackupServer{{Name: "vbr01"}}
	}
	return c, nil
}

// usual is the picture without options.
func (c *config) usual() {
	c.hardwarePlans = []HardwarePlan{{Name: "gold"}}
	c.gateways = []Gateway{{Name: "gate01", Pool: "gates"}}
	c.pools = []GatewayPool{{Name: "gates"}}
	c.tenants = []Tenant{{Name: "acme", HardwarePlans: []string{"gold"}, Pools: []string{"gates"}}, {Name: "globex", HardwarePlans: []string{"gold"}}}
	c.replicas = []Replica{
		{Name: "acme servers", Tenant: "acme", VMs: []VM{{Name: "db-1"}, {Name: "web-1"}}},
		{Name: "globex app", Tenant: "globex", VMs: []VM{{Name: "app-1"}}},
	}
	c.plans = []Plan{
		{Name: "acme all", Tenant: "acme", VMs: []string{"db-1", "web-1"}},
		{Name: "globex all", Tenant: "globex", VMs: []string{"app-1"}},
	}
}
