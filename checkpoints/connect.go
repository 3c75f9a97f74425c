package checkpoints

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
	"github.com/drkit-go/drkit/internal/transport"
)

const service = "checkpoints"

// NewClient returns a client for the service at endpoint, as in "https://cbr.eu-de.otc.t-systems.com", and for a
// project by its id. It sends nothing: the first call signs in with credentials, and all calls share that session,
// which is renewed shortly before it ends.
//
// Both may be empty where the credentials sign in at the identity service: the endpoint is then the one that the
// catalogue of the cloud has for [Identity].Region, and the project the one that the credentials name. What the first
// sign-in has found stays for the life of the client.
//
// The options hold for the identity service, too, except [drkit.WithThumbprint], which pins the certificate of the
// backup service: the identity service has another, unless both are at one address. [WithIdentityThumbprint] pins
// that one; without it, its certificate is verified as usual, or against [drkit.WithRootCAs].
//
// Messages are asked for in English, by the header X-Language that the code of a client has. The service takes no
// operation ID: the one of [drkit.WithOperationID] shows in errors and log records alone.
//
// Errors: an endpoint that is no https URL, empty or incomplete credentials, a bad option or two that contradict each
// other.
func NewClient(endpoint, projectID string, credentials Credentials, options ...drkit.Option) (*Client, error) {
	c := &Client{credentials: credentials}
	if err := c.connect(endpoint, projectID, options); err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	c.fill()
	return c, nil
}

func (c *Client) connect(endpoint, project string, options []drkit.Option) error {
	if c.credentials == nil {
		return errors.New("credentials are nil")
	}
	if err := c.credentials.check(); err != nil {
		return err
	}
	config := transport.Config{
		Service:        service,
		ScopeParameter: "project_id",
		LooseScalars:   true,
		RequestIDs:     requestIDs,
		Header:         spoken,
		Accept:         func(string, bool) string { return "application/json" },
		DecodeError:    decodeError,
		Secrets:        c.credentials.secrets(),
		LogQuery:       logQuery,
		Options:        options,
	}
	var err error
	if config.Scope, err = c.project(project); err != nil {
		return err
	}
	if endpoint != "" {
		if config.Endpoint, err = baseOf(endpoint, config.Scope); err != nil {
			return err
		}
	}
	return c.dial(config)
}

// spoken asks for messages in one language, whatever that of the account is: what an answer means is in part told by
// its message.
var spoken = map[string]string{"X-Language": "en-us"}

// logQuery are the parameters whose values may be logged: none of them names what somebody has called a thing.
var logQuery = []string{
	"limit", "offset", "marker", "sort", "status", "checkpoint_id", "parent_id", "vault_id", "resource_id", "policy_id",
	"operation_type", "object_type", "protect_type", "start_time", "end_time",
}

// dial makes the connections that the credentials need.
func (c *Client) dial(config transport.Config) error {
	login, signsIn := c.credentials.(signer)
	if !signsIn && (config.Endpoint == "" || config.Scope == "") {
		return errors.New("these credentials need an endpoint and a project id: they cannot ask for them")
	}
	var s settings.Settings
	for _, option := range config.Options {
		if option == nil {
			return errors.New("option is nil")
		}
		if err := option.Apply(&s); err != nil {
			return err
		}
	}
	if !signsIn && s.IdentityThumbprint != nil {
		return errors.New("WithIdentityThumbprint is for credentials that sign in at the identity service")
	}
	config.Session = transport.Session{Header: tokenHeader, Expired: refusesToken}
	var err error
	switch own := c.credentials.(type) {
	case accessKey:
		config.Sign = own.signing(config.Scope)
	case givenToken:
		config.Session.Token = own.token
	default:
		config.Elsewhere = true
		c.begins(&config.Session, login, config.Endpoint == "")
	}
	if c.transport, err = transport.New(config); err != nil || !signsIn {
		return err
	}
	return c.dialIdentity(login.at(), config, s)
}

// project returns the id of the project that the client is for, where it is known before the first sign-in.
func (c *Client) project(id string) (string, error) {
	login, signsIn := c.credentials.(signer)
	if !signsIn {
		return id, nil
	}
	target := login.target()
	switch {
	case id != "" && (target.ID != "" && target.ID != id || target.ID == "" && target.Name != ""):
		return "", errors.New("the credentials name a project of their own: leave one of the two out")
	case id == "" && !target.named():
		return "", errors.New("neither the client nor its credentials name a project")
	case id == "":
		return target.ID, nil
	default:
		return id, nil
	}
}

// dialIdentity connects to the identity service, as the user wants the backup service connected to.
func (c *Client) dialIdentity(at Identity, config transport.Config, s settings.Settings) error {
	base := strings.TrimSuffix(strings.TrimRight(strings.TrimSpace(at.URL), "/"), "/v3")
	if base == "" {
		return fmt.Errorf("identity service: %q is not a URL", at.URL)
	}
	plain := strings.HasPrefix(base, "http://") || config.Endpoint == "" || strings.HasPrefix(config.Endpoint, "http://")
	if s.PlainHTTP && !plain {
		return fmt.Errorf("WithPlainHTTP contradicts the endpoints %q and %q", config.Endpoint, at.URL)
	}
	pin := s.IdentityThumbprint
	if pin == nil && sameHost(base, config.Endpoint) {
		pin = s.Thumbprint
	}
	connection, err := transport.New(transport.Config{
		Service:     service,
		Endpoint:    base,
		Elsewhere:   true,
		Beside:      c.transport,
		RequestIDs:  requestIDs,
		Header:      spoken,
		Accept:      config.Accept,
		Session:     transport.Session{Header: tokenHeader},
		DecodeError: decodeError,
		Secrets:     config.Secrets,
		LogQuery:    []string{"nocatalog"},
		Options:     append(config.Options[:len(config.Options):len(config.Options)], thumbprint(pin)),
	})
	if err != nil {
		return fmt.Errorf("identity service: %w", err)
	}
	c.keystone = &keystone{connection}
	return nil
}

// Close ends calls and waits that are under way with [drkit.ErrClosed], lets their requests return, and closes the
// client's idle connections. The session is left to expire: services of such clouds go on working with the token of
// a request after they have answered it, so that revoking it could break a backup that has just begun. Where nothing
// is under way, [Sessions.End] revokes it before. It is safe to call again.
func (c *Client) Close(ctx context.Context) error {
	err := c.transport.Close(ctx)
	if c.keystone != nil {
		err = errors.Join(err, c.keystone.transport.Close(ctx))
	}
	return err
}
