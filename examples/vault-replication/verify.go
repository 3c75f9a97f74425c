package main

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// found is what there is of a vault in the end.
type found struct {
	backups int // that were there when the plan was made, without those that are gone and were never copied
	copies  int // of those, which have a copy that can be used
	later   int // that have come since
	gone    int // that were part of the replication, and are not there any more
}

// exception is a backup without a copy that can be used.
type exception struct {
	backup   string // id
	resource string // name
	what     string // skipped, failed or missing
	why      string
}

// What a backup without a copy is called.
const (
	wasSkipped = "skipped"
	hasFailed  = "failed"
	isMissing  = "missing"
)

// verifyAll looks for the copies of all vaults whose replication has ended, whatever it has said itself.
func (r *runbook) verifyAll(ctx context.Context) {
	var ended []*vault
	for _, v := range r.vaults {
		if v.ended {
			ended = append(ended, v)
		}
	}
	if len(ended) == 0 {
		return
	}
	there, err := r.arrived(ctx)
	r.each(ctx, ended, func(ctx context.Context, v *vault) error {
		if err != nil {
			return fmt.Errorf("not verified: %s: %w", r.to.Region, err)
		}
		backups, err := backupsOf(ctx, r.regions.source, v.ID)
		if err != nil {
			return fmt.Errorf("not verified: %w", err)
		}
		v.verify(backups, there)
		return v.judge(r.skips)
	})
}

// backupsOf lists the backups of a vault, with the records of their copies where the cloud has them.
func backupsOf(ctx context.Context, in region, vault string) ([]checkpoints.Backup, error) {
	return drkit.Collect(in.Backups.List(ctx, checkpoints.BackupQuery{
		VaultID: vault, Sort: []checkpoints.SortField{checkpoints.Asc("created_at")}, ShowReplication: drkit.Some(true),
	}))
}

// arrivals are the copies in the other region, in whichever vault.
type arrivals struct {
	region    string
	byID      map[string]checkpoints.Backup
	byContent map[content]checkpoints.Backup
}

// content is what a backup and its copy have in common: the resource, and the second that they hold.
type content struct {
	resource string
	second   int64
}

func contentOf(backup checkpoints.Backup) content {
	return content{backup.ResourceID, backup.ProtectedAt.Truncate(time.Second).Unix()}
}

// arrived lists the copies in the other region. A copy that an earlier replication has put into another vault there is
// one, too, because the service makes no second one.
func (r *runbook) arrived(ctx context.Context) (arrivals, error) {
	there := arrivals{r.to.Region, map[string]checkpoints.Backup{}, map[content]checkpoints.Backup{}}
	query := checkpoints.BackupQuery{Sort: []checkpoints.SortField{checkpoints.Asc("created_at")}}
	for backup, err := range r.regions.destination.Backups.List(ctx, query) {
		if err != nil {
			return arrivals{}, err
		}
		there.add(backup)
	}
	return there, nil
}

// add keeps what is a copy.
func (a arrivals) add(backup checkpoints.Backup) {
	if backup.ImageType != checkpoints.ImageTypeReplication {
		return
	}
	a.byID[backup.ID] = backup
	if backup.ProtectedAt.IsZero() || backup.ResourceID == "" { // its content does not show
		return
	}
	if other, twice := a.byContent[contentOf(backup)]; !twice || other.Status != checkpoints.BackupStatusAvailable {
		a.byContent[contentOf(backup)] = backup
	}
}

// copyOf returns the copy of a backup: the one that the replication or a record names, or else the one with the same
// content.
func (a arrivals) copyOf(backup checkpoints.Backup, outcome checkpoints.CopyOutcome) (checkpoints.Backup, bool) {
	if outcome.ReplicaID != "" {
		arrived, there := a.byID[outcome.ReplicaID]
		return arrived, there
	}
	for _, record := range backup.ReplicationRecords {
		if arrived, there := a.byID[record.DestinationBackupID]; there && record.DestinationRegion == a.region {
			return arrived, true
		}
	}
	arrived, there := a.byContent[contentOf(backup)]
	return arrived, there
}

// verify compares what there is at both ends.
func (v *vault) verify(backups []checkpoints.Backup, there arrivals) {
	v.verified = true
	outcomes := map[string]checkpoints.CopyOutcome{}
	for _, outcome := range v.copies {
		outcomes[outcome.BackupID] = outcome
	}
	for _, backup := range backups {
		outcome, taken := outcomes[backup.ID]
		delete(outcomes, backup.ID)
		if !taken && backup.CreatedAt.After(v.Until.Time) {
			v.found.later++
			continue
		}
		v.found.backups++
		arrived, is := there.copyOf(backup, outcome)
		if is && arrived.Status == checkpoints.BackupStatusAvailable {
			v.found.copies++
			continue
		}
		v.exceptions = append(v.exceptions, withoutCopy(backup, outcome, taken, arrived))
	}
	for _, outcome := range v.copies {
		if _, unseen := outcomes[outcome.BackupID]; unseen {
			v.verifyGone(outcome, there)
		}
	}
	if v.found.later > 0 {
		v.notes = append(v.notes, fmt.Sprintf("%d backups have come since, which a run with another journal copies", v.found.later))
	}
	if v.found.gone > 0 {
		v.notes = append(v.notes, fmt.Sprintf("%d backups are gone from the vault since", v.found.gone))
	}
}

// verifyGone looks for the copy of a backup that is no longer in the vault.
func (v *vault) verifyGone(outcome checkpoints.CopyOutcome, there arrivals) {
	v.found.gone++
	if !succeeded(outcome) {
		return
	}
	v.found.backups++
	if there.byID[outcome.ReplicaID].Status == checkpoints.BackupStatusAvailable {
		v.found.copies++
		return
	}
	v.exceptions = append(v.exceptions, exception{
		backup: outcome.BackupID, resource: outcome.ResourceName, what: isMissing, why: "it was copied, and neither it nor its copy is there",
	})
}

// withoutCopy says why a backup has no copy that can be used.
func withoutCopy(backup checkpoints.Backup, outcome checkpoints.CopyOutcome, taken bool, arrived checkpoints.Backup) exception {
	odd := exception{backup: backup.ID, resource: cmp.Or(backup.ResourceName, backup.Name), what: isMissing}
	switch {
	case taken && skipped(outcome):
		odd.what, odd.why = wasSkipped, reason(outcome)
	case taken && failed(outcome):
		odd.what, odd.why = hasFailed, reason(outcome)
	case arrived.ID != "":
		odd.why = fmt.Sprintf("its copy %s is in the state %q", arrived.ID, arrived.Status)
	case taken:
		odd.why = "it was copied, and the copy is not there"
	case backup.Status != checkpoints.BackupStatusAvailable:
		odd.why = fmt.Sprintf("it is in the state %q", backup.Status)
	default:
		odd.why = "it was not copied: if it was before, its copy was deleted since"
	}
	return odd
}

// reason is why a backup was not copied, in the words of the service.
func reason(outcome checkpoints.CopyOutcome) string {
	err := outcome.Err()
	if outcome.Code == "" && outcome.Reason == "" {
		return err.Error()
	}
	return cmp.Or(outcome.Code, "no code") + ": " + cmp.Or(outcome.Reason, "no reason")
}

// judge is what the copies of a vault come to.
func (v *vault) judge(acceptSkipped bool) error {
	without := 0
	for _, odd := range v.exceptions {
		if odd.what != wasSkipped || !acceptSkipped {
			without++
		}
	}
	if without > 0 {
		return fmt.Errorf("%d of %d backups have no copy", without, v.found.backups)
	}
	return nil
}
