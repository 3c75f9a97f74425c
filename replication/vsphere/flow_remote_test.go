package vsphere_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

// What a call comes to for want of the other site.
const (
	partial  = "partial"
	withheld = "error"
)

// remoteCase is a call at the recovery site. Where it depends on what it is about, want says what the contract leaves
// open, without a session at the other site and while that is down.
type remoteCase struct {
	operation string
	kind      string
	want      string
	call      func(ctx context.Context, p party) (lacks int, err error)
}

// lacking are the failures that the rows of a list tell of.
func lacking[T any](rows iter.Seq2[T, error], of func(T) vsphere.Metadata) (lacks int, err error) {
	for row, err := range rows {
		if err != nil {
			return lacks, err
		}
		lacks += len(of(row).Errors)
	}
	return lacks, nil
}

func begunAs(poller *drkit.Poller[vsphere.Task], err error) (int, error) {
	if err != nil {
		return 0, err
	}
	_, err = poller.Wait(context.Background())
	return 0, err
}

// remoteCases has a case for each operation whose contract names the other site, apart from those of wholeSite.
func remoteCases(t *testing.T) []remoteCase {
	t.Helper()
	ofReplication := func(r vsphere.ReplicationInfo) vsphere.Metadata { return r.Meta }
	ofIssue := func(i vsphere.IssueInfo) vsphere.Metadata { return i.Meta }
	settings := one[vsphere.ReconfigureReplication](t, "replications_reconfigure.request")
	return []remoteCase{
		{operation: "Pairings.List", call: func(ctx context.Context, p party) (int, error) {
			return lacking(p.Pairings.List(ctx, vsphere.ListQuery{}), func(row vsphere.Pairing) vsphere.Metadata { return row.Meta })
		}},
		{operation: "Pairings.Get", call: func(ctx context.Context, p party) (int, error) {
			pairing, err := p.Pairings.Get(ctx, p.server.PairingID())
			return len(pairing.Meta.Errors), err
		}},
		{operation: "Pairings.Issues", call: func(ctx context.Context, p party) (int, error) {
			return lacking(p.Pairings.Issues(ctx, p.server.PairingID(), vsphere.ListQuery{}), ofIssue)
		}},
		{operation: "Pairings.Break", want: "error/error", call: func(ctx context.Context, p party) (int, error) {
			return begunAs(p.Pairings.Break(ctx, p.server.PairingID(), vsphere.BreakQuery{}))
		}},
		{operation: "Pairings.Break", kind: "by force", want: "full/full", call: func(ctx context.Context, p party) (int, error) {
			return begunAs(p.Pairings.Break(ctx, p.server.PairingID(), vsphere.BreakQuery{Force: drkit.Some(true)}))
		}},
		{operation: "Pairings.Reconnect", call: func(ctx context.Context, p party) (int, error) {
			return begunAs(p.Pairings.Reconnect(ctx, p.server.PairingID(), partnerOf(p)))
		}},
		{operation: "RemoteSession.Get", call: func(ctx context.Context, p party) (int, error) {
			_, err := p.RemoteSession.Get(ctx)
			return 0, err
		}},
		{operation: "ManagementServers.List", call: func(ctx context.Context, p party) (int, error) {
			servers, err := p.ManagementServers.List(ctx)
			lacks := 0
			for _, server := range servers {
				lacks += len(server.Meta.Errors)
			}
			return lacks, err
		}},
		{operation: "ManagementServers.Get", call: func(ctx context.Context, p party) (int, error) {
			server, err := p.ManagementServers.Get(ctx, p.server.Peer().VRMS)
			return len(server.Meta.Errors), err
		}},
		{operation: "Replications.List", call: func(ctx context.Context, p party) (int, error) {
			return lacking(p.Replications.List(ctx, vsphere.ReplicationQuery{ExtendedInfo: drkit.Some(true)}), ofReplication)
		}},
		{operation: "Replications.Get", call: func(ctx context.Context, p party) (int, error) {
			replication, err := p.Replications.Get(ctx, db1)
			return len(replication.Meta.Errors), err
		}},
		{operation: "Replications.Disks", call: func(ctx context.Context, p party) (int, error) {
			return lacking(p.Replications.Disks(ctx, db1, vsphere.ListQuery{}), func(d vsphere.ReplicatedVMDisk) vsphere.Metadata { return d.Meta })
		}},
		{operation: "Replications.Count", call: func(ctx context.Context, p party) (int, error) {
			_, err := p.Replications.Count(ctx)
			return 0, err
		}},
		{operation: "Replications.Issues", kind: "incoming", want: "full/full", call: func(ctx context.Context, p party) (int, error) {
			return lacking(p.Replications.Issues(ctx, vsphere.IssueQuery{SourceVCGUID: p.server.Peer().VCenter}), ofIssue)
		}},
		{operation: "Replications.Issues", kind: "outgoing", want: "error/error", call: func(ctx context.Context, p party) (int, error) {
			return lacking(p.Replications.Issues(ctx, vsphere.IssueQuery{SourceVCGUID: p.server.VCenter}), ofIssue)
		}},
		{operation: "Replications.Configure", call: func(ctx context.Context, p party) (int, error) {
			return begunAs(p.Replications.Configure(ctx, machines(t, 1)[0]))
		}},
		{operation: "Replications.Reconfigure", call: func(ctx context.Context, p party) (int, error) {
			return begunAs(p.Replications.Reconfigure(ctx, db1, settings))
		}},
		{operation: "Replications.Pause", call: func(ctx context.Context, p party) (int, error) {
			return begunAs(p.Replications.Pause(ctx, db1))
		}},
		{operation: "Replications.Resume", call: func(ctx context.Context, p party) (int, error) {
			return begunAs(p.Replications.Resume(ctx, db1))
		}},
		{operation: "Replications.Sync", call: func(ctx context.Context, p party) (int, error) {
			return begunAs(p.Replications.Sync(ctx, db1))
		}},
		{operation: "Replications.Unconfigure", call: func(ctx context.Context, p party) (int, error) {
			return begunAs(p.Replications.Unconfigure(ctx, db1, vsphere.RemoveQuery{}))
		}},
		{operation: "Replications.Delete", call: func(ctx context.Context, p party) (int, error) {
			return begunAs(p.Replications.Delete(ctx, db1, vsphere.RemoveQuery{}))
		}},
		{operation: "Tasks.List", call: func(ctx context.Context, p party) (int, error) {
			return lacking(p.Tasks.List(ctx, vsphere.ListQuery{}), func(task vsphere.Task) vsphere.Metadata { return task.Meta })
		}},
	}
}

