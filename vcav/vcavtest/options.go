package vcavtest

import (
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Option sets up a server. Options that make no sense together fail in [NewServer] and [Start].
type Option func(*config) error

// config is what options fill in.
type config struct {
	inMemory       bool
	clock          Clock
	local          *site
	remotes        []*site
	replications   []Replication
	named          bool // whether replications were named, possibly none
	machines       []Machine
	profiles       []SLAProfile
	policies       []Policy
	policyMembers  map[string]json.RawMessage // to their defaults
	accounts       []account
	remoteAccounts []remoteAccount
	remoteTokens   []remoteToken
	rootPassword   string
	samlKey        *rsa.PublicKey
	tokens         map[string]string // vCD access token to its user
	authenticated  []string
	queued         time.Duration
	running        time.Duration
	idle           time.Duration
	absolute       time.Duration
	extension      time.Duration // 0: as long as the session
	latency        time.Duration
	instanceID     string // empty: one that no other server has
	productVersion string
	newest         apiVersion
	pageLimit      int
	unconfigured   bool
	healthShape    HealthShape
	bundles        []SupportBundle
	bundleSize     int64
	cookieLife     time.Duration
	pollObjects    bool
	pollCap        int // 0: none
}

// account is somebody who can sign in with a name and a password.
type account struct {
	user     string // "user@org", or an SSO name
	password string
	sso      bool
}

func newConfig(options []Option) (*config, error) {
	c := &config{
		rootPassword: "simulated-root-password", tokens: map[string]string{},
		policyMembers: map[string]json.RawMessage{}, profiles: usualProfiles(),
		queued: 20 * time.Millisecond, running: 100 * time.Millisecond,
		idle: 30 * time.Minute, absolute: 24 * time.Hour,
		productVersion: "4.1.0", newest: apiVersion{4, 1}, pageLimit: 100,
		bundleSize: usualBundleSize, cookieLife: 5 * time.Minute,
	}
	for _, option := range options {
		if err := option(c); err != nil {
			return nil, fmt.Errorf("vcavtest: %w", err)
		}
	}
	if c.local == nil {
		c.local = newSite("site2", "org2")
	}
	if len(c.remotes) == 0 {
		c.remotes = []*site{newSite("site1", "org1")}
	}
	if !c.named {
		c.replications = []Replication{
			{VMName: "db-1", VApp: "shop", SLAProfile: "Platinum", Metadata: map[string]string{"tier": "data"}},
			{VMName: "app-1", VApp: "shop"},
			{VMName: "web-1", VApp: "shop"},
		}
	}
	return c, nil
}

// InMemory listens in memory instead of on a loopback port, with the same TLS. It is for tests inside
// testing/synctest, where waiting for a socket would keep the bubble's time from passing. Clients reach
// the server only through its [Server.Options] or [Server.Transport].
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

// LocalSite names the site whose appliance this is, and its organizations. The default is site2 with org2.
func LocalSite(name string, orgs ...string) Option {
	return func(c *config) error {
		if name == "" || len(orgs) == 0 {
			return errors.New("LocalSite: a name and at least one organization are needed")
		}
		c.local = newSite(name, orgs...)
		return nil
	}
}

// RemoteSite adds a cloud site that is paired with the local one. The default, when no site is added, is
// site1 with org1. The first remote site is the source of replications that name none.
func RemoteSite(name string, orgs ...string) Option {
	return func(c *config) error {
		if name == "" || len(orgs) == 0 {
			return errors.New("RemoteSite: a name and at least one organization are needed")
		}
		c.remotes = append(c.remotes, newSite(name, orgs...))
		return nil
	}
}

// OnPremisesSite adds a customer's site, which has a vCenter Server and no organizations.
func OnPremisesSite(name string) Option {
	return func(c *config) error {
		if name == "" {
			return errors.New("OnPremisesSite: the name is empty")
		}
		c.remotes = append(c.remotes, newSite(name))
		return nil
	}
}

// Protect puts these VM replications in place of the default ones. Without arguments there are none.
func Protect(replications ...Replication) Option {
	return func(c *config) error {
		c.named = true
		c.replications = append(c.replications, replications...)
		return nil
	}
}

// Tenant adds a user of an organization at the local site, as in "ann@org2", who signs in with Cloud
// Director credentials. Tenants see the replications from and to their organization, except those that
// administrators own, and their own tasks. There is none by default.
//
// Source: Cloud Director Availability API guide, "Establish a Session by Using VMware Cloud Director
// Tenant Credentials" and "Long running tasks"; whose replications a tenant sees is our reading.
func Tenant(user, password string) Option {
	return func(c *config) error {
		if !strings.Contains(user, "@") || password == "" {
			return fmt.Errorf("Tenant: %q is not like user@org, or the password is empty", user)
		}
		c.accounts = append(c.accounts, account{user: user, password: password})
		return nil
	}
}

// SSOUser adds an administrator who signs in with SSO credentials. There is none by default.
//
// Source: Cloud Director Availability API guide, "Establish a Session by Using SSO credentials".
func SSOUser(username, password string) Option {
	return func(c *config) error {
		if username == "" || password == "" {
			return errors.New("SSOUser: a name and a password are needed")
		}
		c.accounts = append(c.accounts, account{user: username, password: password, sso: true})
		return nil
	}
}

// SSOKey demands that SAML tokens are holder-of-key ones: sign-ins must carry a base64 SHA256withRSA
// signature of samlToken, timestamp and nonce that this key verifies. Without it any SAML token is taken
// and signatures are ignored.
//
// Source: Cloud Director Availability API guide, "Establish a Session by Using SSO SAML token".
func SSOKey(key *rsa.PublicKey) Option {
	return func(c *config) error {
		if key == nil {
			return errors.New("SSOKey: the key is nil")
		}
		c.samlKey = key
		return nil
	}
}

// AccessToken lets this Cloud Director token sign in as a user, who is a tenant as in "ann@org2" or an
// administrator as in "root@System". There is none by default.
//
// Source: Cloud Director Availability API guide, "Establish a Session by Using VMware Cloud Director JWT".
func AccessToken(token, user string) Option {
	return func(c *config) error {
		if token == "" || !strings.Contains(user, "@") {
			return fmt.Errorf("AccessToken: the token is empty, or %q is not like user@org", user)
		}
		c.tokens[token] = user
		return nil
	}
}

// RootPassword sets the password of the built-in administrator, who signs in as the local user root and as
// the Cloud Director user root@System. It is also in [Server.Password].
//
// Source: Cloud Director Availability API guide, "Administrative Authentication".
func RootPassword(password string) Option {
	return func(c *config) error {
		if password == "" {
			return errors.New("RootPassword: the password is empty")
		}
		c.rootPassword = password
		return nil
	}
}

// AuthenticatedAt lets sessions begin authenticated at these remote sites, too, as if they had been
// extended, and for as long: administrators as System, tenants as the organization of their name there or, if there is
// none, the first. By default sessions know the local site only.
//
// Source: Cloud Director Availability API guide, "Get the Current Session".
func AuthenticatedAt(sites ...string) Option {
	return func(c *config) error {
		c.authenticated = append(c.authenticated, sites...)
		return nil
	}
}

// TaskDuration sets how long tasks are QUEUED and then RUNNING: 20 ms and 100 ms by default. With no time
// in the queue they are RUNNING at once; the answer that starts a task never shows its end.
func TaskDuration(queued, running time.Duration) Option {
	return func(c *config) error {
		c.queued, c.running = queued, running
		return simkit.NotNegative("TaskDuration", queued, running)
	}
}

// SessionLife sets after how long without a request sessions end, and after how long in any case: 30
// minutes and 24 hours by default, which the guide does not tell but the product's administrators know.
func SessionLife(idle, absolute time.Duration) Option {
	return func(c *config) error {
		c.idle, c.absolute = idle, absolute
		return simkit.Positive("SessionLife", idle, absolute)
	}
}

// ProductVersion sets the version of the product, as in "4.5.0"; "4.1.0" by default. It is also the newest
// version of the API that Accept headers may ask for; the oldest is 3.0.
func ProductVersion(version string) Option {
	return func(c *config) error {
		newest, ok := parseVersion(version)
		if !ok || newest.compare(oldest) < 0 {
			return fmt.Errorf("ProductVersion: %q is not a version from 3.0 on", version)
		}
		c.productVersion, c.newest = version, newest
		return nil
	}
}

// PageLimit sets the cap that lists silently put on the limit parameter, which is also its default: 100,
// as with real appliances. A small one makes short lists have many pages.
//
// Source: Cloud Director Availability API guide, "Get the Details of All the Tasks".
func PageLimit(limit int) Option {
	return func(c *config) error {
		if limit < 1 {
			return fmt.Errorf("PageLimit: %d rows are none", limit)
		}
		c.pageLimit = limit
		return nil
	}
}
