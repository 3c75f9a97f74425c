package cloudreplicatest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// InMemory listens in memory instead of on a loopback port, with the same TLS. It is for tests inside
// testing/synctest, where waiting for a socket would keep the bubble's time from passing. Clients reach the server
// only through its [Server.Options] or [Server.Transport].
func InMemory() Option {
	return func(c *config) error {
		c.inMemory = true
		return nil
	}
}

// UseClock lets the server go by another clock than that of package time, such as a [ManualClock].
func UseClock(clock Clock) Option {
	return func(c *config) error {
		if clock == nil {
			return errors.New("UseClock: the clock is nil")
		}
		c.clock = clock
		return nil
	}
}

// Account names the user who can sign in, and the password. The default is administrator and a password that
// [Server.Password] has.
func Account(user, password string) Option {
	return func(c *config) error {
		if err := c.free(user, password); err != nil {
			return fmt.Errorf("Account: %w", err)
		}
		c.accounts[0] = account{user: user, password: password}
		return nil
	}
}

// ReadingAccount adds a user who may not change anything: all that does is answered 403. Which role may do what, the
// guide does not say for each operation.
func ReadingAccount(user, password string) Option {
	return func(c *config) error {
		if err := c.free(user, password); err != nil {
			return fmt.Errorf("ReadingAccount: %w", err)
		}
		c.accounts = append(c.accounts, account{user: user, password: password, reader: true})
		return nil
	}
}

func (c *config) free(user, password string) error {
	taken := func(a account) bool { return strings.EqualFold(a.user, user) }
	switch {
	case user == "" || password == "" || strings.ContainsAny(user, `\@:`):
		return errors.New("a plain user name and a password are needed")
	case slices.ContainsFunc(c.accounts[1:], taken):
		return fmt.Errorf("there is a user %q already", user)
	}
	return nil
}

// Versions names the versions of the API that the server has, the oldest first: v1_4 to v1_7 by default. They are
// there for clients to choose; answers are the same in all.
//
// Source: Enterprise Manager REST API reference, "Enterprise Manager REST API Versions".
func Versions(versions ...string) Option {
	return func(c *config) error {
		if len(versions) == 0 || slices.Contains(versions, "") {
			return errors.New("Versions: at least one is needed, and none is empty")
		}
		c.versions = slices.Clone(versions)
		return nil
	}
}

// IdleTimeout sets after how long without a request a logon session has expired: 15 minutes, as documented.
//
// Source: Enterprise Manager REST API reference, "HTTP Authentication".
func IdleTimeout(idle time.Duration) Option {
	return func(c *config) error {
		c.idle = idle
		return simkit.Positive("IdleTimeout", idle)
	}
}

// Latency lets every answer come this much later, by the server's clock, besides what a [Fault] delays.
func Latency(latency time.Duration) Option {
	return func(c *config) error {
		c.latency = latency
		return simkit.NotNegative("Latency", latency)
	}
}

// WithBackupServers puts these backup servers in place of the default one, vbr01. What names no server is the first's.
func WithBackupServers(servers ...BackupServer) Option {
	return func(c *config) error {
		for _, server := range servers {
			if server.Name == "" {
				return errors.New("WithBackupServers: a server has no name")
			}
		}
		c.servers = append(c.servers, servers...)
		return nil
	}
}

// WithTenants adds these tenants. With this or any of the other options that say what there is, there is nothing but
// what they say.
func WithTenants(tenants ...Tenant) Option {
	return furnishing(func(c *config) { c.tenants = append(c.tenants, tenants...) })
}

// WithReplicas adds these replicas; see [WithTenants].
func WithReplicas(replicas ...Replica) Option {
	return furnishing(func(c *config) { c.replicas = append(c.replicas, replicas...) })
}

// WithPlans adds these failover plans; see [WithTenants].
func WithPlans(plans ...Plan) Option {
	return furnishing(func(c *config) { c.plans = append(c.plans, plans...) })
}

// WithHardwarePlans adds these hardware plans; see [WithTenants].
func WithHardwarePlans(plans ...HardwarePlan) Option {
	return furnishing(func(c *config) { c.hardwarePlans = append(c.hardwarePlans, plans...) })
}

// WithGateways adds these gateways; see [WithTenants].
func WithGateways(gateways ...Gateway) Option {
	return furnishing(func(c *config) { c.gateways = append(c.gateways, gateways...) })
}

// WithGatewayPools adds these gateway pools; see [WithTenants].
func WithGatewayPools(pools ...GatewayPool) Option {
	return furnishing(func(c *config) { c.pools = append(c.pools, pools...) })
}

func furnishing(add func(*config)) Option {
	return func(c *config) error {
		c.furnished = true
		add(c)
		return nil
	}
}

