package vcav_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const flowBundle = 1<<20 + 7

// withBundle has the bundle called bundleID, which takes a few reads.
func withBundle() vcavtest.Option {
	return vcavtest.SupportBundles(vcavtest.SupportBundle{ID: bundleID, Size: flowBundle})
}

func TestWholeLifeOfABundle(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ctx, directory := t.Context(), t.TempDir()
		poller, err := client.SupportBundles.GenerateWithID(ctx, newID)
		require.NoError(t, err)
		made, err := poller.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, newID, made.ID)
		again, err := client.SupportBundles.GenerateWithID(ctx, newID)
		require.ErrorIs(t, err, drkit.ErrConflict)
		require.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
		assert.Nil(t, again)
		poller, err = client.SupportBundles.Generate(ctx)
		require.NoError(t, err)
		other, err := poller.Wait(ctx)
		require.NoError(t, err)
		all, err := client.SupportBundles.List(ctx)
		require.NoError(t, err)
		assert.Equal(t, []vcav.SupportBundle{made, other}, all)

		done, err := client.SupportBundles.Download(ctx, newID, drkit.ToDirectory(directory))
		require.NoError(t, err)
		assert.True(t, done.Verified)
		assert.Equal(t, made.SHA, done.Checksum)
		assert.Contains(t, done.Name, newID)
		cookie, err := client.SupportBundles.CreateCookie(ctx, newID)
		require.NoError(t, err)
		var written bytes.Buffer
		same, err := client.SupportBundles.DownloadWithCookie(ctx, newID, cookie, drkit.ToWriter(&written), drkit.WithChecksum(made.SHA))
		require.NoError(t, err)
		assert.Equal(t, done.Bytes, same.Bytes)
		_, err = client.SupportBundles.DownloadWithCookie(ctx, newID, cookie, drkit.ToWriter(io.Discard))
		require.ErrorIs(t, err, drkit.ErrUnauthorized, "it serves once")
		assert.Equal(t, 1, server.Count(signIn), "and that is no reason to sign in anew")

		poller, err = client.SupportBundles.Delete(ctx, newID)
		require.NoError(t, err)
		gone, err := poller.Wait(ctx)
		require.NoError(t, err)
		assert.Equal(t, made, gone)
		for _, options := range [][]drkit.DownloadOption{nil, {drkit.WithoutChecksum()}} {
			_, err = client.SupportBundles.Download(ctx, newID, drkit.ToDirectory(directory), options...)
			require.ErrorIs(t, err, drkit.ErrNotFound)
		}
		_, err = client.SupportBundles.CreateCookie(ctx, newID)
		require.ErrorIs(t, err, drkit.ErrNotFound)
		_, err = client.SupportBundles.Delete(ctx, newID)
		require.ErrorIs(t, err, drkit.ErrNotFound)
		entries, err := os.ReadDir(directory)
		require.NoError(t, err)
		assert.Len(t, entries, 1)
	})
}

// Whatever happens on the way, the bundle arrives.
func TestDownloadSurvivesTrouble(t *testing.T) {
	t.Parallel()
	const download = "SupportBundles.Download"
	for name, tc := range map[string]struct {
		faults  []vcavtest.Fault
		resumed int
	}{
		"dropped":     {[]vcavtest.Fault{{AfterBytes: 300_000, Drop: true}, {AfterBytes: 1, Drop: true}, {AfterBytes: 400_000, Drop: true}}, 3},
		"reset":       {[]vcavtest.Fault{{AfterBytes: 300_000, Reset: true}}, 1},
		"hanging":     {[]vcavtest.Fault{{AfterBytes: 300_000, Hang: true}, {AfterBytes: 300_000, Hang: true}}, 2},
		"cut in half": {[]vcavtest.Fault{{Truncate: true}, {Truncate: true}, {Truncate: true}}, 3},
		"late":        {[]vcavtest.Fault{{AfterBytes: 300_000, Delay: 59 * time.Second}}, 0},
		"too late":    {[]vcavtest.Fault{{AfterBytes: 300_000, Delay: time.Hour}}, 1},
		"no answer":   {[]vcavtest.Fault{{Drop: true}, {AfterBytes: 300_000, Drop: true}, {Drop: true}, {Hang: true}}, 1},
		"busy":        {[]vcavtest.Fault{{AfterBytes: 5, Drop: true}, {Status: 503, RetryAfter: 10 * time.Second}, {Status: 429}}, 1},
		"a proxy":     {[]vcavtest.Fault{{AfterBytes: 5, Drop: true}, {Status: 502, Body: "<html>"}, {Status: 504, Body: "<html>"}}, 1},
		"all at once": {[]vcavtest.Fault{{Status: 503}, {AfterBytes: 300_000, Reset: true}, {Status: 503}, {AfterBytes: 1, Hang: true}}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
				for _, fault := range tc.faults {
					fault.Operation, fault.Times = download, 1
					fault.After = fault.AfterBytes > 0 || fault.Truncate
					server.Inject(fault)
				}
				path := filepath.Join(t.TempDir(), "bundle")
				done, err := client.SupportBundles.Download(t.Context(), bundleID, drkit.ToFile(path))
				require.NoError(t, err)
				assert.True(t, done.Verified)
				assert.EqualValues(t, flowBundle, done.Bytes)
				assert.Equal(t, tc.resumed, done.Resumed)
				if name != "late" { // which needs no other request
					assert.Equal(t, len(tc.faults)+1, server.Count(download))
				}
			}, withBundle())
		})
	}
}

