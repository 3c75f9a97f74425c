package checkpoints

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Tags are those of vaults: at most 20 of a vault on Open Telekom Cloud, and 10 on Huawei Cloud.
type Tags struct{ resource }

// TagFilter says which vaults to find. The lists go together: a vault has to match all that are there.
//
// Source: CBR API reference, "Querying Vault Resources".
type TagFilter struct {
	// Only vaults without tags. The lists of tags do not count then.
	WithoutAnyTag drkit.Opt[bool] `json:"without_any_tag,omitzero"`
	// Only vaults that have all of these. Values of a key stand for one another.
	Tags []TagValues `json:"tags,omitempty"`
	// Only vaults that have one of these.
	TagsAny []TagValues `json:"tags_any,omitempty"`
	// Only vaults that have not all of these.
	NotTags []TagValues `json:"not_tags,omitempty"`
	// Only vaults that have none of these.
	NotTagsAny []TagValues `json:"not_tags_any,omitempty"`
	// Only vaults with a name, one at most.
	Matches []TagMatch `json:"matches,omitempty"`
	// Only vaults of this kind of cloud: public.
	CloudType drkit.Opt[CloudType] `json:"cloud_type,omitzero"`
	// Only vaults for servers, or for disks.
	ObjectType drkit.Opt[ObjectType] `json:"object_type,omitzero"`
	// Only vaults that have these tags of the system. No other list may be there then. Huawei Cloud only.
	SysTags []TagValues `json:"sys_tags,omitempty"`
	// Most rows of a page, 1 to 1000, which is the default.
	Limit int `json:"-"`
	// Rows to skip; 0 by default.
	Offset int `json:"-"`
}

// tagSearch is a TagFilter as it is sent: the service wants its numbers as text.
type tagSearch struct {
	Action string `json:"action"`
	TagFilter
	LimitText  string `json:"limit,omitempty"`
	OffsetText string `json:"offset,omitempty"`
}

// tagsFound is what it answers.
type tagsFound struct {
	Resources []TagResource
	Total     *int `json:"total_count"`
}

// search returns how a filter is sent. Its own lists stay as they are.
func (f TagFilter) search(action string) tagSearch {
	for _, list := range []*[]TagValues{&f.Tags, &f.TagsAny, &f.NotTags, &f.NotTagsAny, &f.SysTags} {
		*list = withoutNull(*list)
	}
	return tagSearch{Action: action, TagFilter: f}
}

// withoutNull gives keys that match with any value an empty list of values, since the service refuses null.
func withoutNull(list []TagValues) []TagValues {
	isNull := func(one TagValues) bool { return one.Values == nil }
	if !slices.ContainsFunc(list, isNull) {
		return list
	}
	list = slices.Clone(list)
	for i := range list {
		if isNull(list[i]) {
			list[i].Values = []string{}
		}
	}
	return list
}

func (f TagFilter) check() error {
	for _, list := range [][]TagValues{f.Tags, f.TagsAny, f.NotTags, f.NotTagsAny, f.SysTags} {
		for _, one := range list {
			if err := filled("key of a tag", one.Key); err != nil {
				return err
			}
		}
	}
	if len(f.Matches) > 1 {
		return errors.New("there are several matches: at most one")
	}
	return nil
}

// FindVaults walks the vaults that filter names. filter.Limit is the rows a page; the walk goes on to the last page.
// It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if vaults keep coming or going while the list is read; [ErrInvalid].
// Roles: cbr:vaults:listResourceInstances.
//
// Source: CBR API reference, "Querying Vault Resources".
func (t *Tags) FindVaults(ctx context.Context, filter TagFilter) iter.Seq2[TagResource, error] {
	if err := filter.check(); err != nil {
		return refused[TagResource](wrong(&contract.TagsFindVaults, err))
	}
	search := filter.search("filter")
	return rows(ctx, t.resource, transport.List[TagResource]{
		Name: "checkpoints.Tags.FindVaults", Offset: filter.Offset, Limit: filter.Limit,
		ID: func(row *TagResource) string { return row.ResourceID },
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[TagResource], error) {
			search := search
			if limit > 0 {
				search.LimitText = strconv.Itoa(limit)
			}
			if offset > 0 {
				search.OffsetText = strconv.Itoa(offset)
			}
			var page tagsFound
			err := t.do(ctx, transport.Call{
				Operation: &contract.TagsFindVaults, Body: search, Check: lists("resources", &page.Resources, &page.Total),
			}, &page)
			return pageOf(page.Resources, page.Total), err
		},
	})
}

