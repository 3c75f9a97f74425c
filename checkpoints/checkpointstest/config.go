package checkpointstest

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
	linked   *Server // nil: a cloud of its own
	flavour  Flavour
	region   string

	projectName string
	projects    []string // more of them
	account     account
	users       []account
	agencies    []agencyAccount
	accessKey   string
	secretKey   string
	tokenLife   time.Duration

	resources []Resource
	vaults    []Vault
	named     bool // whether vaults were named, possibly none
	furnished bool // whether resources were

	waiting, running time.Duration // of tasks
	settling         time.Duration // until resources are associated or removed
	taskDelay        time.Duration // until a task shows
	latency          time.Duration

	pageLimit   int
	policyQuota int
	vaultQuota  int
	ratePer     time.Duration
	rateCalls   int
	iamPer      time.Duration
	iamCalls    int

	quirks quirks
}

func newConfig(options []Option) (*config, error) {
	c := &config{
		projectName: "", tokenLife: 24 * time.Hour,
		account:   account{user: "operator", password: "simulated-password", domain: "ACME"},
		accessKey: "DRKITSIMULATEDKEY001", secretKey: "simulated-secret-key",
		waiting: 20 * time.Millisecond, running: 100 * time.Millisecond, settling: 50 * time.Millisecond,
		pageLimit: 1000, policyQuota: 32, vaultQuota: 1000,
	}
	for _, option := range options {
		if err := option(c); err != nil {
			return nil, fmt.Errorf("checkpointstest: %w", err)
		}
	}
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("checkpointstest: %w", err)
	}
	return c, nil
}

// complete fills in what no option has named.
func (c *config) complete() error {
	if c.linked != nil {
		first := c.linked.region.config
		switch {
		case c.clock != nil:
			return errors.New("LinkedTo: the clock is that of the first server")
		case first.inMemory != c.inMemory && c.inMemory:
			return errors.New("LinkedTo: the first server does not listen in memory")
		}
		c.inMemory, c.clock, c.flavour = first.inMemory, c.linked.region.cloud.clock, first.flavour
		c.region = or(c.region, "region2")
	}
	c.region = or(c.region, "region1")
	c.projectName = or(c.projectName, c.region)
	c.quirks.complete(c.flavour)
	if !c.furnished && c.linked == nil {
		c.resources = []Resource{VM("db-1", 40, 100), VM("app-1", 40), VM("web-1", 40)}
	}
	if c.named {
		return nil
	}
	c.vaults = []Vault{{Name: "production", Resources: []string{VMID("db-1"), VMID("app-1")}}}
	if c.linked != nil {
		c.vaults = []Vault{{Name: "replicas", ProtectType: ProtectReplication, SizeGB: 100_000}}
	}
	return nil
}
