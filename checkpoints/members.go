package checkpoints

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Members are the projects of the region that the backup of a server is shared with. A member is named by its
// project, the DestProjectID of [Member], and not by the identifier of its record.
type Members struct{ resource }

// Add shares a backup with projects, at most 10, which then accept or reject the share. Domains are for Huawei Cloud
// only, where they may stand in the place of projects. The poller has ended, and its result are the members; where the
// answer was lost, its first look gets them.
//
// The request is sent at most once. A lost answer is looked for among the members of the backup: those of the projects
// that were not there before are adopted. That of a share with domains is lost, because members do not name them.
//
// Errors: [drkit.ErrNotFound]; [drkit.ErrConflict] if the backup is not available, or is shared with one of them
// already; [ErrInvalid] if it cannot be shared, or a project is not there; [drkit.ErrOutcomeUnknown] if the answer
// was lost and the members are not all to be seen.
// Roles: cbr:member:create.
//
// Source: CBR API reference, "Adding a Share Member".
func (m *Members) Add(ctx context.Context, backupID string, add Share) (*drkit.Poller[[]Member], error) {
	if err := add.check(); err != nil {
		return nil, wrong(&contract.MembersAdd, err)
	}
	var answer struct{ Members []Member }
	of := newMembers{m.client, backupID, distinct(add.Members)}
	o := order[[]Member]{
		call: transport.Call{Operation: &contract.MembersAdd, Path: []string{backupID}, Body: add}, answer: &answer,
		follow: func(*transport.Note) pursuit[[]Member] { return of.pursuit(&answer.Members) },
	}
	if len(add.Domains) == 0 {
		o.work, o.found = of.work(), func(transport.Found) pursuit[[]Member] { return of.pursuit(nil) }
	}
	return begin(ctx, m.client, o)
}

// Share is those whom a backup is to be shared with.
type Share struct {
	// Identifiers of projects of the region, at most 10.
	Members []string `json:"members,omitempty"`
	// Identifiers of accounts. In beta. Huawei Cloud only.
	Domains []string `json:"domains,omitempty"`
}

func (a Share) check() error {
	const most = 10
	switch {
	case len(a.Members) == 0 && len(a.Domains) == 0:
		return errors.New("there is nobody to share with")
	case len(a.Members) > most:
		return fmt.Errorf("%d members: at most %d at a time", len(a.Members), most)
	}
	return errors.Join(noneEmpty("project id", a.Members), noneEmpty("account id", a.Domains))
}

// List walks the members of a backup that match query. query.Limit is the rows a page; the walk goes on to the last
// page. With a Marker the walk begins after the member whose record has that id, and reads page after page by
// markers. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound]; [drkit.ErrListMoved] if members keep coming or going while the list is read.
// Roles: cbr:member:list.
//
// Source: CBR API reference, "Obtaining the Share Member List".
func (m *Members) List(ctx context.Context, backupID string, query MemberQuery) iter.Seq2[Member, error] {
	return rowsByMarker(ctx, m.resource, transport.List[Member]{
		Name: "checkpoints.Members.List", Offset: query.Offset, Limit: query.Limit, Marker: query.Marker,
		ID: func(row *Member) string { return row.ID },
	}, func(ctx context.Context, marker string, offset, limit int) (transport.Page[Member], error) {
		query := query
		query.Marker, query.Offset, query.Limit = marker, offset, limit
		var page struct {
			Members []Member
			Count   *int
		}
		err := m.do(ctx, transport.Call{
			Operation: &contract.MembersList, Path: []string{backupID}, Query: query,
			Check: lists("members", &page.Members, &page.Count),
		}, &page)
		return pageOf(page.Members, page.Count), err
	})
}

// Get returns what a project has made of a share. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: cbr:member:get.
//
// Source: CBR API reference, "Querying Share Member Details".
func (m *Members) Get(ctx context.Context, backupID, projectID string) (Member, error) {
	return m.one(ctx, transport.Call{Operation: &contract.MembersGet, Path: []string{backupID, projectID}})
}

// Update accepts or rejects a share, for the project that receives it: with a client of that project, and its id.
// Accepting needs a vault for the same kind of resource. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound]; [drkit.ErrConflict] if an image was made of the share, or if the status of the vault
// forbids it; [ErrInvalid] if the vault does not fit.
// Roles: cbr:member:update.
//
// Source: CBR API reference, "Updating the Share Member Status".
func (m *Members) Update(ctx context.Context, backupID, projectID string, update MemberUpdate) (Member, error) {
	var err error
	switch {
	case update.Status == "":
		err = errors.New("the status is empty")
	case update.Status == MemberStatusAccepted && update.VaultID.Or("") == "":
		err = errors.New("accepting a share needs a vault id")
	}
	if err != nil {
		return Member{}, wrong(&contract.MembersUpdate, err)
	}
	return m.one(ctx, transport.Call{Operation: &contract.MembersUpdate, Path: []string{backupID, projectID}, Body: update})
}

// one sends a call that answers a member.
func (m *Members) one(ctx context.Context, call transport.Call) (Member, error) {
	var answer struct{ Member Member }
	call.Check = holds("member", &answer.Member.ID)
	err := m.do(ctx, call, &answer)
	return answer.Member, err
}

// Delete ends the share of a backup with a project. It is safe to repeat: a repeat that finds nothing counts as
// done.
//
// Errors: [drkit.ErrNotFound]; [drkit.ErrConflict] if an image was made of the share.
// Roles: cbr:member:delete.
//
// Source: CBR API reference, "Deleting a Specified Share Member".
func (m *Members) Delete(ctx context.Context, backupID, projectID string) error {
	return m.do(ctx, transport.Call{Operation: &contract.MembersDelete, Path: []string{backupID, projectID}}, nil)
}
