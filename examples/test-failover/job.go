package main

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// job is the rehearsal of an organization, printed as it happens.
type job struct {
	client   *vcav.Client
	out      io.Writer
	polling  drkit.PollingOption
	org      string
	named    string // part of a machine's name; empty: all machines
	parallel int
	powerOn  bool
	limit    time.Duration // for the clean-up of one test
}

func (j *job) run(ctx, last context.Context) error {
	session, err := j.client.Sessions.SignIn(ctx)
	if err != nil {
		return err
	}
	replications, err := drkit.Collect(j.client.VMReplications.List(ctx, vcav.VMReplicationQuery{
		SourceOrg: j.org, VMName: j.named, Sort: []vcav.SortField{vcav.Asc("vmName")},
	}))
	switch {
	case err != nil:
		return err
	case len(replications) == 0:
		return fmt.Errorf("%s has no machine to rehearse: %w", j.org, drkit.ErrNotFound)
	}
	fmt.Fprintf(j.out, "%s signs in and rehearses %s: %d machine(s), %d at once\n", session.User, j.org, len(replications), j.parallel)

	told := make(chan struct{})
	over := context.AfterFunc(ctx, func() {
		defer close(told)
		fmt.Fprintln(j.out, "interrupted: no further rehearsal begins, those begun are cleaned up; again to end at once")
	})
	outcomes, err := drkit.ForEach(ctx, replications, j.parallel,
		func(ctx context.Context, replication vcav.VMReplication) (*rehearsal, error) {
			r := &rehearsal{job: j, replication: replication, at: time.Now()}
			return r, r.run(ctx, last)
		})
	if !over() {
		<-told
	}
	j.report(replications, outcomes)
	return err
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
