package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// desk is where runs are rehearsed, one after the other, in one cloud and with one journal.
type desk struct {
	*checkpointstest.Server
	there   *checkpointstest.Server
	t       *testing.T
	program program
	file    string
}

// rehearse runs a test against two regions in memory, where hours pass at once. The vaults are "shop", with two servers
// and two backups of each, and "files", with one of each.
func rehearse(t *testing.T, test func(t *testing.T, d *desk), options ...checkpointstest.Option) {
	t.Helper()
	t.Parallel()
	file := filepath.Join(t.TempDir(), "journal")
	synctest.Test(t, func(t *testing.T) {
		here := checkpointstest.NewServer(t, append([]checkpointstest.Option{
			checkpointstest.InMemory(), checkpointstest.TaskDuration(time.Second, time.Minute),
			checkpointstest.Resources(checkpointstest.VM("db-1", 40), checkpointstest.VM("app-1", 40), checkpointstest.VM("files-1", 40)),
			checkpointstest.Vaults(vaultOf("shop", "db-1", "app-1"), vaultOf("files", "files-1")),
		}, options...)...)
		there := checkpointstest.NewServer(t, checkpointstest.LinkedTo(here))
		here.AddBackups(checkpointstest.VaultID("shop"), 2)
		here.AddBackups(checkpointstest.VaultID("files"), 1)
		<-time.After(2 * time.Hour) // so that nothing is as old as what comes
		test(t, &desk{Server: here, there: there, t: t, program: program{open: openJournal}, file: file})
		there.Close()
		here.Close()
	})
}

// run is one run, with clients of its own.
func (d *desk) run(args ...string) (out string, err error) {
	d.t.Helper()
	var text bytes.Buffer
	err = d.runTo(d.t.Context(), &text, args...)
	return text.String(), err
}

func (d *desk) runTo(ctx context.Context, out io.Writer, args ...string) error {
	d.t.Helper()
	chosen, err := parse(append([]string{"-journal", d.file, "-to", d.there.Region}, args...), out)
	require.NoError(d.t, err)
	return d.program.work(ctx, cloudOf(d.Server), chosen, out)
}

func (d *desk) status() string {
	d.t.Helper()
	var text bytes.Buffer
	require.NoError(d.t, printStatus(d.file, &text))
	return text.String()
}

// row returns the last line of a table about a vault, with single spaces.
func row(text, vault string) string {
	found := ""
	for line := range strings.Lines(text) {
		if cells := strings.Fields(line); len(cells) > 2 && cells[0] == vault {
			found = strings.Join(cells, " ")
		}
	}
	return found
}

// line returns the last line that has this in it, with single spaces.
func line(text, part string) string {
	found := ""
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			found = strings.Join(strings.Fields(line), " ")
		}
	}
	return found
}

// trigger is where a run prints to, and does something once when a text comes.
type trigger struct {
	on   string
	do   func()
	mu   sync.Mutex
	text bytes.Buffer
	done bool
}

func (w *trigger) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.text.Write(p)
	if w.do != nil && !w.done && strings.Contains(w.text.String(), w.on) {
		w.done = true
		w.do()
	}
	return len(p), nil
}

func (w *trigger) String() string { return w.text.String() }

func TestReplication(t *testing.T) {
	for _, flavour := range []checkpointstest.Flavour{checkpointstest.OpenTelekomCloud, checkpointstest.HuaweiCloud} {
		t.Run(string(flavour), func(t *testing.T) {
			rehearse(t, func(t *testing.T, d *desk) {
				out, err := d.run()
				require.NoError(t, err, out)
				assert.Regexp(t, `^shop replicas 4 4 0 0 4 1m\S+ replicated$`, row(out, "shop"))
				assert.Regexp(t, `^files replicas 1 1 0 0 1 1m\S+ replicated$`, row(out, "files"))
				assert.NotContains(t, out, "without a copy")
				assert.Len(t, d.there.Backups(checkpointstest.VaultID("replicas")), 5)
				assert.Regexp(t, `^shop replicas replicate \S+ succeeded 1 \S+ \S+ 1m\S+ 4 of 4 backups copied$`, row(d.status(), "shop"))

				again, err := d.run()
				require.NoError(t, err)
				assert.Regexp(t, `^shop replicas 4 4 0 0 4 1m\S+ replicated$`, row(again, "shop"))
				assert.Equal(t, 2, d.Count(replicates), "nothing is sent twice")
			}, checkpointstest.Play(flavour))
		})
	}
}

