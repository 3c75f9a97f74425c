package drkit_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

const journalProcessVariable = "DRKIT_JOURNAL_PROCESS"

// child is this test binary as another process that works on a journal.
type child struct {
	*exec.Cmd
	lines *bufio.Scanner // what it says
}

func startChild(t *testing.T, mode, path string, change ...func(*exec.Cmd)) *child {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestJournalProcess$")
	command.Env = append(os.Environ(), journalProcessVariable+"="+mode+":"+path)
	for _, change := range change {
		change(command)
	}
	output, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	return &child{command, bufio.NewScanner(output)}
}

// says returns the next line of a child.
func (c *child) says(t *testing.T) string {
	t.Helper()
	require.True(t, c.lines.Scan(), c.lines.Err())
	return c.lines.Text()
}

// TestJournalProcess is the other process, when started by the tests below.
func TestJournalProcess(t *testing.T) {
	mode, path, _ := strings.Cut(os.Getenv(journalProcessVariable), ":")
	switch mode {
	case "":
		t.Log("a process of its own in other tests only")
	case "save":
		saveForEver(t.Context(), path)
	case "fill":
		fillUp(t.Context(), path)
	case "open":
		_, err := drkit.OpenFileJournal(path)
		fmt.Println(err)
	}
}

// saveForEver counts a step up and says each number once it is saved.
func saveForEver(ctx context.Context, path string) {
	journal, err := drkit.OpenFileJournal(path)
	for n := 1; err == nil; n++ {
		s := stepIn("count", drkit.StepIntended)
		s.Sent, s.Note = n, json.RawMessage(`"`+strings.Repeat("x", 10*(n%50))+`"`)
		if err = journal.Save(ctx, s); err == nil {
			fmt.Println(n)
		}
	}
	fmt.Println(err)
}

// fillUp saves steps until the file may grow no more, says so, and saves on when it may.
func fillUp(ctx context.Context, path string) {
	var limit syscall.Rlimit
	_ = syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit)
	_ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1000, Max: limit.Max})
	journal, err := drkit.OpenFileJournal(path)
	saved := 0
	for ; err == nil; saved++ {
		err = journal.Save(ctx, stepIn(fmt.Sprint("step ", saved), drkit.StepIntended))
	}
	_, onceErr := drkit.Once(ctx, journal, "next", moves(play("task-1", succeeded("moved"))))
	fmt.Println(saved-1, errors.Is(err, syscall.EFBIG), errors.Is(onceErr, drkit.ErrJournal), onceErr)
	_ = syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit)
	fmt.Println(journal.Save(ctx, stepIn("last", drkit.StepIntended)))
	fmt.Println(journal.Close())
}

// The lock goes with the process that has it, however that ends, and what it has saved stays.
func TestJournalOfAProcessThatIsKilled(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	runs := 20
	if testing.Short() {
		runs = 3
	}
	for run := range runs {
		other := startChild(t, "save", path)
		said := ""
		for range 1 + 7*run%23 {
			said = other.says(t)
		}
		_, err := drkit.OpenFileJournal(path)
		require.ErrorIs(t, err, drkit.ErrJournal)
		require.ErrorContains(t, err, "another process has it")
		_, err = drkit.ReadJournal(path)
		require.NoError(t, err, "a report does not need the lock")

		require.NoError(t, other.Process.Kill())
		for other.lines.Scan() { // what it said in its last moments
			said = other.lines.Text()
		}
		require.ErrorContains(t, other.Wait(), "killed")
		journal, err := drkit.OpenFileJournal(path)
		require.NoError(t, err, "at once")
		s, err := journal.Load(t.Context(), "count")
		require.NoError(t, err)
		var saved int
		_, err = fmt.Sscan(said, &saved)
		require.NoError(t, err, said)
		assert.GreaterOrEqual(t, s.Sent, saved, "what it reported as saved")
		assert.LessOrEqual(t, s.Sent, saved+1)
		require.NoError(t, journal.Close())
	}
}

