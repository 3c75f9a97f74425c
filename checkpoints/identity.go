package checkpoints

import (
	"context"

	"github.com/drkit-go/drkit/internal/transport"
)

// anybody is the user whom resume tokens and journals name. Work belongs to a project, and whoever may see the project
// may wait for it: keys rotate, and a runbook goes on under another user.
const anybody = "whoever may see the project"

// owner tells the project, which has the same id wherever the service answers.
func (c *Client) owner(ctx context.Context) (transport.Owner, error) {
	_, project := c.transport.Place()
	if project == "" {
		if err := c.transport.SignIn(ctx); err != nil {
			return transport.Owner{}, err
		}
		_, project = c.transport.Place()
	}
	return transport.Owner{Appliance: project, User: anybody}, nil
}