// CountVaults returns how many vaults filter names. It is safe to repeat.
//
// Errors: [ErrInvalid].
// Roles: cbr:vaults:listResourceInstances.
//
// Source: CBR API reference, "Querying Vault Resources".
func (t *Tags) CountVaults(ctx context.Context, filter TagFilter) (int, error) {
	if err := filter.check(); err != nil {
		return 0, wrong(&contract.TagsFindVaults, err)
	}
	var answer tagsFound
	err := t.do(ctx, transport.Call{
		Operation: &contract.TagsFindVaults, Body: filter.search("count"), Check: func() error {
			if answer.Total == nil {
				return errors.New("an answer without the total_count")
			}
			return nil
		},
	}, &answer)
	if err != nil {
		return 0, err
	}
	return *answer.Total, nil
}

// List returns the tags that vaults of the project have. It is safe to repeat.
//
// Roles: cbr:vaults:listProjectTags.
//
// Source: CBR API reference, "Querying Tags of a Vault Project".
func (t *Tags) List(ctx context.Context) ([]ProjectTag, error) {
	var answer struct{ Tags []ProjectTag }
	err := t.do(ctx, transport.Call{Operation: &contract.TagsList}, &answer)
	return answer.Tags, err
}

// Get returns the tags of a vault. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound].
// Roles: cbr:vaults:getTags.
//
// Source: CBR API reference, "Querying Tags of an Associated Resource".
func (t *Tags) Get(ctx context.Context, vaultID string) (VaultTags, error) {
	var tags VaultTags
	err := t.do(ctx, transport.Call{Operation: &contract.TagsGet, Path: []string{vaultID}}, &tags)
	return tags, err
}

// Set gives a vault a tag; one of the same key is replaced. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound]; [ErrQuota] if there are too many tags; [ErrInvalid].
// Roles: cbr:vaults:setTags.
//
// Source: CBR API reference, "Adding a Tag to an Associated Resource".
func (t *Tags) Set(ctx context.Context, vaultID string, tag Tag) error {
	if err := checkTags([]Tag{tag}); err != nil {
		return wrong(&contract.TagsSet, err)
	}
	return t.do(ctx, transport.Call{Operation: &contract.TagsSet, Path: []string{vaultID}, Body: struct {
		Tag Tag `json:"tag"`
	}{tag}}, nil)
}

// SetMany gives a vault several tags, each key once; those of the same keys are replaced. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound]; [ErrQuota] if there are too many tags; [ErrInvalid].
// Roles: cbr:vaults:bulkCreateOrDeleteTags.
//
// Source: CBR API reference, "Batch Adding or Deleting Tags of a Vault".
func (t *Tags) SetMany(ctx context.Context, vaultID string, tags []Tag) error {
	err := checkTags(tags)
	if len(tags) == 0 {
		err = errors.New("there are no tags")
	}
	if err != nil {
		return wrong(&contract.TagsSetMany, err)
	}
	return t.many(ctx, vaultID, struct {
		Tags   []Tag  `json:"tags"`
		Action string `json:"action"`
	}{tags, "create"})
}

// DeleteMany takes several tags from a vault. Keys that it does not have are no error. It is safe to repeat.
//
// Errors: [drkit.ErrNotFound] if there is no such vault; [ErrInvalid].
// Roles: cbr:vaults:bulkCreateOrDeleteTags.
//
// Source: CBR API reference, "Batch Adding or Deleting Tags of a Vault".
func (t *Tags) DeleteMany(ctx context.Context, vaultID string, keys []string) error {
	type tag struct {
		Key string `json:"key"`
	}
	var tags []tag
	for _, key := range keys {
		tags = append(tags, tag{key})
	}
	err := noneEmpty("key of a tag", keys)
	if len(tags) == 0 {
		err = errors.New("there are no keys")
	}
	if err != nil {
		return wrong(&contract.TagsSetMany, err)
	}
	return t.many(ctx, vaultID, struct {
		Tags   []tag  `json:"tags"`
		Action string `json:"action"`
	}{tags, "delete"})
}

func (t *Tags) many(ctx context.Context, vaultID string, body any) error {
	return t.do(ctx, transport.Call{Operation: &contract.TagsSetMany, Path: []string{vaultID}, Body: body}, nil)
}

// Delete takes a tag from a vault. It is safe to repeat: a repeat that finds nothing counts as done.
//
// Errors: [drkit.ErrNotFound] if there is no such vault, or it has no such tag.
// Roles: cbr:vaults:deleteTags.
//
// Source: CBR API reference, "Deleting a Tag from an Associated Resource".
func (t *Tags) Delete(ctx context.Context, vaultID, key string) error {
	return t.do(ctx, transport.Call{Operation: &contract.TagsDelete, Path: []string{vaultID, key}}, nil)
}
