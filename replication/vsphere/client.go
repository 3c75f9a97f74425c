package vsphere

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/transport"
)

// service names this package in errors, log records and resume tokens.
const service = "vsphere"

const basePath = "/api/rest/vr/"

// Client talks to the appliance of one site. It is immutable and safe for concurrent use.
type Client struct {
	// Sessions shows and ends the session of this client.
	Sessions *Sessions
	// Appliance is what answers.
	Appliance *Appliance
	// ReplicationServers are those of this site's management server.
	ReplicationServers *ReplicationServers
	// Pairings are the pairs of this site and others.
	Pairings *Pairings
	// Tasks are the long-running operations of this site.
	Tasks *Tasks

	transport   *transport.Client
	identity    *transport.Identity
	credentials Credentials
	batch       *taskwait.Batch[Task]
	remotes     remotes
	turns       turns

	mu       sync.Mutex
	kinds    map[string]string  // what tasks call the work of an operation, as answers have shown it
	subjects map[string]subject // how tasks name a replication, by its id
}

// PairingView is a view of a client: its requests are about one pairing, over the same session and connections.
type PairingView struct {
	// RemoteSession is the session at the other site.
	RemoteSession *RemoteSession
	// ManagementServers are those of the two sites.
	ManagementServers *ManagementServers
	// SiteReplicationServers are the replication servers of either site.
	SiteReplicationServers *SiteReplicationServers
	// Replications are the incoming and the outgoing replications.
	Replications *Replications
	// Datastores are those of either site that replicas may go to.
	Datastores *Datastores
	// StoragePolicies are those of either site.
	StoragePolicies *StoragePolicies
	// VMs are the machines of either site.
	VMs *VMs
	// Compute has hosts, clusters and resource pools of either site.
	Compute *Compute
	// Folders are those of either site that machines can be put into.
	Folders *Folders
	// Mappings are the ends of enhanced replications.
	Mappings *Mappings
}

// place is what the calls of a resource are about: the whole site, or the pairing that a view names.
type place struct {
	client  *Client
	pairing string
	named   bool
}

// NewClient returns a client for the appliance at endpoint, as in "https://vr.example.com". It sends nothing: the
// first call signs in with credentials, and all calls share that session. Appliances normally have a certificate of
// their own making, which takes [drkit.WithThumbprint] or [drkit.WithRootCAs].
//
// A client keeps to the requests that an appliance lets pass by default, 50 a minute for each session: it sends ten
// at once and 36 a minute, calls and waits together. [drkit.WithRateLimit] sets another limit, for an appliance that
// has another, and [AddressLimit] is one that several clients share. Waits look after two seconds first, unless
// [drkit.WithPolling] says otherwise.
//
// The service takes no operation ID: the one of [drkit.WithOperationID] shows in errors and log records alone.
//
// Errors: an endpoint that is no https URL, or has the path of the API already; empty credentials; a bad option or
// two that contradict each other.
func NewClient(endpoint string, credentials Credentials, options ...drkit.Option) (*Client, error) {
	c := &Client{credentials: credentials, kinds: map[string]string{}, subjects: map[string]subject{}}
	if err := c.connect(endpoint, options); err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	c.identity = transport.NewIdentity(c.transport, "id", c.owner)
	site := place{client: c}
	c.batch = site.newBatch()
	c.Sessions = &Sessions{site}
	c.Appliance = &Appliance{site}
	c.ReplicationServers = &ReplicationServers{site}
	c.Pairings = &Pairings{site}
	c.Tasks = &Tasks{site}
	return c, nil
}

func (c *Client) connect(endpoint string, options []drkit.Option) error {
	switch {
	case c.credentials == nil:
		return errors.New("credentials are nil")
	case strings.Contains(endpoint, strings.TrimSuffix(basePath, "/")):
		return fmt.Errorf("endpoint %q has the path of the API already: it is the address of the appliance alone", endpoint)
	}
	if err := c.credentials.check(); err != nil {
		return err
	}
	var err error
	c.transport, err = transport.New(transport.Config{
		Service:     service,
		Endpoint:    endpoint,
		Base:        base,
		Accept:      func(string, bool) string { return "application/json" },
		Session:     c.sessionConfig(),
		DecodeError: decodeError,
		Window:      time.Minute,
		Secrets:     c.credentials.secrets(),
		LogQuery: []string{
			"filter_property", "filter", "sort_by", "order_by", "offset", "limit", "source_vc_guid", "extended_info", "force",
			"retain_replica_disks", "vm_id", "path", "suitable_for_replication",
		},
		Options: append([]drkit.Option{
			drkit.WithRateLimit(perMinute/60.0, burst),
			drkit.WithPolling(drkit.PollPolicy{MinInterval: firstInterval}),
		}, options...),
	})
	return err
}

