package checkpoints

import (
	"context"
	"fmt"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

const service = "checkpoints"

// NewClient stands in for the one that takes credentials.
func NewClient(endpoint, projectID string, token drkit.Secret, options ...drkit.Option) (*Client, error) {
	c := &Client{}
	var err error
	c.transport, err = transport.New(transport.Config{
		Service: service, Endpoint: endpoint, ScopeParameter: "project_id", Scope: projectID, LooseScalars: true,
		Accept:  func(string, bool) string { return "application/json" },
		Session: transport.Session{Header: "X-Auth-Token", Token: token}, RequestIDs: requestIDs,
		DecodeError: decodeError, Secrets: []drkit.Secret{token}, LogQuery: logQuery, Options: options,
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", service, err)
	}
	c.fill()
	return c, nil
}

// Close ends calls that are under way.
func (c *Client) Close(ctx context.Context) error { return c.transport.Close(ctx) }

// logQuery are the parameters whose values may be logged: none of them names what somebody has called a thing.
var logQuery = []string{
	"limit", "offset", "marker", "sort", "status", "checkpoint_id", "parent_id", "vault_id", "resource_id", "policy_id",
	"operation_type", "object_type", "protect_type", "start_time", "end_time",
}