// Inventory makes so many tenants with so many VMs each and so many points of each VM, ten minutes apart; the newest
// is from 10 to 69 minutes old. Every VM has a replica of its own, and every tenant a plan with all its VMs, called
// like the tenant. [InventoryTenant] and [InventoryVM] know the names. VMs are kept, but points are made when they are
// shown, so that a hundred thousand of them take a few megabytes.
func Inventory(tenants, vms, points int) Option {
	return func(c *config) error {
		if tenants < 1 || vms < 1 || points < 1 || tenants*vms >= 1<<20 || points >= 1<<20 {
			return fmt.Errorf("Inventory: %d tenants with %d VMs of %d points cannot be had", tenants, vms, points)
		}
		c.furnished = true
		for t := range tenants {
			name := InventoryTenant(t)
			c.tenants = append(c.tenants, Tenant{Name: name})
			all := Plan{Name: name, Tenant: name}
			for i := range vms {
				vm := InventoryVM(t, i)
				age := time.Duration(10+(t*vms+i)%60) * time.Minute
				all.VMs = append(all.VMs, vm)
				c.replicas = append(c.replicas, Replica{Name: vm, Tenant: name, VMs: []VM{{Name: vm, Points: points, Every: 10 * time.Minute, Age: age}}})
			}
			c.plans = append(c.plans, all)
		}
		return nil
	}
}

// TaskDuration sets how long tasks are running until their operation is finished, and how long then until the database
// knows and they are finished: 50 ms each by default. No answer that starts a task shows its end.
func TaskDuration(operating, publishing time.Duration) Option {
	return func(c *config) error {
		c.operating, c.publishing = operating, publishing
		return simkit.NotNegative("TaskDuration", operating, publishing)
	}
}

// ShowsAfter lets the database show what a task has changed only so long after the task is finished, as clients have
// seen: a link to what was made then answers 404 at first. By default it shows at once.
func ShowsAfter(lag time.Duration) Option {
	return func(c *config) error {
		c.lag = lag
		return simkit.NotNegative("ShowsAfter", lag)
	}
}

// FailoverDuration sets how long a failover session is starting, and how long it works on each VM: 50 ms and 100 ms by
// default.
func FailoverDuration(starting, perVM time.Duration) Option {
	return func(c *config) error {
		c.starting, c.perMachine = starting, perVM
		return simkit.NotNegative("FailoverDuration", starting, perVM)
	}
}

// CollectDuration sets how long the collection of data takes: 100 ms by default.
func CollectDuration(length time.Duration) Option {
	return func(c *config) error {
		c.collecting = length
		return simkit.NotNegative("CollectDuration", length)
	}
}

// CollectEvery sets how often data are collected without being asked for: every 15 minutes, as documented. 0 lets that
// happen only on request.
//
// Source: Enterprise Manager user guide, "Collecting Data from Backup Servers".
func CollectEvery(period time.Duration) Option {
	return func(c *config) error {
		if period < 0 || (period > 0 && period < time.Second) {
			return errors.New("CollectEvery: it must be a second at least, or 0")
		}
		c.collectEvery = period
		return nil
	}
}

// KeepPoints sets how many points of a VM are kept when new ones are made by [Server.Replicate]: 1000 by default.
func KeepPoints(count int) Option {
	return func(c *config) error {
		if count < 1 {
			return errors.New("KeepPoints: at least one is needed")
		}
		c.keep = count
		return nil
	}
}

// WithoutCloudConnect leaves Cloud Connect out, as on Linux or without the licence: logon sessions have no link to it,
// and its resources answer 404.
//
// Source: Enterprise Manager REST API reference, "Cloud Connect Service". The status is our own choice.
func WithoutCloudConnect() Option {
	return func(c *config) error {
		c.noCloudConnect = true
		return nil
	}
}

// CamelCase lets the names in JSON answers begin with small letters, as version 13.0 does.
func CamelCase() Option {
	return func(c *config) error {
		c.dialect.camel = true
		return nil
	}
}

// ByteOrderMark puts the mark of UTF-8 in front of JSON answers, as some builds do.
func ByteOrderMark() Option {
	return func(c *config) error {
		c.dialect.mark = true
		return nil
	}
}

// OmitNulls leaves out of JSON answers what is not set, as version 9.5 U4 did, which wrote empty lists without their
// wrapper. By default both are null.
func OmitNulls() Option {
	return func(c *config) error {
		c.dialect.omit = true
		return nil
	}
}

// BinaryTokens makes tokens of the 16 bytes of the session's id, as older builds do; by default they are made of its
// text.
func BinaryTokens() Option {
	return func(c *config) error {
		c.binaryTokens = true
		return nil
	}
}

// PlanVMsAs sets what a plan calls its VMs in the list that is part of it: CloudFailoveredVm by default, or
// CloudFailoverPlanVm, as some samples of the guide have it.
func PlanVMsAs(item string) Option {
	return func(c *config) error {
		if item != "CloudFailoveredVm" && item != "CloudFailoverPlanVm" {
			return fmt.Errorf("PlanVMsAs: nobody has seen %q", item)
		}
		c.planVMs = item
		return nil
	}
}

// LinksTo lets all links begin with another address, such as "https://em01.corp.example:9398/api": Enterprise Manager
// links to itself by its own name, which clients may not be able to reach.
func LinksTo(base string) Option {
	return func(c *config) error {
		if !strings.HasPrefix(base, "https://") || strings.HasSuffix(base, "/") {
			return fmt.Errorf("LinksTo: %q is no address, or ends with a slash", base)
		}
		c.base = base
		return nil
	}
}
