package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// plan reads the requests, the systems and the storage, and compares them with the allow-list. It changes nothing.
func plan(ctx context.Context, target *unitrends.Client, chosen settings) ([]*decision, error) {
	pending, err := target.Sources.Pending(ctx)
	if err != nil {
		return nil, err
	}
	systems, err := target.Systems.List(ctx, unitrends.SystemQuery{IncludePending: drkit.Some(true)})
	if err != nil {
		return nil, err
	}
	storage, err := target.Storage.List(ctx)
	if err != nil {
		return nil, err
	}
	var decisions []*decision
	for _, request := range pending {
		d := &decision{request: request.RequestID, label: "request " + string(request.RequestID)}
		if i := slices.IndexFunc(systems, func(s unitrends.System) bool { return s.RequestID == request.RequestID }); i >= 0 {
			d.source = systems[i]
			d.label = cmp.Or(systems[i].Name, systems[i].AssetTag, d.label)
		}
		decisions = append(decisions, d)
	}
	storage = own(storage, systems)
	for _, d := range decisions {
		if err := d.judge(decisions, chosen, storage); err != nil {
			return nil, err
		}
	}
	absent, err := missing(target, decisions, systems, chosen)
	return append(decisions, absent...), err
}

// is reports whether the source goes by a name or an asset tag.
func (d *decision) is(name string) bool {
	return name == d.source.Name || name == d.source.AssetTag
}

// judge decides on one request. An error is one of the allow-list, with which nothing is decided.
func (d *decision) judge(all []*decision, chosen settings, storage []unitrends.StorageArea) error {
	var by []allowed
	for _, one := range chosen.allowed {
		if d.is(one.source) {
			by = append(by, one)
		}
	}
	switch {
	case d.source.Name == "" && d.source.AssetTag == "":
		d.verdict, d.reason = leave, "the target does not say whose request it is"
	case len(by) > 1:
		return fmt.Errorf("%q and %q are the same source: allow it once", by[0].source, by[1].source)
	case len(by) == 1 && slices.ContainsFunc(all, func(other *decision) bool { return other != d && other.is(by[0].source) }):
		d.verdict, d.reason = leave, fmt.Sprintf("%q is the name of several requests: allow one by its asset tag", by[0].source)
	case len(by) == 1:
		d.verdict, d.reason = accept, "allowed"
		var err error
		d.storage, err = find(storage, cmp.Or(by[0].storage, chosen.storage))
		return err
	case chosen.message == "":
		d.verdict, d.reason = leave, "not allowed, and without -message nothing is rejected"
	default:
		d.verdict, d.reason = reject, "not allowed"
	}
	return nil
}

// own is the storage of the target itself. One that manages others lists theirs, too, under the same ids.
func own(storage []unitrends.StorageArea, systems []unitrends.System) []unitrends.StorageArea {
	local := slices.IndexFunc(systems, func(s unitrends.System) bool { return s.Local })
	return slices.DeleteFunc(storage, func(area unitrends.StorageArea) bool {
		return local >= 0 && area.SID != "" && area.SID != systems[local].ID
	})
}

// find returns the storage of that name or id, and none where it is empty.
func find(storage []unitrends.StorageArea, name string) (unitrends.StorageArea, error) {
	var found []unitrends.StorageArea
	var there []string
	for _, area := range storage {
		if area.Name == name || string(area.ID) == name {
			found = append(found, area)
		}
		there = append(there, area.Name)
	}
	switch {
	case name == "":
		return unitrends.StorageArea{}, nil
	case len(found) == 0:
		return unitrends.StorageArea{}, fmt.Errorf("no storage is %q; there is: %s", name, strings.Join(there, ", "))
	case len(found) > 1:
		return unitrends.StorageArea{}, fmt.Errorf("%d storages are %q: name one by its id", len(found), name)
	default:
		return found[0], nil
	}
}

// missing are the allowed sources without a request to decide on. Once a source replicates, the target no longer
// tells its asset tag. One that was accepted before, by an earlier run or by somebody else, is waited for.
func missing(target *unitrends.Client, decisions []*decision, systems []unitrends.System, chosen settings) ([]*decision, error) {
	var all []*decision
	for _, one := range chosen.allowed {
		if slices.ContainsFunc(decisions, func(d *decision) bool { return d.is(one.source) }) {
			continue
		}
		d := &decision{label: one.source, verdict: none, err: errors.New("allowed; it has not asked, and no source of that name replicates")}
		for _, system := range systems {
			entry := decision{source: system}
			switch {
			case !entry.is(one.source):
			case system.Replicates():
				d.settled, d.reason, d.err = system, "replicates already", nil
			case system.IsPending:
				var err error
				if d.poller, err = target.Sources.Settled(system.RequestID); err != nil {
					return nil, err
				}
				d.request, d.verdict, d.reason, d.err = system.RequestID, resume, "accepted before, on the terms of then", nil
			}
		}
		all = append(all, d)
	}
	return all, nil
}