// A run with another journal takes what has come since, and finds what was copied before.
func TestAnotherJournal(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		_, err := d.run()
		require.NoError(t, err)
		d.AddBackups(checkpointstest.VaultID("files"), 1)
		out, err := d.run()
		require.NoError(t, err)
		assert.Regexp(t, `replicated; 1 backups have come since, which a run with another journal copies$`, row(out, "files"))

		d.file += "-2"
		out, err = d.run()
		require.NoError(t, err, out)
		assert.Regexp(t, `^files replicas 2 1 0 0 2 1m\S+ replicated$`, row(out, "files"))
		assert.Regexp(t, `^shop replicas 4 0 0 0 4 \S+ replicated$`, row(out, "shop"), "there was nothing to copy")
		for _, backup := range d.Backups("") {
			assert.Equal(t, 1, d.Audit().Replication(backup.ID, d.there.Region).Started)
		}
	})
}

// What was skipped, has failed, or is not there in the end is reported, each with its reason.
func TestExceptions(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		ids := map[string]string{} // the first backup of each server
		for _, backup := range d.Backups(checkpointstest.VaultID("shop")) {
			if ids[backup.Resource] == "" {
				ids[backup.Resource] = backup.ID
			}
		}
		db, app := ids[checkpointstest.VMID("db-1")], ids[checkpointstest.VMID("app-1")]
		d.SkipTask(replicates, db, "BackupService.6122", "It\ncannot be.")
		d.FailTask(replicates, app, "BackupService.1006", "The import has failed.")
		out, err := d.run()
		require.EqualError(t, err, "1 of 2 vaults are not replicated")
		assert.Regexp(t, `^shop replicas 4 2 1 1 2 1m\S+ 2 of 4 backups have no copy$`, line(out, "2 of 4 backups have"))
		assert.Equal(t, "shop "+db+" db-1 skipped BackupService.6122: It cannot be.", line(out, db))
		assert.Equal(t, "shop "+app+" app-1 failed BackupService.1006: The import has failed.", line(out, app))

		d.file += "-2"
		out, err = d.run()
		require.NoError(t, err, "what has failed is copied by a run with another journal")
		assert.Regexp(t, `^shop replicas 4 2 0 0 4 1m\S+ replicated$`, row(out, "shop"))
	})
}

func TestNothingWasCopied(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		d.SkipTask(replicates, checkpointstest.VaultID("files"), "BackupService.6122", "It cannot be.")
		out, err := d.run("-vault", "files")
		require.EqualError(t, err, "1 of 1 vaults are not replicated")
		assert.Contains(t, out, "files-1  skipped  BackupService.6122: It cannot be.")
		again, err := d.run("-vault", "files")
		require.Error(t, err)
		assert.Contains(t, again, "BackupService.6122")
		_, err = d.run("-retry", "replicate "+checkpointstest.VaultID("files"))
		require.NoError(t, err)
	})
}

// The service says that all is well, and the copies are not there.
func TestCopiesThatAreNotThere(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		_, err := d.run()
		require.NoError(t, err)
		copies := d.there.Backups("")
		require.True(t, d.there.RemoveBackup(copies[0].ID))
		out, err := d.run()
		require.EqualError(t, err, "1 of 2 vaults are not replicated")
		assert.Contains(t, out, "missing  it was copied, and the copy is not there")

		d.file += "-2"
		out, err = d.run()
		require.EqualError(t, err, "1 of 2 vaults are not replicated")
		assert.Contains(t, out, "missing  it was not copied: if it was before, its copy was deleted since")
	})
}

// Somebody else replicates a vault just when its turn comes.
func TestVaultThatIsBeingReplicated(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		vault := checkpointstest.VaultID("shop")
		out := &trigger{on: "vaults are replicated to", do: func() {
			_, err := d.Operator("olga").Do(replicates, "", `{"replicate": {"vault_id": "`+vault+`", "destination_region": "`+d.there.Region+
				`", "destination_project_id": "`+d.there.ProjectID+`", "destination_vault_id": "`+checkpointstest.VaultID("replicas")+`"}}`)
			require.NoError(t, err)
		}}
		require.EqualError(t, d.runTo(t.Context(), out), "1 of 2 vaults are not replicated")
		<-time.After(2 * time.Minute)
		again, err := d.run()
		require.NoError(t, err, again)
		for _, backup := range d.Backups("") {
			assert.Equal(t, 1, d.Audit().Replication(backup.ID, d.there.Region).Started)
		}
	})
}

