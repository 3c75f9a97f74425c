package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

const (
	oldID    = "71b0f9c4-2e58-4d6a-93c7-a85f0d1e4b26"
	generate = "SupportBundles.GenerateWithID"
)

// Whoever runs the tests may have named an appliance in the environment.
func TestMain(m *testing.M) {
	if err := os.Unsetenv("VCAV_URL"); err != nil {
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestNewBundle(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	directory := t.TempDir()
	require.NoError(t, run(t.Context(), []string{"-to", directory, "-delete"}, &out))
	for _, line := range []string{
		"signed in as root", "collecting bundle ", "SUCCEEDED 100 %", "100 %  12.6 MB", filepath.Join(directory, "cloud-bundle-"),
		"the connection broke 1 time(s)", "SHA-512:", ", as published", "deleted bundle ",
	} {
		assert.Contains(t, out.String(), line)
	}
	files := in(t, directory)
	require.Len(t, files, 1)
	info, err := os.Stat(filepath.Join(directory, files[0]))
	require.NoError(t, err)
	assert.EqualValues(t, 12<<20, info.Size())
}

func TestBundleThatIsThere(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-id", oldID}, &out))
	assert.NotContains(t, out.String(), "collecting")
	assert.Contains(t, out.String(), ", as published")
	path := out.String()[strings.Index(out.String(), os.TempDir()):]
	path, _, _ = strings.Cut(path, "\n")
	assert.NoDirExists(t, filepath.Dir(path), "what the simulator made is gone")
}

func TestList(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-list"}, &out))
	assert.Contains(t, out.String(), "  "+oldID+"  ")
	assert.Contains(t, out.String(), "1 bundle(s)\n")
}

func TestWhatCannotBe(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"not found":                     {"-id", "unknown"},
		"-list does nothing else":       {"-list", "-delete"},
		`"x" is no flag`:                {"x"},
		"flag provided but not defined": {"-no-such-flag"},
		"no such file or directory":     {"-to", "/no/such/directory"},
	} {
		var out bytes.Buffer
		require.ErrorContains(t, run(t.Context(), args, &out), want)
		assert.NotContains(t, out.String(), "collecting")
		assert.NotContains(t, out.String(), want, "main prints it")
	}
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), []string{"-h"}, &out))
	assert.Contains(t, out.String(), "-delete")
}

// newJob works at an appliance whose bundles have many megabytes.
func newJob(t *testing.T, options ...vcavtest.Option) (*job, *vcavtest.Server, *bytes.Buffer) {
	t.Helper()
	server := vcavtest.NewServer(t, append(options, vcavtest.TaskDuration(0, time.Millisecond),
		vcavtest.SupportBundles(vcavtest.SupportBundle{ID: oldID, Size: 64 << 20}))...)
	client, err := vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)),
		append(server.Options(), drkit.WithPolling(drkit.PollPolicy{MinInterval: time.Millisecond}))...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	var out bytes.Buffer
	return &job{client: client, out: &out, directory: t.TempDir()}, server, &out
}

func TestInterruptLeavesNoFile(t *testing.T) {
	t.Parallel()
	job, _, _ := newJob(t)
	ctx, cancel := context.WithCancel(t.Context())
	job.id, job.out = oldID, interrupting{"  0 %", cancel}
	require.ErrorIs(t, job.run(ctx), context.Canceled)
	assert.Empty(t, in(t, job.directory))
}

func TestInterruptWhileCollecting(t *testing.T) {
	t.Parallel()
	job, server, _ := newJob(t)
	server.SlowTask(generate, "", time.Hour)
	ctx, cancel := context.WithCancel(t.Context())
	job.out = interrupting{"RUNNING", cancel}
	err := job.run(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "once -list shows it, download it with -id ")
}

// interrupting ends a run when it writes some words.
type interrupting struct {
	words string
	end   func()
}

func (i interrupting) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(i.words)) {
		i.end()
	}
	return len(p), nil
}

func TestCorruptBundle(t *testing.T) {
	t.Parallel()
	job, server, out := newJob(t)
	server.CorruptBundle(oldID, 60<<20)
	job.id, job.remove = oldID, true
	require.ErrorIs(t, job.run(t.Context()), drkit.ErrChecksum)
	assert.Empty(t, in(t, job.directory))
	assert.NotContains(t, out.String(), "deleted")
	assert.Len(t, server.SupportBundles(), 1, "what is not here is not deleted there")
}

// An answer that is lost does not lose the bundle: the client finds it.
func TestLostGeneration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		job, server, _ := newJob(t, vcavtest.InMemory(), vcavtest.BundleSize(1000))
		server.Inject(vcavtest.Fault{Operation: generate, After: true, Drop: true})
		require.NoError(t, job.run(t.Context()))
		assert.Equal(t, 1, server.Ran(generate, ""))
		assert.Len(t, in(t, job.directory), 1)
	})
}

// A request that is lost may arrive after the client has given up looking. Its bundle can still be had.
func TestGenerationThatArrivesLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		job, server, _ := newJob(t, vcavtest.InMemory(), vcavtest.BundleSize(1000))
		server.Inject(vcavtest.Fault{Operation: generate, Drop: true, Late: 5 * time.Minute})
		err := job.run(t.Context())
		require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
		require.ErrorContains(t, err, "no task came of it so far")
		assert.Zero(t, server.Ran(generate, ""))
		assert.Empty(t, in(t, job.directory))

		_, id, found := strings.Cut(err.Error(), "download it with -id ")
		require.True(t, found)
		job.id, _, _ = strings.Cut(id, ",")
		<-time.After(10 * time.Minute) // of the bubble
		require.NoError(t, job.run(t.Context()))
		assert.Equal(t, 1, server.Ran(generate, job.id))
		assert.Len(t, in(t, job.directory), 1)
	})
}

func TestCollectionThatFails(t *testing.T) {
	t.Parallel()
	job, server, out := newJob(t)
	server.FailTask(generate, "", "GeneralServerFailure", "The disk is full.")
	err := job.run(t.Context())
	require.ErrorContains(t, err, "The disk is full.")
	assert.NotContains(t, err.Error(), "-id", "there is none")
	assert.NotContains(t, out.String(), "MB")
}

func in(t *testing.T, directory string) []string {
	t.Helper()
	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
