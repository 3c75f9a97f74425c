package transport

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
)

// Owner is whose work a resume token or the intent of a step names.
type Owner struct {
	Appliance string // its identity, and not its address
	User      string // who may see the work
}

// String names both for people.
func (o Owner) String() string { return o.Appliance + " as " + o.User }

// Identity finds out whom the work of a client belongs to, once.
type Identity struct {
	client *Client
	noun   string
	ask    func(ctx context.Context) (Owner, error)

	mu    sync.Mutex
	known Owner
}

// NewIdentity returns an Identity that asks when somebody first wants to know; noun is what the service calls the
// identity of an appliance.
func NewIdentity(client *Client, noun string, ask func(ctx context.Context) (Owner, error)) *Identity {
	return &Identity{client: client, noun: noun, ask: ask}
}

// Known returns the owner if it was asked for before, and the zero Owner otherwise.
func (i *Identity) Known() Owner {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.known
}

// Owner asks the appliance who it is and who is signed in, unless that is known.
func (i *Identity) Owner(ctx context.Context) (Owner, error) {
	if known := i.Known(); known != (Owner{}) {
		return known, nil
	}
	err := i.client.Share(ctx, "identity", func(ctx context.Context) error {
		if i.Known() != (Owner{}) { // since the caller has looked
			return nil
		}
		owner, err := i.ask(ctx)
		switch {
		case err != nil:
			return err
		case owner.User == "":
			return errors.New("the appliance does not say who is signed in")
		}
		i.mu.Lock()
		defer i.mu.Unlock()
		i.known = owner
		return nil
	})
	return i.Known(), err
}

// Sign completes a resume token with whom it belongs to.
func (i *Identity) Sign(ctx context.Context, token step.Token) (step.Token, error) {
	if token.Task == "" {
		return step.Token{}, errors.New("there is nothing to resume")
	}
	owner, err := i.Owner(ctx)
	token.Service, token.Appliance, token.User = i.client.config.Service, owner.Appliance, owner.User
	return token, err
}

// Check says why a token is not this client's to resume. There is nothing to say of work without one, which this
// client has begun itself.
func (i *Identity) Check(ctx context.Context, token step.Token) error {
	if token == (step.Token{}) {
		return nil
	}
	owner, err := i.Owner(ctx)
	switch {
	case err != nil:
		return err
	case owner.Appliance != token.Appliance:
		return fmt.Errorf("%w: the token belongs to the appliance with %s %s, and this is %s",
			drkit.ErrToken, i.noun, Plain(token.Appliance), Plain(owner.Appliance))
	case owner.User != token.User:
		return fmt.Errorf("%w: the token belongs to the user %s, and this is %s", drkit.ErrToken, Plain(token.User), Plain(owner.User))
	default:
		return nil
	}
}

// Plain returns an id for a message, in quotes if it would break the line.
func Plain(id string) string {
	if quoted := strconv.Quote(id); quoted != `"`+id+`"` {
		return quoted
	}
	return id
}
