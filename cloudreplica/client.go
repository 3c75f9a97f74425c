package cloudreplica

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/cloudreplica/internal/wire"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/transport"
)

const (
	service = "cloudreplica"
	// cloudPath begins the paths that only a Cloud Connect provider has.
	cloudPath = "/api/cloud"
)

// Client talks to one Enterprise Manager. It is immutable and safe for concurrent use.
type Client struct {
	// Sessions begins and ends the session of this client.
	Sessions *Sessions
	// Cloud tells where the Cloud Connect resources are.
	Cloud *Cloud
	// VMReplicaPoints are the restore points of replicated machines.
	VMReplicaPoints *VMReplicaPoints
	// Replicas are the replicas of tenants.
	Replicas *Replicas
	// FailoverPlans are the failover plans of tenants.
	FailoverPlans *FailoverPlans
	// FailoverSessions are the runs of failover plans, of the last 30 days.
	FailoverSessions *FailoverSessions
	// Tenants are the tenant accounts.
	Tenants *Tenants
	// TenantResources are the storage quotas of tenants.
	TenantResources *TenantResources
	// TenantComputeResources are the subscriptions of tenants to hardware plans.
	TenantComputeResources *TenantComputeResources
	// TenantVCloudComputeResources are the organization virtual data centers of tenants.
	TenantVCloudComputeResources *TenantVCloudComputeResources
	// Subtenants are the user accounts of tenants.
	Subtenants *Subtenants
	// HardwarePlans are what tenants may use for replicas.
	HardwarePlans *HardwarePlans
	// Gateways are what tenants connect to.
	Gateways *Gateways
	// GatewayPools are the pools of gateways.
	GatewayPools *GatewayPools
	// BackupServers are the servers whose data is shown.
	BackupServers *BackupServers
	// Tasks are the work in the background of this client's session.
	Tasks *Tasks
	// SystemSessions are what Enterprise Manager did by itself.
	SystemSessions *SystemSessions

	transport   *transport.Client
	identity    *transport.Identity
	claims      *claims
	credentials Credentials
	version     string

	mu      sync.Mutex
	session LogonSession // of the last sign-in
}

// NewClient returns a client for the Enterprise Manager at endpoint, as in "https://em.example.com:9398". It sends
// nothing: the first call signs in with credentials, and all calls share that session. Enterprise Manager often has
// a certificate of its own making, which takes [drkit.WithThumbprint] or [drkit.WithRootCAs].
//
// The client speaks XML unless [WithJSON] says otherwise. The service takes no operation ID: the one of
// [drkit.WithOperationID] shows in errors and log records alone.
//
// Errors: an endpoint that is no https URL, empty credentials, a bad option or two that contradict each other.
func NewClient(endpoint string, credentials Credentials, options ...drkit.Option) (*Client, error) {
	c := &Client{credentials: credentials, claims: newClaims()}
	if err := c.connect(endpoint, options); err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	c.identity = transport.NewIdentity(c.transport, "name", c.owner)
	c.Sessions = &Sessions{c}
	c.Cloud = &Cloud{c}
	c.VMReplicaPoints = &VMReplicaPoints{
		collectionOf[CloudVMReplicaPoint](c, &contract.VMReplicaPointsList, &contract.VMReplicaPointsGet),
		finderOf(c, "CloudVmReplicaPoint", func(e *queryEntities) []CloudVMReplicaPoint { return e.CloudVMReplicaPoints }),
	}
	c.Replicas = &Replicas{
		collectionOf[CloudReplica](c, &contract.ReplicasList, &contract.ReplicasGet),
		finderOf(c, "CloudReplica", func(e *queryEntities) []CloudReplica { return e.CloudReplicas }),
	}
	c.FailoverPlans = &FailoverPlans{
		collectionOf[CloudFailoverPlan](c, &contract.FailoverPlansList, &contract.FailoverPlansGet),
		finderOf(c, "CloudFailoverPlan", func(e *queryEntities) []CloudFailoverPlan { return e.CloudFailoverPlans }),
	}
	c.FailoverSessions = &FailoverSessions{
		collectionOf[CloudFailoverSession](c, &contract.FailoverSessionsList, &contract.FailoverSessionsGet),
		finderOf(c, "CloudFailoverSession", func(e *queryEntities) []CloudFailoverSession { return e.CloudFailoverSessions }),
	}
	c.Tenants = &Tenants{
		collectionOf[CloudTenant](c, &contract.TenantsList, &contract.TenantsGet),
		finderOf(c, "CloudTenant", func(e *queryEntities) []CloudTenant { return e.CloudTenants }),
	}
	c.TenantResources = &TenantResources{c}
	c.TenantComputeResources = &TenantComputeResources{c}
	c.TenantVCloudComputeResources = &TenantVCloudComputeResources{c}
	c.Subtenants = &Subtenants{c}
	c.HardwarePlans = &HardwarePlans{
		collectionOf[CloudHardwarePlan](c, &contract.HardwarePlansList, &contract.HardwarePlansGet),
		finderOf(c, "CloudHardwarePlan", func(e *queryEntities) []CloudHardwarePlan { return e.CloudHardwarePlans }),
	}
	c.Gateways = &Gateways{
		collectionOf[CloudGateway](c, &contract.GatewaysList, &contract.GatewaysGet),
		finderOf(c, "CloudGateway", func(e *queryEntities) []CloudGateway { return e.CloudGateways }),
	}
	c.GatewayPools = &GatewayPools{
		collectionOf[CloudGatewayPool](c, &contract.GatewayPoolsList, &contract.GatewayPoolsGet),
		finderOf(c, "CloudGatewayPool", func(e *queryEntities) []CloudGatewayPool { return e.CloudGatewayPools }),
	}
	c.BackupServers = &BackupServers{
		collectionOf[BackupServer](c, &contract.BackupServersList, &contract.BackupServersGet),
		finderOf(c, "BackupServer", func(e *queryEntities) []BackupServer { return e.BackupServers }),
	}
	c.Tasks = &Tasks{c}
	c.SystemSessions = &SystemSessions{
		collectionOf[SystemSession](c, &contract.SystemSessionsList, &contract.SystemSessionsGet),
	}
	return c, nil
}

