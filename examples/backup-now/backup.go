package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

type poller = drkit.Poller[checkpoints.CheckpointResult]

// work chooses, backs up, waits and reports.
func work(ctx context.Context, client *checkpoints.Client, chosen settings, out io.Writer) error {
	checkpoint, err := begin(ctx, client, chosen, out)
	if err != nil || checkpoint == nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, chosen.patience)
	defer cancel()
	result, err := checkpoint.Wait(limited)
	if !checkpoint.Done() {
		return unfinished(ctx, limited, checkpoint, chosen, out, err)
	}
	backups := result.Backups
	if outcomes := checkpoints.BackupOutcomesOf(err); outcomes != nil {
		backups = outcomes
	}
	fmt.Fprint(out, outcomeTable(backups))
	return conclude(backups, err)
}

// begin makes the checkpoint, or returns the one that an earlier run has made; none in a dry run.
func begin(ctx context.Context, client *checkpoints.Client, chosen settings, out io.Writer) (*poller, error) {
	if chosen.token != "" {
		return checkpoints.Resume[checkpoints.CheckpointResult](client, chosen.token)
	}
	what, err := chosen.choose(ctx, client)
	if err != nil {
		return nil, err
	}
	if chosen.dryRun {
		fmt.Fprint(out, choiceTable(what), "dry run: nothing was changed\n")
		return nil, nil
	}
	checkpoint, err := client.Checkpoints.Create(ctx, chosen.request(what, time.Now()))
	if err != nil {
		return nil, err
	}
	found := ""
	if checkpoint.Adopted() {
		found = " (the answer was lost, and the checkpoint found)"
	}
	fmt.Fprintf(out, "%s of vault %s%s: waiting until its backups have ended\n", checkpoint.ID(), what.vault.Name, found)
	return checkpoint, nil
}

// request asks for the checkpoint. It always has a name, because by that it is found again where the answer is lost: one
// that no other run has, unless the command line says it.
func (s settings) request(what choice, now time.Time) checkpoints.VaultBackup {
	how := checkpoints.CheckpointParam{Name: drkit.Some(s.name)}
	if s.name == "" {
		how.Name = drkit.Some("backup-now-" + now.UTC().Format("20060102T150405Z") + "-" + strings.ToLower(rand.Text()[:8]))
	}
	if s.description != "" {
		how.Description = drkit.Some(s.description)
	}
	if s.full {
		how.Incremental = drkit.Some(false)
	}
	if !what.all {
		for _, resource := range what.resources {
			how.Resources = append(how.Resources, resource.ID)
		}
	}
	return checkpoints.VaultBackup{VaultID: what.vault.ID, Parameters: drkit.Some(how)}
}

// unfinished says how another run can go on waiting, and why this one does not.
func unfinished(ctx, limited context.Context, checkpoint *poller, chosen settings, out io.Writer, err error) error {
	asking, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	token, lost := checkpoint.ResumeToken(asking)
	if lost != nil {
		lost = fmt.Errorf("there is no way to go on waiting: %w", lost)
	} else if !errors.Is(err, drkit.ErrToken) {
		fmt.Fprintf(out, "to go on waiting: backup-now -resume %s\n", token)
	}
	switch {
	case ctx.Err() != nil:
		err = fmt.Errorf("interrupted; the backups go on: %w", ctx.Err())
	case limited.Err() != nil:
		err = fmt.Errorf("the backups have not ended within %v, and go on", chosen.patience)
	}
	return join(err, lost)
}

// conclude is the end of the run.
func conclude(backups []checkpoints.BackupOutcome, err error) error {
	missing := 0
	for _, backup := range backups {
		if backup.Err() != nil {
			missing++
		}
	}
	if missing > 0 {
		return fmt.Errorf("%d of %d resources were not backed up", missing, len(backups))
	}
	return err
}
