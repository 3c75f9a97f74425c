package main

import (
	"bytes"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

const creates = "Checkpoints.Create"

// rehearse runs a test against a region in memory, where hours pass at once. The vault "production" protects db-1 and
// app-1, "files" protects the disk logs, and web-1 is not protected.
func rehearse(t *testing.T, test func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client), options ...checkpointstest.Option) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := checkpointstest.NewServer(t, append([]checkpointstest.Option{
			checkpointstest.InMemory(), checkpointstest.TaskDuration(time.Second, time.Hour),
			checkpointstest.Resources(checkpointstest.VM("db-1", 40, 100), checkpointstest.VM("app-1", 40), checkpointstest.VM("web-1", 40), checkpointstest.Volume("logs", 10)),
			checkpointstest.Vaults(
				checkpointstest.Vault{Name: "production", Resources: []string{checkpointstest.VMID("db-1"), checkpointstest.VMID("app-1")}},
				checkpointstest.Vault{Name: "files", ObjectType: checkpointstest.ObjectDisk, Resources: []string{checkpointstest.VolumeID("logs")}},
				checkpointstest.Vault{Name: "empty"}, checkpointstest.Vault{Name: "copies", ProtectType: checkpointstest.ProtectReplication},
				checkpointstest.Vault{Name: "frozen", Status: checkpointstest.VaultFrozen}, checkpointstest.Vault{ID: checkpointstest.VaultID("other"), Name: "empty"},
			),
		}, options...)...)
		client, err := clientOf(server)
		require.NoError(t, err)
		test(t, server, client)
		require.NoError(t, client.Close(context.Background()))
		server.Close()
	})
}

// start runs the program but for the client, which is the test's.
func start(ctx context.Context, client *checkpoints.Client, out io.Writer, args ...string) error {
	chosen, err := parse(args, out)
	if err != nil {
		return err
	}
	return work(ctx, client, chosen, out)
}

// row is what the last table says of a resource, with single spaces.
func row(out, resource string) string {
	found := ""
	for line := range strings.Lines(out) {
		if strings.HasPrefix(line, resource+" ") {
			found = strings.TrimPrefix(strings.Join(strings.Fields(line), " "), resource+" ")
		}
	}
	return found
}

func TestWhatIsBackedUp(t *testing.T) {
	vm, vault := checkpointstest.VMID, checkpointstest.VaultID
	for name, c := range map[string]struct {
		args []string
		want []string // resources
	}{
		"a vault":             {[]string{"-vault", "production"}, []string{vm("db-1"), vm("app-1")}},
		"by id":               {[]string{"-vault", vault("production"), "-resource", vm("app-1")}, []string{vm("app-1")}},
		"by name":             {[]string{"-vault", "production", "-resource", "app-1", "-resource", "db-1"}, []string{vm("app-1"), vm("db-1")}},
		"wherever it is":      {[]string{"-resource", "logs"}, []string{checkpointstest.VolumeID("logs")}},
		"full, with its name": {[]string{"-resource", "db-1", "-full", "-name", "before-42", "-description", "before release 42"}, []string{vm("db-1")}},
	} {
		t.Run(name, func(t *testing.T) {
			rehearse(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
				var out bytes.Buffer
				require.NoError(t, start(t.Context(), client, io.Discard, "-vault", "production"), "so that there is something to build on")
				before := len(server.Backups(""))
				require.NoError(t, start(t.Context(), client, &out, c.args...))
				var got []string
				for _, backup := range server.Backups("")[before:] {
					got = append(got, backup.Resource)
					made, err := client.Backups.Get(t.Context(), backup.ID)
					require.NoError(t, err)
					full := strings.HasPrefix(name, "full")
					if backup.Resource != checkpointstest.VolumeID("logs") {
						assert.Equal(t, !full, made.ExtendInfo.Incremental)
					}
					if full {
						assert.Equal(t, []string{"before-42", "before release 42"}, []string{made.Name, made.Description})
					} else {
						assert.Regexp(t, `^backup-now-\d{8}T\d{6}Z-[a-z2-7]{8}$`, made.Name)
					}
				}
				assert.Equal(t, c.want, got)
			})
		})
	}
}

func TestRefusals(t *testing.T) {
	for _, flavour := range []checkpointstest.Flavour{checkpointstest.OpenTelekomCloud, checkpointstest.HuaweiCloud} {
		t.Run(string(flavour), func(t *testing.T) {
			rehearse(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
				refusals := map[string][]string{
					`there is no vault "attic"`:    {"-vault", "attic"},
					`"empty" may be `:              {"-vault", "empty"},
					"vault empty protects nothing": {"-vault", checkpointstest.VaultID("other")},
					"vault copies holds copies from another region: it backs up nothing":              {"-vault", "copies"},
					`vault frozen is in the state "frozen"`:                                           {"-vault", "frozen"},
					`"logs" is protected by vault files: one checkpoint is of one vault`:              {"-vault", "production", "-resource", "logs"},
					`"db-1" is protected by vault production: one checkpoint is of one vault`:         {"-resource", "logs", "-resource", "db-1"},
					`no vault protects "nobody": there is db-1, app-1, logs`:                          {"-resource", "nobody"},
					`no vault protects "web-1": associate ` + checkpointstest.VMID("web-1") + ` with`: {"-vault", "production", "-resource", "web-1"},
				}
				if flavour == checkpointstest.OpenTelekomCloud {
					refusals[`no vault protects "web-1": there is db-1, app-1, logs`] = refusals[`no vault protects "web-1": associate `+checkpointstest.VMID("web-1")+` with`]
					delete(refusals, `no vault protects "web-1": associate `+checkpointstest.VMID("web-1")+` with`)
				}
				for want, args := range refusals {
					require.ErrorContains(t, start(t.Context(), client, io.Discard, args...), want)
				}
				assert.Zero(t, server.Count(creates))
			}, checkpointstest.Play(flavour))
		})
	}
}