// partnerOf is the other site of a party as a pairing names it.
func partnerOf(p party) vsphere.PairingSpec {
	peer := p.server.Peer()
	return vsphere.PairingSpec{VCID: peer.VCenter, PSC: vsphere.PSCInfo{
		URL: "https://vc." + peer.Site + ".test", Username: peer.User, Password: drkit.NewSecret(peer.Password),
	}}
}

// eitherSiteCases are the calls that depend on the site that they name: by the id of its vCenter Server, or of its
// management server.
func eitherSiteCases() map[string]func(ctx context.Context, p party, site *vspheretest.Server) error {
	return map[string]func(ctx context.Context, p party, site *vspheretest.Server) error{
		"Datastores.List": func(ctx context.Context, p party, site *vspheretest.Server) error {
			return drained(p.Datastores.List(ctx, site.VCenter, vsphere.ListQuery{}))
		},
		"Datastores.Browse": func(ctx context.Context, p party, site *vspheretest.Server) error {
			return drained(p.Datastores.Browse(ctx, site.VCenter, vspheretest.DatastoreID(site.Site, "ds-1"), vsphere.DatastoreBrowserRequest{}, vsphere.ListQuery{}))
		},
		"StoragePolicies.List": func(ctx context.Context, p party, site *vspheretest.Server) error {
			return drained(p.StoragePolicies.List(ctx, site.VCenter, vsphere.ListQuery{}))
		},
		"StoragePolicies.CheckCompliance": func(ctx context.Context, p party, site *vspheretest.Server) error {
			_, err := p.StoragePolicies.CheckCompliance(ctx, site.VCenter, vspheretest.StoragePolicyID(site.Site, "Standard"), []string{vspheretest.DatastoreID(site.Site, "ds-1")})
			return err
		},
		"VMs.List": func(ctx context.Context, p party, site *vspheretest.Server) error {
			return drained(p.VMs.List(ctx, site.VCenter, vsphere.VMQuery{}))
		},
		"Compute.List": func(ctx context.Context, p party, site *vspheretest.Server) error {
			return drained(p.Compute.List(ctx, site.VCenter, vsphere.InventoryQuery{}))
		},
		"Folders.List": func(ctx context.Context, p party, site *vspheretest.Server) error {
			return drained(p.Folders.List(ctx, site.VCenter, vsphere.InventoryQuery{}))
		},
		"SiteReplicationServers.List": func(ctx context.Context, p party, site *vspheretest.Server) error {
			return drained(p.SiteReplicationServers.List(ctx, site.VRMS, vsphere.ListQuery{}))
		},
		"SiteReplicationServers.Register": func(ctx context.Context, p party, site *vspheretest.Server) error {
			_, err := begunAs(p.SiteReplicationServers.Register(ctx, site.VRMS, "hbr-9.example.net"))
			return err
		},
		"SiteReplicationServers.Reconnect": func(ctx context.Context, p party, site *vspheretest.Server) error {
			_, err := begunAs(p.SiteReplicationServers.Reconnect(ctx, site.VRMS, vspheretest.ReplicationServerID(site.Site)))
			return err
		},
	}
}

