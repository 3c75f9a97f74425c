package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
)

// job is one run, printed as it happens.
type job struct {
	settings
	site
	out     io.Writer
	journal drkit.Journal

	appliance string // id
	pair      vsphere.Pairing
	view      *vsphere.PairingView
	cutOff    error // why nothing can be had of the other site; nil if all can
}

// run ends what an earlier run has left and rehearses what was asked for.
func (j *job) run(ctx, last context.Context) error {
	saved, err := j.journal.Steps(ctx)
	if err != nil {
		return err
	}
	records, err := recordsOf(saved)
	if err != nil {
		return err
	}
	if err := j.enter(ctx); err != nil {
		return err
	}
	for _, one := range records {
		if one.Appliance != j.appliance {
			return fmt.Errorf("the journal is about appliance %s, and this is %s", one.Appliance, j.appliance)
		}
	}
	work, err := j.plan(ctx, records)
	if err != nil {
		return err
	}
	if j.cutOff != nil {
		fmt.Fprintf(j.out, "not signed in at the other site: %v; what an earlier run has left is ended as far as that goes without it\n", j.cutOff)
	}
	var names []string
	for _, r := range work {
		names = append(names, r.record.Name)
	}
	fmt.Fprintf(j.out, "%s → %s: %s, %d at once\n", j.pair.RemoteVCServer.Name, j.pair.LocalVCServer.Name, strings.Join(names, ", "), j.parallel)

	told := make(chan struct{})
	over := context.AfterFunc(ctx, func() {
		defer close(told)
		fmt.Fprintln(j.out, "interrupted: no further rehearsal begins, those begun are brought to an end; again to end at once")
	})
	// An interrupt keeps nobody from ending what was begun: each rehearsal sees to it itself.
	_, err = drkit.ForEach(last, work, j.parallel, func(_ context.Context, r *rehearsal) (struct{}, error) {
		return struct{}{}, r.run(ctx, last)
	})
	if !over() {
		<-told
	}
	j.report(work)
	return cmp.Or(err, j.cutOff)
}

// plan returns the rehearsals to make: first those that an earlier run has left. Without the other site nothing can be
// paused, and there are no others.
func (j *job) plan(ctx context.Context, records []record) ([]*rehearsal, error) {
	known := map[string]*rehearsal{}
	var work []*rehearsal
	for _, one := range records {
		known[one.ID] = &rehearsal{job: j, record: one}
		if !one.Over {
			work = append(work, known[one.ID])
		}
	}
	if j.cutOff != nil {
		if len(work) == 0 {
			return nil, j.cutOff
		}
		return work, nil
	}
	wanted, err := j.wanted(ctx, records)
	if err != nil {
		return nil, err
	}
	fresh := false
	for _, replication := range wanted {
		r := known[replication.ID]
		if r == nil {
			r = &rehearsal{job: j, record: record{ID: replication.ID, Name: replication.Name}}
		}
		if r.record.Round == 0 || r.record.Over {
			work = append(work, r)
		}
		r.asked = true
		fresh = fresh || r.record.Result != passed
	}
	if len(work) == 0 {
		return nil, fmt.Errorf("nothing is replicated to %s: %w", j.pair.LocalVCServer.Name, drkit.ErrNotFound)
	}
	if fresh && !j.dryRun {
		return work, j.places(ctx)
	}
	return work, nil
}

// wanted returns the replications that were asked for: by name, all, or those of the journal. Nothing is guessed: a name
// that fits two is refused like one that fits none.
func (j *job) wanted(ctx context.Context, records []record) ([]vsphere.ReplicationInfo, error) {
	incoming, err := j.incoming(ctx)
	if err != nil || j.all {
		return incoming, err
	}
	names := j.names
	if len(names) == 0 {
		for _, one := range records {
			names = append(names, one.ID)
		}
	}
	if len(names) == 0 {
		return nil, errors.New("say what to rehearse: -vm NAME, which may be repeated, or -all")
	}
	var wanted []vsphere.ReplicationInfo
	var problems []string
	for _, name := range names {
		found := slices.Collect(matching(incoming, name))
		switch {
		case len(found) == 1 && !slices.ContainsFunc(wanted, func(r vsphere.ReplicationInfo) bool { return r.ID == found[0].ID }):
			wanted = append(wanted, found[0])
		case len(found) == 1: // named twice
		case len(found) > 1:
			problems = append(problems, fmt.Sprintf("%q may be %s or %s: name it by its id", name, found[0].ID, found[1].ID))
		case len(j.names) > 0:
			problems = append(problems, fmt.Sprintf("there is no incoming replication of %q", name))
		}
	}
	if len(problems) > 0 {
		return nil, errors.New(strings.Join(problems, "; "))
	}
	return wanted, nil
}

func matching(all []vsphere.ReplicationInfo, name string) func(func(vsphere.ReplicationInfo) bool) {
	return func(yield func(vsphere.ReplicationInfo) bool) {
		for _, one := range all {
			if (one.ID == name || one.Name == name) && !yield(one) {
				return
			}
		}
	}
}

// incoming returns the replications whose machines this site recovers, by name, and those of which it does not know. No
// filter of the appliance is relied on.
func (j *job) incoming(ctx context.Context) ([]vsphere.ReplicationInfo, error) {
	rows := j.view.Replications.List(ctx, vsphere.ReplicationQuery{ExtendedInfo: drkit.Some(true)})
	all, err := drkit.Collect(drkit.Filter(rows, func(row vsphere.ReplicationInfo) bool {
		return row.TargetVCID == j.pair.LocalVCServer.ID || row.TargetVCID == "" && row.Meta.Err() != nil
	}))
	slices.SortFunc(all, func(a, b vsphere.ReplicationInfo) int { return strings.Compare(a.Name, b.Name) })
	return all, err
}

// lines is a writer for several goroutines that write whole lines.
type lines struct {
	mu  sync.Mutex
	out io.Writer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}
