package cloudreplica

import (
	"context"
	"errors"
	"strings"

	"github.com/drkit-go/drkit/cloudreplica/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

const cloudConnectService = "CloudConnectService"

// Cloud tells where the Cloud Connect resources are.
type Cloud struct{ client *Client }

// Links returns the links to the Cloud Connect resources that the session may see, of which that of a tenant has
// fewer. It is safe to repeat.
//
// Errors: [ErrNoCloudConnect].
//
// Source: Veeam Backup Enterprise Manager REST API reference, "GET /cloud".
func (c *Cloud) Links(ctx context.Context) (Links, error) {
	var found Resource
	call := transport.Call{Operation: &contract.CloudLinks, Check: func() error {
		if !strings.EqualFold(found.Type, cloudConnectService) {
			return errors.New("not what has the links")
		}
		return nil
	}}
	err := c.client.do(ctx, call, &found)
	return found.Links, err
}