func drained[T any](rows iter.Seq2[T, error]) error {
	_, err := drkit.Collect(rows)
	return err
}

// Without a session at the other site, and while that is down, every operation answers what the reference promises:
// an error, what this site knows with a word on the rest, or all of it.
func TestWithoutTheOtherSite(t *testing.T) {
	t.Parallel()
	for _, tc := range remoteCases(t) {
		wanted := tc.want
		if wanted == "" {
			wanted = remoteOf(t, tc.operation)
		}
		without, down, _ := strings.Cut(wanted, "/")
		for moment, want := range map[string]string{"without a session": without, "down": down} {
			t.Run(strings.TrimSpace(tc.operation+" "+tc.kind)+" "+moment, func(t *testing.T) {
				inFlow(t, func(t *testing.T, f flow) {
					if moment == "down" {
						require.NoError(t, f.recovery.signInRemotely(t.Context()))
						f.pair.Protected.Restart(24 * time.Hour)
					}
					lacks, err := tc.call(t.Context(), f.recovery)
					assertOutcome(t, want, moment == "down", lacks, err)
				}, vspheretest.Protect(vspheretest.Replication{VMName: "db-1"}, vspheretest.Replication{VMName: "new-1", Reversed: true}))
			})
		}
	}
}

// remoteOf is what the contract says of an operation.
func remoteOf(t *testing.T, name string) string {
	t.Helper()
	for _, operation := range contract.Table.Operations {
		if operation.Name == name {
			require.NotContains(t, operation.Remote, "depends", name)
			return operation.Remote
		}
	}
	require.Fail(t, "no operation "+name)
	return ""
}

func assertOutcome(t *testing.T, want string, down bool, lacks int, err error) {
	t.Helper()
	var missing *vsphere.PartialError
	switch want {
	case withheld:
		answer := answerOf(t, err)
		if down {
			assert.Equal(t, 500, answer.Status)
			assert.Equal(t, vspheretest.CodeRemoteSiteDown, answer.Code)
			return
		}
		require.ErrorIs(t, err, drkit.ErrForbidden)
		assert.Equal(t, vspheretest.CodeRemoteSessionRequired, answer.Code)
	case partial:
		if errors.As(err, &missing) { // of a list without rows
			lacks, err = len(missing.Errors), nil
		}
		require.NoError(t, err)
		assert.Positive(t, lacks)
	default: // full, and ok
		require.NoError(t, err)
		assert.Zero(t, lacks)
	}
}

// What names a vCenter Server or a management server depends on the other site only where it names that.
func TestInventoryWithoutTheOtherSite(t *testing.T) {
	t.Parallel()
	for name, call := range eitherSiteCases() {
		for moment, down := range map[string]bool{"without a session": false, "down": true} {
			t.Run(name+" "+moment, func(t *testing.T) {
				inFlow(t, func(t *testing.T, f flow) {
					if down {
						require.NoError(t, f.recovery.signInRemotely(t.Context()))
						f.pair.Protected.Restart(24 * time.Hour)
					}
					require.NoError(t, call(t.Context(), f.recovery, f.pair.Recovery))
					assertOutcome(t, withheld, down, 0, call(t.Context(), f.recovery, f.pair.Protected))
				})
			})
		}
	}
}