func (c *Client) connect(endpoint string, options []drkit.Option) error {
	if c.credentials == nil {
		return errors.New("credentials are nil")
	}
	if err := c.credentials.check(); err != nil {
		return err
	}
	chosen := chosenBy(options)
	c.version = chosen.APIVersion
	if c.version == "" {
		c.version = latestVersion
	}
	codec := codecOf(chosen.Encoding)
	var err error
	c.transport, err = transport.New(transport.Config{
		Service: service,
		// Some copy the address from the vendor's pages, which has the path.
		Endpoint:    strings.TrimSuffix(strings.TrimRight(endpoint, "/"), "/api"),
		Codec:       codec,
		Accept:      func(string, bool) string { return codec.MediaType },
		Session:     c.sessionConfig(),
		DecodeError: decodeError,
		Secrets:     c.credentials.secrets(),
		LogQuery:    []string{"action", "format", "page", "pageSize", "sortAsc", "sortDesc", "type", "v"},
		Options:     options,
	})
	return err
}

// chosenBy returns what the options of this package choose. What is wrong with an option, the transport says.
func chosenBy(options []drkit.Option) settings.Settings {
	var s settings.Settings
	for _, option := range options {
		if option != nil {
			_ = option.Apply(&s)
		}
	}
	return s
}

func codecOf(encoding string) transport.Codec {
	format := wire.XML
	if encoding == inJSON {
		format = wire.JSON
	}
	return transport.Codec{
		MediaType: format.MediaType(),
		Encode: func(operation *api.Operation, body any) ([]byte, error) {
			return wire.Encode(format, contract.Table, operation.Body, body)
		},
		Decode: wire.Decode,
		Redact: wire.Redact,
	}
}

// Close ends calls and waits that are under way with [drkit.ErrClosed], lets their requests return, signs out of the
// session that this client began, and closes its idle connections. Tasks end with the session: they cannot be looked
// at any more. A session whose token was given with [Token] is left alone. It is safe to call again.
//
// Errors: those of signing out, unless the session was gone already.
func (c *Client) Close(ctx context.Context) error { return c.transport.Close(ctx) }

// do sends a call and decodes the answer into out.
func (c *Client) do(ctx context.Context, call transport.Call, out any) error {
	_, err := c.send(ctx, call, out)
	return err
}

// send is do for who needs to know how the answer came.
func (c *Client) send(ctx context.Context, call transport.Call, out any) (transport.Answer, error) {
	for _, id := range call.Path {
		if strings.HasPrefix(id, uidPrefix) {
			return transport.Answer{}, fmt.Errorf("%s.%s: %q is a UID, and the id is wanted that its method ID returns", service, call.Operation.Name, transport.Plain(id))
		}
	}
	if strings.HasPrefix(call.Operation.Path, cloudPath) {
		admit := call.Admit
		call.Admit = func() error {
			if err := c.cloudConnect(); err != nil || admit == nil {
				return err
			}
			return admit()
		}
	}
	return c.transport.Do(ctx, call, out)
}

const (
	inJSON        = "json"
	latestVersion = "latest"
)

type encoding string

// Apply chooses the encoding.
func (e encoding) Apply(s *settings.Settings) error {
	s.Encoding = string(e)
	return nil
}

// WithJSON makes the client speak JSON, which the service has since version 9.5 Update 4. By default it speaks XML,
// on which all versions agree: names in the JSON of 13.0 begin in lower case, for example, which the client
// understands all the same.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "Resource Representations".
func WithJSON() drkit.Option { return encoding(inJSON) }

var versionFormat = regexp.MustCompile(`^(latest|v[0-9]+(_[0-9]+)*)$`)

type apiVersion string

// Apply checks and sets the version.
func (v apiVersion) Apply(s *settings.Settings) error {
	if !versionFormat.MatchString(string(v)) {
		return fmt.Errorf("WithAPIVersion: %q is not a version such as v1_7, and not latest", string(v))
	}
	s.APIVersion = string(v)
	return nil
}

// WithAPIVersion begins sessions of one version of the API, such as "v1_7" of version 12 and 13 of the product. The
// default is "latest", the newest that the service has; [Sessions.Versions] lists them.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "Versioning".
func WithAPIVersion(version string) drkit.Option { return apiVersion(version) }
