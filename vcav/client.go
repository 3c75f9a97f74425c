package vcav

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/transport"
)

const defaultAPIVersion = "4.1"

// Client talks to one Cloud Service. It is immutable and safe for concurrent use.
type Client struct {
	// Sessions shows and ends the session of this client.
	Sessions *Sessions
	// Diagnostics tells what the appliance is, and how it is.
	Diagnostics *Diagnostics
	// SupportBundles are the archives for the vendor's support.
	SupportBundles *SupportBundles
	// Tasks are the long-running operations of the local site.
	Tasks *Tasks
	// Policies are the replication policies of the local site.
	Policies *Policies
	// VMReplications are the VM replications of the local site.
	VMReplications *VMReplications

	transport   *transport.Client
	identity    *transport.Identity
	credentials Credentials
	extensions  extensions

	mu      sync.Mutex
	session Session                          // of the last sign-in
	batches map[string]*taskwait.Batch[Task] // by site
	names   map[string][]string              // of this client in tasks, as answers have shown them; by site
}

// Site is a view of a client: its requests name a site to run at, over the same session and
// connections. The site must be one that the session is authenticated at.
type Site struct {
	// Tasks are the long-running operations of the site.
	Tasks *Tasks
	// Policies are the replication policies of the site. They are changed at their own site only.
	Policies *SitePolicies
	// VMReplications are the VM replications of the site, without the statistics, which only the local
	// site gives.
	VMReplications *SiteVMReplications
}

// place is where the calls of a resource run: the local site, or the one that a view names.
type place struct {
	client *Client
	site   string
	named  bool
}

// NewClient returns a client for the Cloud Service at endpoint, as in "https://vcda.example.com". It
// sends nothing: the first call signs in with credentials, and all calls share that session.
//
// Errors: an endpoint that is no https URL, empty credentials, a bad option or two that contradict each
// other.
func NewClient(endpoint string, credentials Credentials, options ...drkit.Option) (*Client, error) {
	c := &Client{credentials: credentials}
	if err := c.connect(endpoint, options); err != nil {
		return nil, fmt.Errorf("vcav: %w", err)
	}
	c.identity = transport.NewIdentity(c.transport, "instanceId", c.owner)
	local := place{client: c}
	c.Sessions = &Sessions{local}
	c.Diagnostics = &Diagnostics{local}
	c.SupportBundles = &SupportBundles{local}
	c.Tasks = &Tasks{local}
	c.Policies = &Policies{SitePolicies{local}}
	c.VMReplications = &VMReplications{SiteVMReplications{local}}
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
		Service:     "vcav",
		Endpoint:    endpoint,
		TraceHeader: "operationID", SiteParameter: "site",
		Accept:      mediaType,
		Session:     c.sessionConfig(),
		DecodeError: decodeError,
		Secrets:     c.credentials.secrets(),
		LogQuery:    []string{"site", "offset", "limit", "sort", "state", "type", "resourceType", "resourceId", "ids"},
		Options:     options,
	})
	return err
}

// Site returns a view whose requests run at the site of that name. An empty name makes every call of
// the view an error: it does not mean the local site.
func (c *Client) Site(name string) *Site {
	there := place{client: c, site: name, named: true}
	return &Site{Tasks: &Tasks{there}, Policies: &SitePolicies{there}, VMReplications: &SiteVMReplications{there}}
}

// Close ends calls and waits that are under way with [drkit.ErrClosed], lets their requests return, signs out
// of the session that this client began, and closes its idle connections. Signing out takes no longer than
// [drkit.WithTimeout] allows one attempt, also where ctx never ends. A session whose token was given with
// [Token] is left alone. It is safe to call again.
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
	if p.named && strings.TrimSpace(p.site) == "" {
		return transport.Answer{}, fmt.Errorf("vcav.%s: the name of the site is empty", call.Operation.Name)
	}
	call.Site = p.site
	if answer, ok := out.(identified); ok && call.Check == nil {
		call.Check = answer.identified
	}
	return p.client.transport.Do(ctx, call, out)
}

// mediaType is what the Accept header asks for; it picks the shape of the answers.
func mediaType(version string, file bool) string {
	if version == "" {
		version = defaultAPIVersion
	}
	format := "json"
	if file {
		format = "octet-stream"
	}
	return "application/vnd.vmware.h4-v" + version + "+" + format + ";charset=UTF-8"
}

var versionFormat = regexp.MustCompile(`^[0-9]+(\.[0-9]+)?$`)

type apiVersion string

// Apply checks and sets the version.
func (v apiVersion) Apply(s *settings.Settings) error {
	if !versionFormat.MatchString(string(v)) {
		return fmt.Errorf("WithAPIVersion: %q is not a version such as 4.1", string(v))
	}
	s.APIVersion = string(v)
	return nil
}

// WithAPIVersion asks for answers in the shapes of another version of the API, such as "4.0". The
// default is "4.1", which newer appliances also speak.
//
// Source: Cloud Director Availability API guide, the Accept header of every request.
func WithAPIVersion(version string) drkit.Option { return apiVersion(version) }