// What is lacking stands beside what is there, in the row that lacks it, and in the log.
func TestWhatIsLacking(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		var log bytes.Buffer
		p := enter(t, f.pair.Recovery, drkit.WithLogger(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))))
		rows, err := drkit.Collect(p.Replications.List(t.Context(), vsphere.ReplicationQuery{}))
		require.NoError(t, err)
		require.Len(t, rows, 3)
		for i, row := range rows {
			assert.Empty(t, row.VMID)
			assert.NotEmpty(t, row.Name)
			require.ErrorIs(t, row.Meta.Err(), vsphere.ErrPartial)
			require.Len(t, row.Meta.Errors, 1, "each row has its own")
			assert.Equal(t, "$.list["+string(rune('0'+i))+"].vm_id", row.Meta.Errors[0].Field)
		}
		assert.Contains(t, log.String(), `msg="answer is partial" operation=vsphere.Replications.List failures=3 first="REMOTE_SESSION_REQUIRED `)

		require.NoError(t, p.signInRemotely(t.Context()))
		whole, err := p.Replications.Get(t.Context(), db1)
		require.NoError(t, err)
		require.NoError(t, whole.Meta.Err())
		assert.NotEmpty(t, whole.VMID)
	})
}

// A session at the other site that is gone, alone or with all others, comes back by itself, whatever the service
// refuses with for want of it.
func TestRemoteSessionIsLost(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError} {
		for name, lose := range map[string]func(*vspheretest.Server){
			"alone":                   (*vspheretest.Server).ExpireRemoteSessions,
			"with the session":        (*vspheretest.Server).ExpireSessions,
			"by a restart over there": func(s *vspheretest.Server) { s.Peer().Restart(0) },
			"by a restart":            func(s *vspheretest.Server) { s.Restart(0) },
		} {
			t.Run(http.StatusText(status)+" "+name, func(t *testing.T) {
				inFlow(t, func(t *testing.T, f flow) {
					require.NoError(t, f.recovery.signInRemotely(t.Context()))
					<-time.After(2 * time.Minute)
					for _, call := range []func() error{
						func() error { _, err := f.recovery.RemoteSession.Get(t.Context()); return err },
						func() error {
							pairing, err := f.recovery.Pairings.Get(t.Context(), f.pair.Recovery.PairingID())
							return errors.Join(err, pairing.Meta.Err())
						},
						func() error {
							_, err := drkit.Collect(f.recovery.Pairings.Issues(t.Context(), f.pair.Recovery.PairingID(), vsphere.ListQuery{}))
							return err
						},
						func() error {
							replication, err := f.recovery.Replications.Get(t.Context(), db1)
							return errors.Join(err, replication.Meta.Err())
						},
						func() error { _, err := begunAs(f.recovery.Replications.Pause(t.Context(), db1)); return err },
						func() error { _, err := begunAs(f.recovery.Replications.Resume(t.Context(), db1)); return err },
					} {
						lose(f.pair.Recovery)
						require.NoError(t, call())
						<-time.After(2 * time.Minute)
					}
					audit := f.pair.Audit().Replication(db1)
					assert.Equal(t, 1, audit.Paused)
					assert.Equal(t, 1, audit.Resumed)
				}, vspheretest.RemoteSessionStatus(status))
			})
		}
	}
}

// A session at the other site that is good is not begun again, however much is asked.
func TestRemoteSessionLasts(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		require.NoError(t, f.recovery.signInRemotely(t.Context()))
		for range 30 {
			replication, err := f.recovery.Replications.Get(t.Context(), db1)
			require.NoError(t, err)
			require.NoError(t, replication.Meta.Err())
			<-time.After(time.Minute)
		}
		f.pair.Recovery.Inject(vspheretest.Fault{Operation: "Replications.Get", Status: 500, Body: "<html>", Times: 1})
		_, err := f.recovery.Replications.Get(t.Context(), db1)
		require.Error(t, err, "a proxy's page says nothing about it")
		assert.Equal(t, 1, f.pair.Recovery.Count("RemoteSession.SignIn"))
	})
}