// What was skipped at once, skipped later or has failed is listed, each with its reason.
func TestWhatIsNotBackedUp(t *testing.T) {
	rehearse(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		server.BreakResource(checkpointstest.VMID("app-1"))
		var out bytes.Buffer
		require.EqualError(t, start(t.Context(), client, &out, "-vault", "production"), "1 of 2 resources were not backed up")
		assert.Regexp(t, ` backed up$`, row(out.String(), "db-1"))
		assert.Regexp(t, ` – skipped: BackupService\.\d+: The status of the resource forbids it\.$`, row(out.String(), "app-1"))

		server.SetResourceStatus(checkpointstest.VMID("app-1"), "ACTIVE")
		server.FailTask(creates, checkpointstest.VMID("db-1"), "BackupService.9910", "Nobody\nknows.")
		server.SkipTask(creates, checkpointstest.VMID("app-1"), "BackupService.7102", "The server is stopped.")
		require.EqualError(t, start(t.Context(), client, &out, "-vault", "production"), "2 of 2 resources were not backed up")
		assert.Regexp(t, ` failed: BackupService\.9910: Nobody knows\.$`, row(out.String(), "db-1"))
		assert.Regexp(t, ` skipped: BackupService\.7102: The server is stopped\.$`, row(out.String(), "app-1"))

		server.TimeOutTask(creates, checkpointstest.VMID("db-1"))
		require.EqualError(t, start(t.Context(), client, &out, "-resource", "db-1"), "1 of 1 resources were not backed up")
		assert.Regexp(t, ` timed out: `, row(out.String(), "db-1"))

		server.BreakResource(checkpointstest.VMID("db-1"))
		require.ErrorContains(t, start(t.Context(), client, &out, "-resource", "db-1"), "BackupService.0001")
	})
}

func TestLostAnswer(t *testing.T) {
	rehearse(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		server.Inject(checkpointstest.Fault{Operation: creates, After: true, Drop: true, Times: 1})
		var out bytes.Buffer
		require.NoError(t, start(t.Context(), client, &out, "-vault", "production"))
		assert.Contains(t, out.String(), " of vault production (the answer was lost, and the checkpoint found): waiting")
		assert.Equal(t, 1, server.Ran(creates, ""))

		server.Inject(checkpointstest.Fault{Operation: creates, Drop: true, Times: 1})
		require.ErrorIs(t, start(t.Context(), client, &out, "-vault", "production"), drkit.ErrOutcomeUnknown)
		assert.Equal(t, 1, server.Ran(creates, ""))
	})
}

// trigger is where a run prints to, and does something once when a text comes.
type trigger struct {
	bytes.Buffer
	on string
	do func()
}

func (w *trigger) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if w.do != nil && strings.Contains(w.String(), w.on) {
		do := w.do
		w.do = nil
		do()
	}
	return n, err
}

func TestGoingOnWaiting(t *testing.T) {
	rehearse(t, func(t *testing.T, server *checkpointstest.Server, client *checkpoints.Client) {
		out := &trigger{}
		require.EqualError(t, start(t.Context(), client, out, "-vault", "production", "-patience", "30m"), "the backups have not ended within 30m0s, and go on")
		require.NoError(t, start(t.Context(), client, out, "-resume", tokenIn(t, out.String())))
		assert.Regexp(t, ` backed up$`, row(out.String(), "db-1"))

		ctx, cancel := context.WithCancel(t.Context())
		out = &trigger{on: "waiting until", do: cancel}
		err := start(ctx, client, out, "-vault", "production")
		require.ErrorIs(t, err, context.Canceled)
		require.EqualError(t, err, "interrupted; the backups go on: context canceled")
		other, err := clientOf(server)
		require.NoError(t, err)
		require.NoError(t, start(t.Context(), other, out, "-resume", tokenIn(t, out.String())))
		require.NoError(t, other.Close(t.Context()))
		assert.Equal(t, 2, server.Ran(creates, ""))

		require.ErrorIs(t, start(t.Context(), client, out, "-resume", "drkit.1.abc"), drkit.ErrToken)
	})
}

func tokenIn(t *testing.T, out string) string {
	t.Helper()
	found := regexp.MustCompile(`backup-now -resume (\S+)\n`).FindStringSubmatch(out)
	require.NotNil(t, found, out)
	return found[1]
}