// A session that ends during a download is begun anew for the rest of it.
func TestSessionEndsDuringADownload(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		server.Inject(vcavtest.Fault{Operation: "SupportBundles.Download", After: true, AfterBytes: 800_000, Drop: true, Times: 1})
		done, err := client.SupportBundles.Download(t.Context(), bundleID, drkit.ToWriter(io.Discard),
			drkit.OnDownload(func(drkit.DownloadProgress) { server.ExpireSessions() }))
		require.NoError(t, err)
		assert.True(t, done.Verified)
		assert.Equal(t, 1, done.Resumed)
		assert.Equal(t, 2, server.Count(signIn))
		_, err = client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
	}, withBundle())
}

// What does not mend itself ends the download, and leaves no file.
func TestDownloadEndsInTrouble(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		fault   vcavtest.Fault
		failure error
		text    string
	}{
		"nothing ever comes":   {vcavtest.Fault{Drop: true}, drkit.ErrUnavailable, ""},
		"busy all the time":    {vcavtest.Fault{Status: 503}, drkit.ErrUnavailable, "503"},
		"a page":               {vcavtest.Fault{Status: 200, Body: "<html>Sign in to the proxy</html>"}, nil, "the answer is no file (text/html)"},
		"an answer of another": {vcavtest.Fault{Status: 200, Body: `{"status":"ok"}`, ContentType: "application/json"}, nil, "the answer is no file (application/json)"},
		"an endless answer":    {vcavtest.Fault{EndlessBody: true}, nil, "the answer is no file (application/vnd.vmware.h4-v4.1+json)"},
		"another place":        {vcavtest.Fault{Redirect: "https://elsewhere.example.com/bundle"}, nil, "redirects are not followed"},
		"not allowed":          {vcavtest.Fault{Status: 403}, drkit.ErrForbidden, "403"},
		"failed":               {vcavtest.Fault{Status: 500}, nil, "500"},
	} {
		t.Run(name, func(t *testing.T) {
			flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
				tc.fault.Operation = "SupportBundles.Download"
				server.Inject(tc.fault)
				directory := t.TempDir()
				_, err := client.SupportBundles.Download(t.Context(), bundleID, drkit.ToDirectory(directory), drkit.WithoutChecksum())
				require.ErrorContains(t, err, tc.text)
				checkErrorText(t, err)
				if tc.failure != nil {
					require.ErrorIs(t, err, tc.failure)
				}
				entries, err := os.ReadDir(directory)
				require.NoError(t, err)
				assert.Empty(t, entries)
			}, withBundle())
		})
	}
}

func TestCorruptBundle(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		directory := t.TempDir()
		for _, place := range []int64{0, flowBundle / 2, flowBundle - 1} {
			server.CorruptBundle(bundleID, place)
			_, err := client.SupportBundles.Download(t.Context(), bundleID, drkit.ToDirectory(directory))
			require.ErrorIs(t, err, drkit.ErrChecksum)
			server.RepairBundle(bundleID)
		}
		entries, err := os.ReadDir(directory)
		require.NoError(t, err)
		assert.Empty(t, entries)
		_, err = client.SupportBundles.Download(t.Context(), bundleID, drkit.ToDirectory(directory))
		require.NoError(t, err)
	}, withBundle())
}

// A bundle that goes bad between two connections is not taken for either version.
func TestBundleGoesBadMeanwhile(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		server.Inject(vcavtest.Fault{Operation: "SupportBundles.Download", After: true, AfterBytes: 500_000, Drop: true, Times: 1})
		spoil := drkit.WithMiddleware(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Header.Get("Range") != "" {
					server.CorruptBundle(bundleID, flowBundle-1)
				}
				return next.RoundTrip(r)
			})
		})
		spoiling, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), append(server.Options(), spoil)...)
		require.NoError(t, err)
		_, err = spoiling.SupportBundles.Download(t.Context(), bundleID, drkit.ToWriter(io.Discard))
		require.ErrorIs(t, err, drkit.ErrChecksum)
		require.NoError(t, spoiling.Close(t.Context()))
		_, err = client.Diagnostics.About(t.Context())
		require.NoError(t, err)
	}, withBundle())
}