// What becomes of a sign-in of one user says nothing about another who has taken its place meanwhile.
func TestAnotherUserOverThere(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		require.NoError(t, f.recovery.signInRemotely(t.Context()))
		<-time.After(2 * time.Minute)
		f.pair.Recovery.ExpireRemoteSessions()
		f.pair.Recovery.Inject(vspheretest.Fault{Operation: "RemoteSession.SignIn", Status: 401, Delay: 20 * time.Second, Times: 1})
		done := make(chan error)
		go func() {
			_, err := f.recovery.Replications.Get(t.Context(), db1)
			done <- err
		}()
		<-time.After(5 * time.Second)
		require.NoError(t, f.recovery.RemoteSession.SignIn(t.Context(), vsphere.Login("bob", drkit.NewSecret("anchor"))))
		require.NoError(t, <-done)
		<-time.After(2 * time.Minute)
		f.pair.Recovery.ExpireRemoteSessions()
		replication, err := f.recovery.Replications.Get(t.Context(), db1)
		require.NoError(t, err)
		require.NoError(t, replication.Meta.Err())
		user, err := f.recovery.RemoteSession.Get(t.Context())
		require.NoError(t, err)
		assert.Equal(t, "bob", user.Username)
	}, vspheretest.Observer("bob", "anchor"))
}

// A sign-in over there that the end of the session here got in the way of says nothing about the user: once the other
// site is back, it is tried again.
func TestOtherSiteIsBackAfterTheSessionHasEnded(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		require.NoError(t, f.recovery.signInRemotely(t.Context()))
		<-time.After(2 * time.Minute)
		f.pair.Protected.Restart(90 * time.Second)
		replication, err := f.recovery.Replications.Get(t.Context(), db1)
		require.NoError(t, err)
		require.ErrorIs(t, replication.Meta.Err(), vsphere.ErrPartial)
		<-time.After(10 * time.Minute) // longer than a session idles
		replication, err = f.recovery.Replications.Get(t.Context(), db1)
		require.NoError(t, err)
		require.NoError(t, replication.Meta.Err())
		assert.Equal(t, 3, f.pair.Recovery.Count("RemoteSession.SignIn"), "at first, while the site was down, and with the new session")
	})
}

// While the other site is down it is not asked for a session more than once a minute, and when it is back, the session
// is, too.
func TestOtherSiteIsDownForAWhile(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		require.NoError(t, f.recovery.signInRemotely(t.Context()))
		<-time.After(2 * time.Minute)
		f.pair.Protected.Restart(10 * time.Minute)
		asked := f.pair.Recovery.Count("RemoteSession.SignIn")
		began, whole := time.Now(), 0
		for time.Since(began) < 10*time.Minute {
			replication, err := f.recovery.Replications.Get(t.Context(), db1)
			require.NoError(t, err)
			require.ErrorIs(t, replication.Meta.Err(), vsphere.ErrPartial)
			<-time.After(5 * time.Second)
		}
		again := f.pair.Recovery.Count("RemoteSession.SignIn") - asked
		assert.Greater(t, again, 3)
		assert.LessOrEqual(t, again, 10)
		for range 12 {
			<-time.After(10 * time.Second)
			if replication, err := f.recovery.Replications.Get(t.Context(), db1); err == nil && replication.Meta.Err() == nil {
				whole++
			}
		}
		assert.Greater(t, whole, 5)
	})
}

// Within one vCenter Server nothing is ever lacking, and nobody signs in anywhere else.
func TestOneVCenterFlow(t *testing.T) {
	inFlow(t, func(t *testing.T, f flow) {
		require.NoError(t, f.recovery.signInRemotely(t.Context()))
		assert.Zero(t, f.pair.Recovery.Count("RemoteSession.SignIn"))
		pairing, err := f.recovery.Pairings.Get(t.Context(), f.pair.Recovery.PairingID())
		require.NoError(t, err)
		assert.True(t, pairing.OneVCenter())
		replication, err := f.recovery.Replications.Get(t.Context(), db1)
		require.NoError(t, err)
		require.NoError(t, replication.Meta.Err())
		paused, err := f.recovery.Replications.Pause(t.Context(), db1)
		finished(t, paused, err)
	}, vspheretest.OneVCenter())
}
