package checkpoints

import (
	"context"
	"errors"
	"iter"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/taskwait"
	"github.com/drkit-go/drkit/internal/transport"
)

// Client talks to the service of one region, for one project. It is immutable and safe for concurrent use.
type Client struct {
	// Sessions is the session of this client.
	Sessions *Sessions
	// Checkpoints are backups of whole vaults.
	Checkpoints *Checkpoints
	// Backups are those of single resources.
	Backups *Backups
	// Members are the projects that a backup is shared with.
	Members *Members
	// Vaults are the places for backups.
	Vaults *Vaults
	// Orders are those of vaults that are paid ahead. Huawei Cloud only.
	Orders *Orders
	// Policies are the schedules for backups and for replication.
	Policies *Policies
	// Tasks are the work in the background.
	Tasks *Tasks
	// Capabilities say where backups can be copied to.
	Capabilities *Capabilities
	// Protectables are what a vault could protect.
	Protectables *Protectables
	// Features are what the service can do in this region. Huawei Cloud only.
	Features *Features
	// StorageUsage says what backups take. Huawei Cloud only.
	StorageUsage *StorageUsage
	// Tags are those of vaults.
	Tags *Tags
	// Agents are those on hosts. Huawei Cloud only.
	Agents *Agents
	// OrganizationPolicies hold for all projects of an organization. Huawei Cloud only.
	OrganizationPolicies *OrganizationPolicies
	// Projects are those of the region, and the accounts that they belong to. Huawei Cloud only.
	Projects *Projects
	// Migrations move backups of the services before this one. Huawei Cloud only.
	Migrations *Migrations

	transport   *transport.Client
	keystone    *keystone // nil where nobody signs in
	credentials Credentials
	identity    *transport.Identity

	mu           sync.Mutex
	session      Session      // of the last sign-in
	token        drkit.Secret // likewise
	records      recordsKnown
	copyWatches  copyWatches
	restoreLooks *taskwait.Batch[[]Task]
	deleteLooks  *taskwait.Batch[Backup]
	glances      map[string]glance
}

// fill gives the client its resources.
func (c *Client) fill() {
	c.identity = transport.NewIdentity(c.transport, "project", c.owner)
	r := resource{c}
	c.Sessions = &Sessions{r}
	c.Checkpoints, c.Backups, c.Members = &Checkpoints{r}, &Backups{r}, &Members{r}
	c.Vaults, c.Orders, c.Policies, c.Tasks = &Vaults{r}, &Orders{r}, &Policies{r}, &Tasks{r}
	c.Capabilities, c.Protectables, c.Features = &Capabilities{r}, &Protectables{r}, &Features{r}
	c.StorageUsage, c.Tags, c.Agents = &StorageUsage{r}, &Tags{r}, &Agents{r}
	c.OrganizationPolicies, c.Projects, c.Migrations = &OrganizationPolicies{r}, &Projects{r}, &Migrations{r}
}

// resource is what the resources of a client share.
type resource struct{ client *Client }

// do sends a call and decodes the answer into out.
func (r resource) do(ctx context.Context, call transport.Call, out any) error {
	_, err := r.client.transport.Do(ctx, call, out)
	return err
}

// rows walks a list in the way that the client's options ask for.
func rows[T any](ctx context.Context, r resource, list transport.List[T]) iter.Seq2[T, error] {
	list.Ahead, list.Parallel = r.client.transport.Prefetch(), r.client.transport.ParallelPages()
	return transport.Rows(ctx, list)
}

// rowsByMarker walks a list that is read by offset or, where it has a Marker, by markers; fetch reads a page either
// way.
func rowsByMarker[T any](
	ctx context.Context, r resource, list transport.List[T],
	fetch func(ctx context.Context, marker string, offset, limit int) (transport.Page[T], error),
) iter.Seq2[T, error] {
	list.Fetch = func(ctx context.Context, offset, limit int) (transport.Page[T], error) {
		return fetch(ctx, "", offset, limit)
	}
	if list.Marker != "" {
		if list.Offset != 0 {
			return refused[T](errors.New(list.Name + ": a Marker and an Offset: either says where to begin"))
		}
		list.After = func(ctx context.Context, marker string, limit int) (transport.Page[T], error) {
			return fetch(ctx, marker, 0, limit)
		}
	}
	return rows(ctx, r, list)
}

// refused is a list that ends with an error before anything is sent.
func refused[T any](err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		yield(none, err)
	}
}

// none is a list without rows.
func none[T any](func(T, error) bool) {}

// pageOf is a page of rows, with their number in the whole list.
func pageOf[T any](rows []T, count *int) transport.Page[T] {
	page := transport.Page[T]{Items: rows}
	if count != nil {
		page.Total = *count
	}
	return page
}

// lists refuses an answer that has neither rows nor their number: it is no list, while an empty one has either.
func lists[T any](what string, rows *[]T, count **int) func() error {
	return func() error {
		if *rows == nil && *count == nil {
			return errors.New("an answer without " + what)
		}
		return nil
	}
}

// holds refuses an answer without what was asked for.
func holds(what string, id *string) func() error {
	return func() error {
		if *id == "" {
			return errors.New("an answer without the " + what)
		}
		return nil
	}
}
