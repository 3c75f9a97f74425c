package checkpointstest

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	plainTag   = regexp.MustCompile(`^[A-Za-z0-9_-]*$`)
	badInTag   = regexp.MustCompile(`[\x00-\x1f=*<>\\,|/]`)
	keyLength  = 36
	textLength = 43
)

// mostTags is how many tags a vault has at most.
func (r *region) mostTags() int {
	if r.hwc() {
		return 10
	}
	return 20
}

// checkTags reports what of new tags the service refuses. Spaces around are dropped before.
func (r *region) checkTags(added []tagBody, have []tagBody) error {
	seen := map[string]bool{}
	total := len(have)
	for i := range added {
		t := &added[i]
		t.Key, t.Value = strings.TrimSpace(t.Key), strings.TrimSpace(t.Value)
		allowed := func(text string) bool {
			return !badInTag.MatchString(text) && (r.hwc() || plainTag.MatchString(text))
		}
		switch {
		case t.Key == "" || len([]rune(t.Key)) > keyLength || !allowed(t.Key):
			return refuse(CodeInvalidParameter, "The tag key %q is invalid.", t.Key)
		case len([]rune(t.Value)) > textLength || !allowed(t.Value):
			return refuse(CodeInvalidParameter, "The value of the tag %s is invalid.", t.Key)
		case seen[t.Key]:
			return refuse(CodeInvalidParameter, "The tag key %s comes twice.", t.Key)
		}
		seen[t.Key] = true
		if !slices.ContainsFunc(have, func(old tagBody) bool { return old.Key == t.Key }) {
			total++
		}
	}
	if total > r.mostTags() {
		return refuse(CodeTooManyTags, "A vault has at most %d tags.", r.mostTags())
	}
	return nil
}

// tag adds tags, or replaces those of the same keys.
func (v *vault) tag(added []tagBody) {
	for _, t := range added {
		at := slices.IndexFunc(v.tags, func(old tagBody) bool { return old.Key == t.Key })
		if at >= 0 {
			v.tags[at] = t
			continue
		}
		v.tags = append(v.tags, t)
	}
}

func (v *vault) untag(key string) bool {
	before := len(v.tags)
	v.tags = slices.DeleteFunc(v.tags, func(t tagBody) bool { return t.Key == key })
	return len(v.tags) < before
}

func (r *region) vaultTags(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	return map[string]any{"tags": append([]tagBody{}, found.tags...)}, nil
}

func (r *region) setTag(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	said, err := read[struct{ Tag tagBody }](v)
	if err != nil {
		return nil, err
	}
	added := []tagBody{said.Tag}
	if err := r.checkTags(added, found.tags); err != nil {
		return nil, err
	}
	found.tag(added)
	return nil, nil
}

// setTags adds or deletes many tags. What is absent already may be deleted.
func (r *region) setTags(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	said, err := read[struct {
		Tags   []tagBody
		Action string
	}](v)
	if err != nil {
		return nil, err
	}
	if said.Action == "delete" {
		for _, t := range said.Tags {
			found.untag(t.Key)
		}
		return nil, nil
	}
	if said.Action != "create" {
		return nil, refuse(CodeInvalidParameter, "The action %q is invalid.", said.Action)
	}
	if err := r.checkTags(said.Tags, found.tags); err != nil {
		return nil, err
	}
	found.tag(said.Tags)
	return nil, nil
}

func (r *region) deleteTag(v *visit) (any, error) {
	found, err := v.findVault()
	if err != nil {
		return nil, err
	}
	if key := v.argument(1); !found.untag(key) {
		return nil, refuse(CodeTagNotFound, "The vault has no tag %s.", key)
	}
	return nil, nil
}

// projectTags lists all tags of the project's vaults, by key.
func (r *region) projectTags(v *visit) (any, error) {
	values := map[string][]string{}
	for _, one := range r.vaults.all {
		for _, t := range one.tags {
			if one.project == v.project && !slices.Contains(values[t.Key], t.Value) {
				values[t.Key] = append(values[t.Key], t.Value)
			}
		}
	}
	tags := []map[string]any{}
	for _, key := range sortedKeys(values) {
		slices.Sort(values[key])
		var shown any = values[key]
		if r.config.quirks.tagValues == AsText {
			shown = strings.Join(values[key], ",")
		}
		tags = append(tags, map[string]any{"key": key, "values": shown})
	}
	return map[string]any{"tags": tags}, nil
}

type tagValues struct {
	Key    string   `json:"key"`
	Values []string `json:"values"`
}