// A cookie that was used up by the connection that broke says so, and how far the bundle had come.
func TestCookieIsUsedUpByHalfADownload(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		server.Inject(vcavtest.Fault{Operation: "SupportBundles.DownloadWithCookie", After: true, AfterBytes: 300_000, Drop: true})
		cookie, err := client.SupportBundles.CreateCookie(t.Context(), bundleID)
		require.NoError(t, err)
		_, err = client.SupportBundles.DownloadWithCookie(t.Context(), bundleID, cookie, drkit.ToWriter(io.Discard))
		require.ErrorIs(t, err, drkit.ErrUnauthorized)
		require.ErrorContains(t, err, "of 1048583 bytes had come")
		assert.NotContains(t, err.Error(), cookie.Reveal())
	}, withBundle())
}

// A generation whose answer is lost has run all the same: it is found, and not sent again.
func TestLostGeneration(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		server.Inject(vcavtest.Fault{Operation: "SupportBundles.GenerateWithID", After: true, Drop: true})
		poller, err := client.SupportBundles.GenerateWithID(t.Context(), newID)
		require.NoError(t, err)
		assert.True(t, poller.Adopted())
		_, err = poller.Wait(t.Context())
		require.NoError(t, err)
		assert.Equal(t, 1, server.Ran("SupportBundles.GenerateWithID", newID))
		all, err := client.SupportBundles.List(t.Context())
		require.NoError(t, err)
		require.Len(t, all, 1)
		assert.Equal(t, newID, all[0].ID)
	})
}

// One that never arrived has left nothing, and is sent again once that is known.
func TestGenerationThatNeverArrived(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		server.Inject(vcavtest.Fault{Operation: "SupportBundles.GenerateWithID", Drop: true, Times: 1})
		_, err := client.SupportBundles.GenerateWithID(t.Context(), newID)
		var unknown *drkit.OutcomeUnknownError
		require.ErrorAs(t, err, &unknown)
		assert.True(t, unknown.Untouched)
		assert.Zero(t, server.Ran("SupportBundles.GenerateWithID", newID))

		require.True(t, drkit.Discard(err))
		poller, err := client.SupportBundles.GenerateWithID(t.Context(), newID)
		require.NoError(t, err)
		assert.False(t, poller.Adopted())
		assert.Equal(t, 1, server.Ran("SupportBundles.GenerateWithID", newID))
	})
}

// The health comes in three shapes, and means the same in all of them.
func TestHealthOfEachVersion(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		shape vcavtest.HealthShape
		asks  int
	}{
		"object": {vcavtest.HealthObject, 1}, "task": {vcavtest.HealthTask, 2}, "task in a task": {vcavtest.HealthNestedTask, 2},
	} {
		t.Run(name, func(t *testing.T) {
			flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
				server.BreakComponent(vcavtest.Database, "ConnectionRefused", "No.")
				poller, err := client.Diagnostics.Health(t.Context())
				require.NoError(t, err)
				health, err := poller.Wait(t.Context())
				require.NoError(t, err)
				assert.Equal(t, server.InstanceID(), health.InstanceID)
				assert.Nil(t, health.VCDError)
				require.NotNil(t, health.DBError)
				assert.Equal(t, "ConnectionRefused", health.DBError.Code)
				require.NotNil(t, health.ManagerHealth)
				about, err := client.Diagnostics.About(t.Context())
				require.NoError(t, err)
				assert.Equal(t, about.BuildVersion, health.BuildVersion)
				configured, err := client.Diagnostics.IsConfigured(t.Context())
				require.NoError(t, err)
				assert.True(t, configured)
				assert.LessOrEqual(t, tc.asks, server.Count("Diagnostics.Health")+server.Count("Tasks.Get"))
			}, vcavtest.HealthAs(tc.shape), vcavtest.TaskDuration(0, time.Millisecond))
		})
	}
	t.Run("not configured", func(t *testing.T) {
		flow(t, func(t *testing.T, _ *vcavtest.Server, client *vcav.Client) {
			configured, err := client.Diagnostics.IsConfigured(t.Context())
			require.NoError(t, err)
			assert.False(t, configured)
		}, vcavtest.NotConfigured())
	})
}

// Support bundles and health are for administrators.
func TestTenantsHaveNoDiagnostics(t *testing.T) {
	flow(t, func(t *testing.T, server *vcavtest.Server, client *vcav.Client) {
		ann, err := vcav.NewClient(server.URL, vcav.VCDCredentials("ann@org2", drkit.NewSecret("ann's password")), server.Options()...)
		require.NoError(t, err)
		_, err = ann.Diagnostics.Health(t.Context())
		require.ErrorIs(t, err, drkit.ErrForbidden)
		_, err = ann.SupportBundles.Download(t.Context(), bundleID, drkit.ToWriter(io.Discard))
		require.ErrorIs(t, err, drkit.ErrForbidden)
		cookie, err := client.SupportBundles.CreateCookie(t.Context(), bundleID)
		require.NoError(t, err)
		done, err := ann.SupportBundles.DownloadWithCookie(t.Context(), bundleID, cookie, drkit.ToWriter(io.Discard))
		require.NoError(t, err)
		assert.EqualValues(t, flowBundle, done.Bytes)
		require.NoError(t, ann.Close(context.WithoutCancel(t.Context())))
	}, withBundle(), vcavtest.Tenant("ann@org2", "ann's password"))
}
