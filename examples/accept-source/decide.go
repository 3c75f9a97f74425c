package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

// verdict is what the allow-list says of a request.
type verdict string

const (
	accept verdict = "accept"
	reject verdict = "reject"
	leave  verdict = "leave" // for somebody to look at
	none   verdict = "none"  // an allowed source without a request
)

// decision is what is to become of one request, and what became of it.
type decision struct {
	request unitrends.ID
	source  unitrends.System // as far as the target tells
	label   string           // of the source, for people
	verdict verdict
	reason  string
	storage unitrends.StorageArea // of an acceptance; its zero value leaves that to the target

	settled unitrends.System
	adopted bool
	err     error
}

// decideAll finds out what asks, decides, waits and reports.
func decideAll(ctx context.Context, target *unitrends.Client, chosen settings, out io.Writer) error {
	decisions, err := plan(ctx, target, chosen)
	if err != nil {
		return err
	}
	if len(decisions) == 0 {
		fmt.Fprintln(out, "no source asks, and none is allowed")
		return nil
	}
	if chosen.dryRun {
		fmt.Fprint(out, planTable(decisions), "dry run: nothing was changed\n")
		return nil
	}
	// A failure is the decision's own: it stands in the report, and does not keep the others from being made.
	_, _ = drkit.ForEach(ctx, decisions, len(decisions), func(ctx context.Context, d *decision) (struct{}, error) {
		d.err = d.make(ctx, target, chosen)
		return struct{}{}, d.err
	})
	fmt.Fprint(out, outcomeTable(decisions))
	return conclude(ctx, decisions)
}

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
	for _, d := range decisions {
		if err := d.judge(decisions, chosen, storage); err != nil {
			return nil, err
		}
	}
	return append(decisions, missing(decisions, systems, chosen)...), nil
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

// missing are the allowed sources that nobody has asked for.
func missing(decisions []*decision, systems []unitrends.System, chosen settings) []*decision {
	var all []*decision
	for _, one := range chosen.allowed {
		if slices.ContainsFunc(decisions, func(d *decision) bool { return d.is(one.source) }) {
			continue
		}
		d := &decision{label: one.source, verdict: none}
		i := slices.IndexFunc(systems, func(s unitrends.System) bool { return s.Name == one.source && s.Replicates() })
		if i < 0 {
			d.err = errors.New("allowed, and has not asked")
		} else {
			d.settled, d.reason = systems[i], "replicates already"
		}
		all = append(all, d)
	}
	return all
}

// make sends a decision and waits until it has settled.
func (d *decision) make(ctx context.Context, target *unitrends.Client, chosen settings) error {
	var poller *drkit.Poller[unitrends.System]
	var err error
	switch d.verdict {
	case accept:
		var terms unitrends.Acceptance
		if d.storage.ID != "" {
			terms.StorageID = drkit.Some(d.storage.ID)
		}
		poller, err = target.Sources.Accept(ctx, d.request, terms)
	case reject:
		poller, err = target.Sources.Reject(ctx, d.request, chosen.message)
	case leave:
		return errors.New("left pending: " + d.reason)
	case none:
		return d.err
	}
	if err != nil {
		return err
	}
	d.adopted = poller.Adopted()
	ctx, cancel := context.WithTimeoutCause(ctx, chosen.patience, fmt.Errorf("decided, and not settled after %v", chosen.patience))
	defer cancel()
	d.settled, err = poller.Wait(ctx)
	if err != nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", context.Cause(ctx), err)
	}
	return err
}

// conclude is the end of the run.
func conclude(ctx context.Context, decisions []*decision) error {
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted: %w", context.Cause(ctx))
	}
	failed := 0
	for _, d := range decisions {
		if d.err != nil {
			failed++
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d need somebody to look", failed, len(decisions))
	}
	return nil
}