type tagFilter struct {
	Action     string      `json:"action"`
	WithoutAny bool        `json:"without_any_tag"`
	Tags       []tagValues `json:"tags"`
	TagsAny    []tagValues `json:"tags_any"`
	NotTags    []tagValues `json:"not_tags"`
	NotTagsAny []tagValues `json:"not_tags_any"`
	Limit      string      `json:"limit"`
	Offset     string      `json:"offset"`
	Matches    []tagBody   `json:"matches"`
	CloudType  string      `json:"cloud_type"`
	ObjectType string      `json:"object_type"`
}

// has reports whether a vault has one of the values of a key; no values stand for any.
func (w tagValues) has(v *vault) bool {
	return slices.ContainsFunc(v.tags, func(t tagBody) bool {
		if t.Key != w.Key {
			return false
		}
		return len(w.Values) == 0 || slices.ContainsFunc(w.Values, func(value string) bool {
			if part, fuzzy := strings.CutPrefix(value, "*"); fuzzy {
				return strings.Contains(t.Value, part)
			}
			return value == t.Value
		})
	})
}

// fits reports whether a vault is what a filter asks for: keys are ANDed in tags and not_tags, ORed in the others, and
// none of them counts where only vaults without tags are wanted.
func (f tagFilter) fits(v *vault) bool {
	if f.WithoutAny {
		f.Tags, f.TagsAny, f.NotTags, f.NotTagsAny = nil, nil, nil, nil
	}
	has := func(w tagValues) bool { return w.has(v) }
	hasNot := func(w tagValues) bool { return !w.has(v) }
	switch {
	case f.WithoutAny && len(v.tags) > 0,
		slices.ContainsFunc(f.Tags, hasNot),
		len(f.TagsAny) > 0 && !slices.ContainsFunc(f.TagsAny, has),
		len(f.NotTags) > 0 && !slices.ContainsFunc(f.NotTags, hasNot),
		slices.ContainsFunc(f.NotTagsAny, has),
		f.CloudType != "" && f.CloudType != v.cloudType,
		f.ObjectType != "" && f.ObjectType != v.objectType:
		return false
	}
	// An empty value asks for the name as it is, any other for a part of it.
	return !slices.ContainsFunc(f.Matches, func(m tagBody) bool { return m.Value == "" || !strings.Contains(v.name, m.Value) })
}

func (f tagFilter) check(r *region) error {
	for _, list := range [][]tagValues{f.Tags, f.TagsAny, f.NotTags, f.NotTagsAny} {
		for _, w := range list {
			if w.Key == "" || len([]rune(w.Key)) > 127 || len(w.Values) > r.mostTags() {
				return refuse(CodeInvalidParameter, "A key is empty or too long, or has too many values.")
			}
		}
	}
	switch {
	case f.Action != "filter" && f.Action != "count":
		return refuse(CodeInvalidParameter, "The action %q is invalid.", f.Action)
	case len(f.Matches) > 1 || (len(f.Matches) == 1 && f.Matches[0].Key != "resource_name"):
		return refuse(CodeInvalidParameter, "Only resource_name can be matched.")
	}
	return nil
}

// filterByTags finds or counts vaults. Its limit and offset are text.
func (r *region) filterByTags(v *visit) (any, error) {
	f, err := read[tagFilter](v)
	if err != nil {
		return nil, err
	}
	if err := f.check(r); err != nil {
		return nil, err
	}
	limit, err := number(f.Limit, r.config.pageLimit, 1, maxLimit)
	if err != nil {
		return nil, refuse(CodeInvalidParameter, "The limit %q is invalid.", f.Limit)
	}
	offset, err := strconv.Atoi(cmp.Or(f.Offset, "0"))
	if err != nil || offset < 0 {
		return nil, refuse(CodeInvalidParameter, "The offset %q is invalid.", f.Offset)
	}
	found := r.vaults.matching(func(one *vault) bool { return one.project == v.project && f.fits(one) })
	body := map[string]any{"total_count": len(found)}
	if f.Action == "count" {
		return body, nil
	}
	resources := []map[string]any{}
	for _, one := range cut(found, page{limit, offset}) {
		var detail any = []vaultBody{r.vaultBody(one)}
		if r.config.quirks.resourceDetail == AsObject {
			detail = map[string]any{"vault": r.vaultBody(one)}
		}
		resources = append(resources, map[string]any{
			"resource_id": one.id, "resource_name": one.name, "resource_detail": detail, "tags": append([]tagBody{}, one.tags...),
		})
	}
	body["resources"] = resources
	return body, nil
}
