package checkpointstest

import (
	"errors"
	"fmt"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// account is somebody who can sign in.
type account struct {
	user, password, passcode, domain string
	actions                          []string // nil: all
}

// agencyAccount is another account that lets the users of ours act in it.
type agencyAccount struct{ domain, agency string }

// InMemory listens in memory instead of on loopback ports, with the same TLS. It is for tests inside
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

// LinkedTo makes the server another region of the cloud of the first: one account, one identity service, one clock,
// and backups that can be replicated from each to the other. Its project has the name of its region, and an id of
// its own. Without further options it is region2 of the same flavour, has no resources and one vault, "replicas",
// that takes replicas of servers. Close it before the first.
func LinkedTo(first *Server) Option {
	return func(c *config) error {
		if first == nil {
			return errors.New("LinkedTo: the server is nil")
		}
		c.linked, c.flavour = first, first.region.config.flavour
		return nil
	}
}

// Play says which of the clouds the server plays: [OpenTelekomCloud] by default.
func Play(flavour Flavour) Option {
	return func(c *config) error {
		if flavour != OpenTelekomCloud && flavour != HuaweiCloud {
			return fmt.Errorf("Play: there is no flavour %q", flavour)
		}
		c.flavour = flavour
		return nil
	}
}

// InRegion names the region, and with it the project: region1 by default, or region2 where the server is linked.
func InRegion(name string) Option {
	return func(c *config) error {
		if name == "" {
			return errors.New("InRegion: the name is empty")
		}
		c.region = name
		return nil
	}
}

// Account names the account, the user and the password. The default is ACME, operator and a password that
// [Server.Password] has.
func Account(domain, user, password string) Option {
	return func(c *config) error {
		if domain == "" || user == "" || password == "" {
			return errors.New("Account: an account, a user and a password are needed")
		}
		c.account = account{user: user, password: password, domain: domain}
		return nil
	}
}

// SubProject adds a project of the account in the region, whose id [ProjectID] tells. It has nothing at first.
func SubProject(name string) Option {
	return func(c *config) error {
		if name == "" {
			return errors.New("SubProject: the name is empty")
		}
		c.projects = append(c.projects, name)
		return nil
	}
}

// MFAUser adds a user of the account who needs a second factor, which here is always the same passcode.
//
// Source: Identity and Access Management API reference, "Obtaining a User Token Through Password and Virtual MFA
// Authentication".
func MFAUser(name, password, passcode string) Option {
	return func(c *config) error {
		if name == "" || password == "" || passcode == "" {
			return errors.New("MFAUser: a name, a password and a passcode are needed")
		}
		c.users = append(c.users, account{user: name, password: password, passcode: passcode})
		return nil
	}
}

// RestrictedUser adds a user of the account who may do only what these actions of the identity service allow, as in
// "cbr:vaults:list". Operations that need another are answered 403; those that name none are open to all.
//
// Source: Cloud Backup and Recovery API reference, "Permissions Policies and Supported Actions".
func RestrictedUser(name, password string, actions ...string) Option {
	return func(c *config) error {
		if name == "" || password == "" {
			return errors.New("RestrictedUser: a name and a password are needed")
		}
		c.users = append(c.users, account{user: name, password: password, actions: append([]string{}, actions...)})
		return nil
	}
}

// OtherAccount adds another account with a project of the region's name, and a user in it. Backups can be shared
// with that project.
func OtherAccount(domain, user, password string) Option {
	return func(c *config) error {
		if domain == "" || user == "" || password == "" {
			return errors.New("OtherAccount: an account, a user and a password are needed")
		}
		c.users = append(c.users, account{user: user, password: password, domain: domain})
		return nil
	}
}

// Agency adds another account with a project of the region's name, which lets the users of ours act in it by an
// agency of that name.
//
// Source: Identity and Access Management API reference, "Obtaining an Agency Token".
func Agency(domain, agency string) Option {
	return func(c *config) error {
		if domain == "" || agency == "" {
			return errors.New("Agency: an account and the name of the agency are needed")
		}
		c.agencies = append(c.agencies, agencyAccount{domain, agency})
		return nil
	}
}

// Keys sets the permanent keys of the user, which sign requests. [Server.AccessKey] and [Server.SecretKey] have them.
func Keys(access, secret string) Option {
	return func(c *config) error {
		if access == "" || secret == "" {
			return errors.New("Keys: an access key and a secret are needed")
		}
		c.accessKey, c.secretKey = access, secret
		return nil
	}
}

// TokenLife sets how long tokens last: 24 hours by default.
//
// Source: Identity and Access Management API reference, "Token Management".
func TokenLife(life time.Duration) Option {
	return func(c *config) error {
		c.tokenLife = life
		return simkit.Positive("TokenLife", life)
	}
}

// Resources puts these servers, disks and file systems in place of the default ones, which are the servers db-1
// with two disks, app-1 and web-1. Without arguments there are none.
func Resources(resources ...Resource) Option {
	return func(c *config) error {
		c.furnished = true
		c.resources = append(c.resources, resources...)
		return nil
	}
}

// Vaults puts these vaults in place of the default one, "production", which protects db-1 and app-1. Without
// arguments there are none.
func Vaults(vaults ...Vault) Option {
	return func(c *config) error {
		c.named = true
		c.vaults = append(c.vaults, vaults...)
		return nil
	}
}

// TaskDuration sets how long tasks are waiting and then running: 20 ms and 100 ms by default. With no time to wait
// they run at once; the answer that starts a task never shows its end.
func TaskDuration(waiting, running time.Duration) Option {
	return func(c *config) error {
		c.waiting, c.running = waiting, running
		return simkit.NotNegative("TaskDuration", waiting, running)
	}
}

// TasksShowAfter lets tasks show only so long after they were accepted. By default they show at once.
func TasksShowAfter(delay time.Duration) Option {
	return func(c *config) error {
		c.taskDelay = delay
		return simkit.NotNegative("TasksShowAfter", delay)
	}
}

// SettlesAfter sets how long after their answer resources show in the vault that they were added to: 50 ms by
// default.
func SettlesAfter(delay time.Duration) Option {
	return func(c *config) error {
		c.settling = delay
		return simkit.NotNegative("SettlesAfter", delay)
	}
}

// Latency lets every answer of the backup service come this much later, by the server's clock, besides what a
// [Fault] delays.
func Latency(latency time.Duration) Option {
	return func(c *config) error {
		c.latency = latency
		return simkit.NotNegative("Latency", latency)
	}
}

// PageLimit sets the highest limit of lists, which is also their default: 1000, as documented. A small one makes
// short lists have many pages.
//
// Source: Cloud Backup and Recovery API reference, "Querying All Backups".
func PageLimit(limit int) Option {
	return func(c *config) error {
		if limit < 1 || limit > maxLimit {
			return fmt.Errorf("PageLimit: %d is not within 1 and %d", limit, maxLimit)
		}
		c.pageLimit = limit
		return nil
	}
}

// Quotas sets how many policies of each type an account has at most, and how many vaults a project: 32, as
// documented, and 1000.
func Quotas(policies, vaults int) Option {
	return func(c *config) error {
		if policies < 0 || vaults < 0 {
			return errors.New("Quotas: less than nothing")
		}
		c.policyQuota, c.vaultQuota = policies, vaults
		return nil
	}
}

// RateLimit lets so many requests to the backup service pass in each period. Those beyond it are answered 429 with
// [CodeThrottled] and a Retry-After that says when the period ends. There is no limit by default.
func RateLimit(requests int, period time.Duration) Option {
	return func(c *config) error {
		if requests < 1 || period < time.Second {
			return errors.New("RateLimit: at least one request and one second are needed")
		}
		c.rateCalls, c.ratePer = requests, period
		return nil
	}
}

// SignInLimit does the same for the identity service, whose code is [CodeIAMThrottled].
func SignInLimit(requests int, period time.Duration) Option {
	return func(c *config) error {
		if requests < 1 || period < time.Second {
			return errors.New("SignInLimit: at least one request and one second are needed")
		}
		c.iamCalls, c.iamPer = requests, period
		return nil
	}
}