// The appliance counts requests in windows of a minute that nobody sees. In a minute at most burst and perMinute
// leave together, which is 46 of the 50 of a session: the rest is for requests that are held up on their way and
// come in the next window.
const (
	burst         = 10
	perMinute     = 36
	firstInterval = 2 * time.Second
)

// AddressLimit returns a limit for several clients of one appliance: by default it lets a hundred requests a minute
// pass for each address that they come from. Two clients keep to that by themselves; from three on, make one limit
// and give it to each of them as an option. Other processes at the same address are not counted.
//
// Source: vSphere Replication administration guide, the rate limiter.
func AddressLimit() *drkit.RateLimit { return drkit.NewRateLimit(72/60.0, 20) }

func base(version string) string {
	if version == "" {
		version = "v2"
	}
	return basePath + version
}

type apiVersion string

// Apply checks and sets the version.
func (v apiVersion) Apply(s *settings.Settings) error {
	if v != "v1" && v != "v2" {
		return fmt.Errorf("WithAPIVersion: %q is neither v1 nor v2", string(v))
	}
	s.APIVersion = string(v)
	return nil
}

// WithAPIVersion asks for version "v1" of the API, which servers from 8.6 on have and call deprecated, or for "v2",
// which is the default. The times of the first version are text, in [Time.Text]. Of what came after version 2.0.0 of
// the specification, tests and images above all, nobody documents that the first version has it: ask the second.
func WithAPIVersion(version string) drkit.Option { return apiVersion(version) }

// Pairing returns a view whose requests are about one pairing: the PairingID of a [Pairing]. An empty id makes every
// call of the view an error.
func (c *Client) Pairing(id string) *PairingView {
	at := place{client: c, pairing: id, named: true}
	return &PairingView{
		RemoteSession: &RemoteSession{at}, ManagementServers: &ManagementServers{at},
		SiteReplicationServers: &SiteReplicationServers{at}, Replications: &Replications{at}, Datastores: &Datastores{at},
		StoragePolicies: &StoragePolicies{at}, VMs: &VMs{at}, Compute: &Compute{at}, Folders: &Folders{at}, Mappings: &Mappings{at},
	}
}

// Close ends calls and waits that are under way with [drkit.ErrClosed], lets their requests return, signs out of
// the session that this client began, and with it of the other sites, and closes its idle connections. Signing out
// takes no longer than [drkit.WithTimeout] allows one attempt, also where ctx never ends. A session whose token was
// given with [Token] is left alone. It is safe to call again.
//
// Errors: those of signing out, unless the session was gone already.
func (c *Client) Close(ctx context.Context) error { return c.transport.Close(ctx) }

// do sends a call at this place and decodes the answer into out.
func (p place) do(ctx context.Context, call transport.Call, out any) error {
	_, err := p.send(ctx, call, out)
	return err
}

// send is do for who needs to know how the answer came.
func (p place) send(ctx context.Context, call transport.Call, out any) (transport.Answer, error) {
	if p.named {
		if strings.TrimSpace(p.pairing) == "" {
			return transport.Answer{}, fmt.Errorf("%s.%s: the id of the pairing is empty", service, call.Operation.Name)
		}
		call.Path = append([]string{p.pairing}, call.Path...)
	}
	aboutPairing := len(call.Path) > 0 && strings.HasPrefix(call.Operation.Path, "/pairings/{")
	if aboutPairing {
		p.client.signInAgain(ctx, call.Path[0], call.Operation)
	}
	if answer, ok := out.(identified); ok && call.Check == nil {
		call.Check = func() error { return identify(answer) }
	}
	answer, err := p.client.transport.Do(ctx, call, out)
	if aboutPairing && lacking(out, err) && p.client.regain(ctx, call.Path[0], call.Operation) && call.Operation.Class == api.Read {
		reflect.ValueOf(out).Elem().SetZero()
		answer, err = p.client.transport.Do(ctx, call, out)
	}
	if said, ok := out.(described); ok && err == nil {
		p.client.warn(ctx, call.Operation.Name, said.metadata().Errors)
	}
	return answer, err
}
