package checkpoints

import (
	"context"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// Client talks to the service in one project of one region. It is immutable and safe for concurrent use.
type Client struct {
	// Sessions is the session of this client.
	Sessions *Sessions

	transport   *transport.Client
	keystone    *keystone // nil where nobody signs in
	credentials Credentials

	mu      sync.Mutex
	session Session      // of the last sign-in
	token   drkit.Secret // likewise
}

// fill gives the client its resources.
func (c *Client) fill() {
	r := resource{c}
	c.Sessions = &Sessions{r}
}

// resource is what the resources of a client share.
type resource struct{ client *Client }

// do sends a call and decodes the answer into out.
func (r resource) do(ctx context.Context, call transport.Call, out any) error {
	_, err := r.client.transport.Do(ctx, call, out)
	return err
}