func TestJournalThatMayGrowNoMore(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	other := startChild(t, "fill", path)
	var saved int
	var full, refused bool
	_, err := fmt.Sscan(other.says(t), &saved, &full, &refused)
	require.NoError(t, err)
	assert.Positive(t, saved)
	assert.True(t, full)
	assert.True(t, refused, "Once sends nothing then")
	assert.Equal(t, "<nil>", other.says(t), "there is room again")
	assert.Equal(t, "<nil>", other.says(t))
	require.NoError(t, other.Wait())
	steps, err := drkit.ReadJournal(path)
	require.NoError(t, err)
	assert.Len(t, steps, saved+1)
	assert.Equal(t, "last", steps[saved].Key)
}

// A journal in a file system that is full.
func TestJournalOnAFullFileSystem(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=16k"); err != nil {
		t.Skip("a file system cannot be mounted here:", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(folder, 0)) })
	path, ballast := filepath.Join(folder, "journal"), filepath.Join(folder, "ballast")
	journal := openJournal(t, path)
	require.NoError(t, journal.Save(t.Context(), stepIn("first", drkit.StepIntended)))
	require.ErrorIs(t, os.WriteFile(ballast, make([]byte, 64<<10), 0o600), syscall.ENOSPC)
	var err error
	saved := 0
	for ; err == nil; saved++ {
		err = journal.Save(t.Context(), stepIn(fmt.Sprint("step ", saved), drkit.StepIntended))
	}
	require.ErrorIs(t, err, syscall.ENOSPC)
	_, err = drkit.Once(t.Context(), journal, "next", moves(play("task-1", succeeded("moved"))))
	require.ErrorIs(t, err, drkit.ErrJournal)
	require.ErrorIs(t, err, syscall.ENOSPC)
	assertOneLine(t, err.Error())
	_, err = drkit.OpenFileJournal(filepath.Join(folder, "another"))
	require.ErrorIs(t, err, drkit.ErrJournal)
	require.ErrorIs(t, err, syscall.ENOSPC)

	require.NoError(t, os.Remove(ballast))
	poller, err := drkit.Once(t.Context(), journal, "next", moves(play("task-1", succeeded("moved"))))
	require.NoError(t, err)
	_, err = poller.Wait(t.Context())
	require.NoError(t, err)
	steps, err := drkit.ReadJournal(path)
	require.NoError(t, err)
	assert.Len(t, steps, 1+saved-1+1)
}

// A folder that may not be written to, for a user who is not root.
func TestJournalInAReadOnlyFolder(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "journal")
	openJournal(t, path)
	for _, name := range []string{path, path + ".lock"} {
		require.NoError(t, os.Chmod(name, 0o444))
	}
	require.NoError(t, os.Chmod(folder, 0o555))
	t.Cleanup(func() { assert.NoError(t, os.Chmod(folder, 0o700)) })
	for _, name := range []string{path, filepath.Join(folder, "another")} {
		said := openAsNobody(t, name)
		assert.Contains(t, said, "journal "+name+": ")
		assert.Contains(t, said, "permission denied")
	}
}

// openAsNobody returns what a process without rights says when it opens a journal.
func openAsNobody(t *testing.T, path string) string {
	t.Helper()
	if os.Getuid() != 0 {
		_, err := drkit.OpenFileJournal(path)
		return fmt.Sprint(err)
	}
	program := filepath.Join(t.TempDir(), "test")
	data, err := os.ReadFile(os.Args[0])
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(program, data, 0o755))
	require.NoError(t, os.Chmod(filepath.Dir(filepath.Dir(program)), 0o755)) // that of the test
	other := startChild(t, "open", path, func(command *exec.Cmd) {
		command.Path, command.Dir = program, "/"
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	})
	said := other.says(t)
	require.NoError(t, other.Wait())
	return said
}
