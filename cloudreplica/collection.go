package cloudreplica

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// Collection is what all collections of entities have in common. Each entity has two representations: the entity
// itself, and a reference with no more than its name, its UID and its links, which costs the service less.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "Resource Representations for Resource Collections".
type Collection[T any] struct {
	client    *Client
	list, get *api.Operation
}

func collectionOf[T any](c *Client, list, get *api.Operation) Collection[T] {
	return Collection[T]{c, list, get}
}

// List returns all entities. The service does not page such lists: where there may be many, ask for them with Query.
// It is safe to repeat.
//
// Errors: [ErrNoCloudConnect], for what is part of Cloud Connect.
func (c *Collection[T]) List(ctx context.Context) ([]T, error) {
	return entitiesOf[T](ctx, c.client, transport.Call{Operation: c.list, Query: asEntity})
}

// Refs returns references to all entities. It is safe to repeat.
//
// Errors: [ErrNoCloudConnect], for what is part of Cloud Connect.
func (c *Collection[T]) Refs(ctx context.Context) ([]EntityRef, error) {
	return referencesOf(ctx, c.client, transport.Call{Operation: c.list})
}

// Get returns an entity by its id, as [Entity.ID] has it. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such entity, or not for this user; [ErrNoCloudConnect], for what is part
// of Cloud Connect.
func (c *Collection[T]) Get(ctx context.Context, id string) (T, error) {
	return getOf(ctx, c.client, transport.Call{Operation: c.get, Path: []string{id}, Query: asEntity}, id, entityID[T])
}

// Ref returns a reference to an entity by its id. It is safe to repeat.
//
// Errors: as those of Get.
func (c *Collection[T]) Ref(ctx context.Context, id string) (EntityRef, error) {
	return getOf(ctx, c.client, transport.Call{Operation: c.get, Path: []string{id}}, id, referenceID)
}

// representation asks for one of the two.
type representation struct {
	Format string `url:"format,omitempty"`
}

var asEntity = representation{"Entity"}

// entity is what every entity holds.
func (e *Entity) entity() *Entity { return e }

// entityID returns the id of an entity, and none of a reference: a reference reads as an entity without data.
func entityID[T any](one *T) string {
	held, ok := any(one).(interface{ entity() *Entity })
	if !ok || strings.HasSuffix(held.entity().Type, "Reference") {
		return ""
	}
	return held.entity().ID()
}

func referenceID(one *EntityRef) string { return one.ID() }

func entitiesOf[T any](ctx context.Context, c *Client, call transport.Call) ([]T, error) {
	return listOf(ctx, c, call, entityID[T])
}

func referencesOf(ctx context.Context, c *Client, call transport.Call) ([]EntityRef, error) {
	return listOf(ctx, c, call, referenceID)
}

// listOf asks for a list. What has no id is not what was asked for.
func listOf[T any](ctx context.Context, c *Client, call transport.Call, id func(*T) string) ([]T, error) {
	var all []T
	call.Check = func() error { return identified(all, id) }
	if err := c.do(ctx, call, &all); err != nil {
		return nil, err
	}
	return all, nil
}

func identified[T any](all []T, id func(*T) string) error {
	for i := range all {
		if id(&all[i]) == "" {
			return fmt.Errorf("what comes as number %d is nothing of what was asked for", i+1)
		}
	}
	return nil
}

// getOf asks for one thing.
func getOf[T any](ctx context.Context, c *Client, call transport.Call, want string, id func(*T) string) (T, error) {
	var one T
	call.Check = func() error {
		switch got := id(&one); {
		case got == "":
			return errors.New("nothing of what was asked for")
		case !strings.EqualFold(got, want):
			return fmt.Errorf("%q instead of what was asked for", got)
		default:
			return nil
		}
	}
	if err := c.do(ctx, call, &one); err != nil {
		return *new(T), err
	}
	return one, nil
}