func TestInterrupt(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		for _, moment := range []string{"vaults are replicated to", "on its way"} {
			ctx, cancel := context.WithCancel(t.Context())
			out := &trigger{on: moment, do: cancel}
			require.ErrorIs(t, d.runTo(ctx, out, "-parallel", "1"), context.Canceled, moment)
			assert.Contains(t, out.String(), "interrupted: nothing new is begun", moment)
		}
		assert.Equal(t, 1, d.Ran(replicates, ""))
		out, err := d.run()
		require.NoError(t, err, out)
		assert.Equal(t, 2, d.Count(replicates))
	})
}

func TestLostAnswers(t *testing.T) {
	for _, after := range []bool{false, true} {
		rehearseNamed(t, map[bool]string{false: "with the request", true: "with the work done"}[after], func(t *testing.T, d *desk) {
			d.Inject(checkpointstest.Fault{Operation: replicates, Resource: checkpointstest.VaultID("shop"), After: after, Drop: true, Times: 1})
			out, err := d.run()
			if after {
				require.NoError(t, err, out)
			} else {
				require.EqualError(t, err, "1 of 2 vaults are not replicated")
				assert.Regexp(t, `the outcome is unknown`, row(out, "shop"))
				assert.Regexp(t, ` intended 1 .* the next run looks for it: operation ID \S+$`, row(d.status(), "shop"))
				_, err = d.run("-retry", "replicate "+checkpointstest.VaultID("shop"))
				require.NoError(t, err)
			}
			assert.Equal(t, 1, d.Ran(replicates, checkpointstest.VaultID("shop")))
		})
	}
}

func rehearseNamed(t *testing.T, name string, test func(t *testing.T, d *desk), options ...checkpointstest.Option) {
	t.Helper()
	t.Run(name, func(t *testing.T) { rehearse(t, test, options...) })
}

// forgetful is a journal that cannot keep one kind of change.
type forgetful struct {
	journal
	state drkit.StepState
}

func (j forgetful) Save(ctx context.Context, s drkit.Step) error {
	if s.State == j.state && s.Key != planKey {
		return errors.New("the disk is full")
	}
	return j.journal.Save(ctx, s)
}

func TestJournalThatIsFull(t *testing.T) {
	for state, ran := range map[drkit.StepState]int{drkit.StepIntended: 0, drkit.StepAccepted: 1, drkit.StepSucceeded: 1} {
		rehearseNamed(t, string(state), func(t *testing.T, d *desk) {
			d.program.open = func(path string) (journal, error) {
				opened, err := openJournal(path)
				return forgetful{opened, state}, err
			}
			out, err := d.run("-vault", "shop")
			require.EqualError(t, err, "1 of 1 vaults are not replicated")
			assert.Contains(t, row(out, "shop"), "the disk is full")
			assert.Equal(t, ran, d.Ran(replicates, ""))
			d.program.open = openJournal
			_, err = d.run()
			require.NoError(t, err)
			assert.Equal(t, 1, d.Ran(replicates, ""))
		})
	}
}

func TestStatus(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		empty, err := drkit.OpenFileJournal(d.file)
		require.NoError(t, err)
		assert.Equal(t, "nothing is planned yet\n", d.status())
		require.NoError(t, empty.Close())
		ctx, cancel := context.WithCancel(t.Context())
		require.ErrorIs(t, d.runTo(ctx, &trigger{on: "on its way", do: cancel}, "-parallel", "1"), context.Canceled)
		status := d.status()
		assert.Contains(t, status, "replication from "+d.Region+" to "+d.there.Region+"\n")
		assert.Regexp(t, `^shop replicas replicate \S+ accepted 1 \S+ \S+ – the next run waits for it: operation ID \S+$`, row(status, "shop"))
		assert.Regexp(t, `^files replicas replicate \S+ ready 0 – – –$`, row(status, "files"))
	})
}
