package unitrends

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// Client talks to one appliance. It is immutable and safe for concurrent use.
type Client struct {
	// Sessions signs in.
	Sessions *Sessions
	// Sources are the appliances whose copies come to this one.
	Sources *Sources
	// Targets are the appliances that copies of this one go to.
	Targets *Targets
	// Config are the settings of replication.
	Config *Config
	// Queue holds the backups that wait for their copy, or are being copied.
	Queue *Queue
	// Systems are the appliances that this one knows, itself among them.
	Systems *Systems
	// JobOrders say what is to be backed up or copied, and when.
	JobOrders *JobOrders
	// Jobs are what runs, and what has run.
	Jobs *Jobs
	// Assets are what is protected.
	Assets *Assets
	// Storage is what backups and copies are kept on.
	Storage *Storage
	// Catalog has the backups and copies that there are.
	Catalog *Catalog
	// InstantRecoveries are machines that run from a backup.
	InstantRecoveries *InstantRecoveries

	transport   *transport.Client
	identity    *transport.Identity
	credentials Credentials
}

// SystemView is a view of a client: its requests ask for one system alone, over the same session and
// connections. What the service gives no way to ask of one system is not in it.
type SystemView struct {
	// Targets are the appliances that copies of the system go to, without those that are connected.
	Targets *SystemTargets
	// Config are the settings of replication of the system.
	Config *Config
	// Queue is the queue of the system, as far as it can be changed.
	Queue *SystemQueue
	// Systems has the system alone.
	Systems *Systems
	// JobOrders are those of the system.
	JobOrders *JobOrders
	// Jobs are those of the system.
	Jobs *Jobs
	// Assets are what the system protects.
	Assets *Assets
	// Storage is that of the system.
	Storage *Storage
	// Catalog has the backups and copies of the system.
	Catalog *Catalog
	// InstantRecoveries are those of the system.
	InstantRecoveries *InstantRecoveries
}

// place is what the calls of a resource ask for: all that the user may see, or the system that a view names.
type place struct {
	client *Client
	system ID
	named  bool
}

// NewClient returns a client for the appliance at endpoint, as in "https://recovery01.example.com". It sends
// nothing: the first call signs in with credentials, and all calls share that session. Appliances normally have a
// certificate of their own making, which takes [drkit.WithThumbprint] or [drkit.WithRootCAs].
//
// The service takes no operation ID: the one of [drkit.WithOperationID] shows in errors and log records alone.
//
// Errors: an endpoint that is no https URL, empty credentials, a bad option or two that contradict each other.
func NewClient(endpoint string, credentials Credentials, options ...drkit.Option) (*Client, error) {
	c := &Client{credentials: credentials}
	if err := c.connect(endpoint, options); err != nil {
		return nil, fmt.Errorf("unitrends: %w", err)
	}
	c.identity = transport.NewIdentity(c.transport, "name and id", c.owner)
	all := place{client: c}
	c.Sessions = &Sessions{all}
	c.Sources = &Sources{all}
	c.Targets = &Targets{SystemTargets{all}}
	c.Config = &Config{all}
	c.Queue = &Queue{SystemQueue{all}}
	c.Systems = &Systems{all}
	c.JobOrders = &JobOrders{all}
	c.Jobs = &Jobs{all}
	c.Assets = &Assets{all}
	c.Storage = &Storage{all}
	c.Catalog = &Catalog{all}
	c.InstantRecoveries = &InstantRecoveries{all}
	return c, nil
}

func (c *Client) connect(endpoint string, options []drkit.Option) error {
	if c.credentials == nil {
		return errors.New("credentials are nil")
	}
	if err := c.credentials.check(); err != nil {
		return err
	}
	var err error
	c.transport, err = transport.New(transport.Config{
		Service:          service,
		Endpoint:         endpoint,
		SiteParameter:    "sid",
		SlashBeforeQuery: true,
		LooseScalars:     true,
		LooseLists:       true,
		Accept:           func(string, bool) string { return "application/json" },
		Session:          c.sessionConfig(),
		DecodeError:      decodeError,
		Secrets:          c.credentials.secrets(),
		LogQuery:         []string{"sid", "include_pending", "include_rejected", "showFlat", "start_date", "end_date"},
		Options:          options,
	})
	return err
}

// System returns a view whose requests ask for one system: the [System.ID] of one that the appliance manages, or
// its own. An empty id makes every call of the view an error: it does not mean all systems.
func (c *Client) System(id ID) *SystemView {
	one := place{client: c, system: id, named: true}
	return &SystemView{
		Targets: &SystemTargets{one}, Config: &Config{one}, Queue: &SystemQueue{one}, Systems: &Systems{one},
		JobOrders: &JobOrders{one}, Jobs: &Jobs{one}, Assets: &Assets{one}, Storage: &Storage{one},
		Catalog: &Catalog{one}, InstantRecoveries: &InstantRecoveries{one},
	}
}

// Close ends calls and waits that are under way with [drkit.ErrClosed], and closes the client's idle connections.
// The session is left to expire: how to end one is not documented. It is safe to call again.
func (c *Client) Close(ctx context.Context) error { return c.transport.Close(ctx) }

// do sends a call at this place and decodes the answer into out.
func (p place) do(ctx context.Context, call transport.Call, out any) error {
	_, err := p.send(ctx, call, out)
	return err
}

// send is do for who needs to know how the answer came.
func (p place) send(ctx context.Context, call transport.Call, out any) (transport.Answer, error) {
	if p.named && strings.TrimSpace(string(p.system)) == "" {
		return transport.Answer{}, fmt.Errorf("%s.%s: the id of the system is empty", service, call.Operation.Name)
	}
	call.Site = string(p.system)
	return p.client.transport.Do(ctx, call, out)
}

// apply sends a call that changes something at once, and returns what the service says of it.
func (p place) apply(ctx context.Context, call transport.Call) (Result, error) {
	var answer changed
	call.Bare = true
	err := p.do(ctx, call, &answer)
	return answer.Result, err
}
