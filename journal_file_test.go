package drkit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

const journalHeader = `{"journal":"drkit","version":1}` + "\n"

// openJournal opens a journal that is closed with the test.
func openJournal(t testing.TB, path string) *drkit.FileJournal {
	t.Helper()
	journal, err := drkit.OpenFileJournal(path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, journal.Close()) })
	return journal
}

// written returns the path of a file with this text.
func written(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "journal")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// contents returns what a file has.
func contents(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

// line is a step as a journal writes it.
func line(t testing.TB, s drkit.Step) string {
	t.Helper()
	data, err := json.Marshal(s)
	require.NoError(t, err)
	return string(data) + "\n"
}

// keys returns the keys and states of steps, as in "a=accepted b=".
func keys(steps []drkit.Step) string {
	var all []string
	for _, s := range steps {
		all = append(all, s.Key+"="+string(s.State))
	}
	return strings.Join(all, " ")
}

func stepIn(key string, state drkit.StepState) drkit.Step {
	return drkit.Step{Version: 1, Key: key, State: state}
}

func TestFileJournalKeepsWhatWasSaved(t *testing.T) {
	t.Parallel()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "journal")
	whole := drkit.Step{
		Version: 1, Key: "failover <db-1> & \u2028 \"x\"\n", State: drkit.StepFailed,
		Operation: "vcav.VMReplications.Failover", OperationID: "drill-7", Resource: "replication C4-1", Site: "site1",
		Appliance: "a6f1 as root", Request: "1:abc", Sent: 2,
		Began: time.Date(2026, 5, 4, 3, 2, 1, 123456789, time.UTC), Ended: time.Date(2026, 5, 4, 4, 0, 0, 0, time.UTC),
		Note: json.RawMessage(`{"jobs":["t1"]}`), Token: "drkit.1.abc", Result: json.RawMessage(`null`), Failure: json.RawMessage(`{"text":"x"}`),
	}
	journal := openJournal(t, path)
	_, err := journal.Load(ctx, whole.Key)
	require.ErrorIs(t, err, drkit.ErrNotFound)
	require.NoError(t, journal.Save(ctx, whole))
	require.NoError(t, journal.Save(ctx, stepIn("second", drkit.StepReady)))
	require.NoError(t, journal.Save(ctx, stepIn("second", drkit.StepIntended)))
	require.NoError(t, journal.Close())

	assert.Equal(t, 4, strings.Count(contents(t, path), "\n"), "a header, and a line for each change")
	journal = openJournal(t, path)
	again, err := journal.Load(ctx, whole.Key)
	require.NoError(t, err)
	assert.Equal(t, whole, again)
	steps, err := journal.Steps(ctx)
	require.NoError(t, err)
	assert.Equal(t, []string{whole.Key, "second"}, []string{steps[0].Key, steps[1].Key})
	assert.Equal(t, drkit.StepIntended, steps[1].State)
	read, err := drkit.ReadJournal(path)
	require.NoError(t, err, "also while it is open")
	assert.Equal(t, steps, read)
}

func TestFileJournalIsForItsOwnerAlone(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such permissions")
	}
	path := filepath.Join(t.TempDir(), "journal")
	openJournal(t, path)
	for _, name := range []string{path, path + ".lock"} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		assert.Equal(t, fs.FileMode(0o600), info.Mode().Perm(), name)
	}
}

// What a crash, a full disk or a power loss leaves at the end was never reported as saved.
func TestTornEndIsDropped(t *testing.T) {
	t.Parallel()
	good := journalHeader + line(t, stepIn("a", drkit.StepIntended)) + line(t, stepIn("b", drkit.StepIntended))
	torn := line(t, stepIn("c", drkit.StepIntended))
	for name, end := range map[string]string{
		"nothing":                 "",
		"half a line":             torn[:len(torn)/2],
		"a line without its end":  strings.TrimSuffix(torn, "\n"),
		"half a line, ended":      torn[:len(torn)/2] + "\n",
		"zeros":                   strings.Repeat("\x00", 5000),
		"half a line and zeros":   torn[:len(torn)/2] + strings.Repeat("\x00", 100),
		"zeros with an end":       strings.Repeat("\x00", 100) + "\n",
		"zeros, an end and zeros": strings.Repeat("\x00", 100) + "\n" + strings.Repeat("\x00", 100),
		"zeros within a line":     torn[:10] + "\x00\x00" + torn[12:],
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := written(t, good+end)
			read, err := drkit.ReadJournal(path)
			require.NoError(t, err)
			assert.Equal(t, "a=intended b=intended", keys(read))
			assert.Equal(t, good+end, contents(t, path), "reading changes nothing")

			journal := openJournal(t, path)
			assert.Equal(t, good, contents(t, path))
			require.NoError(t, journal.Save(t.Context(), stepIn("a", drkit.StepAccepted)))
			assert.Equal(t, good+line(t, stepIn("a", drkit.StepAccepted)), contents(t, path))
		})
	}
}

// Every way to cut the last lines off leaves the steps of the lines before the cut, and a journal that goes on.
func TestFileJournalCutAtEveryByte(t *testing.T) {
	t.Parallel()
	lines := []string{journalHeader}
	for _, s := range []drkit.Step{
		stepIn("a", drkit.StepIntended), stepIn("b", drkit.StepIntended), stepIn("a", drkit.StepAccepted),
		{Version: 1, Key: "b", State: drkit.StepSucceeded, Result: json.RawMessage(`{"id":"C4-1","n":[1,2]}`)},
	} {
		lines = append(lines, line(t, s))
	}
	states := []string{"", "", "a=intended", "a=intended b=intended", "a=accepted b=intended", "a=accepted b=succeeded"} // after n lines
	text, path := strings.Join(lines, ""), filepath.Join(t.TempDir(), "journal")
	start := 0
	if testing.Short() {
		start = len(text) - len(lines[4]) - 5 // a whole line and the end of the one before
	}
	for cut := start; cut <= len(text); cut++ {
		require.NoError(t, os.WriteFile(path, []byte(text[:cut]), 0o600))
		whole := strings.Count(text[:cut], "\n")
		read, err := drkit.ReadJournal(path)
		require.NoError(t, err)
		assert.Equal(t, states[whole], keys(read), cut)

		journal, err := drkit.OpenFileJournal(path)
		require.NoError(t, err)
		steps, err := journal.Steps(t.Context())
		require.NoError(t, err)
		assert.Equal(t, read, steps)
		require.NoError(t, journal.Save(t.Context(), stepIn("next", drkit.StepIntended)))
		require.NoError(t, journal.Close())
		assert.Equal(t, strings.Join(lines[:max(whole, 1)], "")+line(t, stepIn("next", drkit.StepIntended)), contents(t, path), cut)
	}
}

// A journal that cannot be trusted is left as it is: what it has lost may be what keeps a failover from running
// twice.
func TestFileJournalThatIsRefused(t *testing.T) {
	t.Parallel()
	good := line(t, stepIn("a", drkit.StepIntended))
	for name, tc := range map[string]struct{ text, want string }{
		"damage in the middle":         {journalHeader + good[:20] + "\n" + good, "line 2 is damaged"},
		"zeros in the middle":          {journalHeader + good + strings.Repeat("\x00", 99) + "\n" + good, "line 3 is damaged"},
		"an empty line":                {journalHeader + "\n" + good, "line 2 is damaged"},
		"no header":                    {good + good, "not a journal of drkit"},
		"another header":               {`{"journal":"systemd","version":1}` + "\n", "not a journal of drkit"},
		"a damaged header":             {journalHeader[:9] + "\n" + good, "not a journal of drkit"},
		"a newer header":               {`{"journal":"drkit","version":2}` + "\n" + good, "version 2, written by another drkit; this one knows version 1"},
		"a newer header, torn":         {`{"journal":"drkit","version":2`, "not a journal of drkit"},
		"notes of somebody":            {"buy milk\n", "not a journal of drkit"},
		"notes without a line break":   {"buy milk", "not a journal of drkit"},
		"a step without a key":         {journalHeader + `{"version":1,"state":"intended"}` + "\n", "line 2 is no step that this drkit can read"},
		"a step of other members":      {journalHeader + good + `{"version":2,"key":"b","sent":"twice"}` + "\n", "line 3 is no step that this drkit can read"},
		"something else as a step":     {journalHeader + good + "[1]\n", "line 3 is no step"},
		"null as a step":               {journalHeader + good + "null\n" + good, "line 3 is no step"},
		"two steps in one line":        {journalHeader + strings.TrimSuffix(good, "\n") + good + good, "line 2 is damaged"},
		"a step without its beginning": {journalHeader + good[3:] + good, "line 2 is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := written(t, tc.text)
			_, err := drkit.OpenFileJournal(path)
			require.ErrorIs(t, err, drkit.ErrJournal)
			assert.ErrorContains(t, err, tc.want)
			assert.ErrorContains(t, err, path)
			assertOneLine(t, err.Error())
			_, err = drkit.ReadJournal(path)
			require.ErrorIs(t, err, drkit.ErrJournal)
			assert.ErrorContains(t, err, tc.want)
			assert.Equal(t, tc.text, contents(t, path), "nothing is overwritten")

			require.NoError(t, os.WriteFile(path, nil, 0o600))
			openJournal(t, path) // and the lock was given back
		})
	}
}

// A step of a newer version opens, for reports, but Once does not touch it.
func TestStepOfANewerVersion(t *testing.T) {
	t.Parallel()
	text := journalHeader + `{"version":2,"key":"a","state":"paused"}` + "\n"
	path := written(t, text)
	journal := openJournal(t, path)
	steps, err := journal.Steps(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "a=paused", keys(steps))
	_, err = drkit.Once(t.Context(), journal, "a", neverCalled[string](t))
	require.ErrorIs(t, err, drkit.ErrJournal)
	assert.ErrorContains(t, err, "version 2, and this drkit knows version 1")
	require.ErrorIs(t, drkit.Retry(t.Context(), journal, "a"), drkit.ErrJournal)
	assert.Equal(t, text, contents(t, path))
}

func TestFileJournalInPlacesThatDoNotWork(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for name, tc := range map[string]struct {
		path string
		want error
	}{
		"a missing folder": {filepath.Join(folder, "missing", "journal"), fs.ErrNotExist},
		"a folder":         {folder, nil},
		"no name":          {"", nil},
	} {
		_, err := drkit.OpenFileJournal(tc.path)
		require.ErrorIs(t, err, drkit.ErrJournal, name)
		_, readErr := drkit.ReadJournal(tc.path)
		require.ErrorIs(t, readErr, drkit.ErrJournal, name)
		if tc.want != nil {
			assert.ErrorIs(t, err, tc.want)
			assert.ErrorIs(t, readErr, tc.want)
		}
		assertOneLine(t, err.Error())
	}
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// The lock is that of the file, whatever it is called.
func TestFileJournalIsOpenOnce(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path, other := filepath.Join(folder, "journal"), filepath.Join(t.TempDir(), "current")
	journal := openJournal(t, path)
	require.NoError(t, journal.Save(t.Context(), stepIn("a", drkit.StepIntended)))
	names := []string{path, filepath.Join(folder, ".", "x", "..", "journal")}
	if os.Symlink(path, other) == nil {
		names = append(names, other)
	}
	for _, name := range names {
		_, err := drkit.OpenFileJournal(name)
		require.ErrorIs(t, err, drkit.ErrJournal, name)
		assert.ErrorContains(t, err, "another process has it")
		steps, err := drkit.ReadJournal(name)
		require.NoError(t, err)
		assert.Equal(t, "a=intended", keys(steps))
	}
	require.NoError(t, journal.Close())
	openJournal(t, names[len(names)-1])
}

func TestFileJournalAfterClose(t *testing.T) {
	t.Parallel()
	ctx, path := t.Context(), filepath.Join(t.TempDir(), "journal")
	journal := openJournal(t, path)
	require.NoError(t, journal.Save(ctx, stepIn("a", drkit.StepIntended)))
	require.NoError(t, journal.Close())
	require.NoError(t, journal.Close(), "it is safe to call again")

	err := journal.Save(ctx, stepIn("b", drkit.StepIntended))
	require.ErrorIs(t, err, os.ErrClosed)
	steps, err := journal.Steps(ctx)
	require.NoError(t, err)
	assert.Equal(t, "a=intended", keys(steps), "what was saved can be reported")
	_, err = drkit.Once(ctx, journal, "b", func(ctx context.Context) (*drkit.Poller[string], error) {
		return begin(ctx, play("task-1", succeeded("x")))
	})
	require.ErrorIs(t, err, drkit.ErrJournal)
	require.ErrorIs(t, err, os.ErrClosed)
}

func TestSaveRefusesWhatNoRunCouldRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := openJournal(t, path)
	require.ErrorIs(t, journal.Save(t.Context(), drkit.Step{Version: 1}), drkit.ErrStep)
	require.ErrorIs(t, journal.Save(t.Context(), stepIn("db-\xff", drkit.StepIntended)), drkit.ErrStep)
	require.Error(t, journal.Save(t.Context(), drkit.Step{Version: 1, Key: "a", Note: json.RawMessage(`{`)}))
	ended, end := context.WithCancelCause(t.Context())
	end(errors.New("shutting down"))
	require.ErrorContains(t, journal.Save(ended, stepIn("a", drkit.StepIntended)), "shutting down")
	assert.Len(t, contents(t, path), len(journalHeader))
	steps, err := journal.Steps(t.Context())
	require.NoError(t, err)
	assert.Empty(t, steps)
}

// Many goroutines save at once: every change is there, and those of one key are in their order.
func TestFileJournalSavesOfMany(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	journal := openJournal(t, path)
	outcomes, err := drkit.ForEach(t.Context(), []int{0, 1, 2, 3, 4, 5, 6, 7}, 8, func(ctx context.Context, of int) (string, error) {
		for n := range 25 {
			s := drkit.Step{Version: 1, Key: fmt.Sprint("step ", of), Sent: n}
			if err := journal.Save(ctx, s); err != nil {
				return "", err
			}
			if now, err := journal.Load(ctx, s.Key); err != nil || now.Sent != n {
				return "", fmt.Errorf("%d instead of %d: %w", now.Sent, n, err)
			}
		}
		return "", nil
	})
	require.NoError(t, err)
	assert.Len(t, outcomes, 8)
	assert.Equal(t, 1+8*25, strings.Count(contents(t, path), "\n"))
	steps, err := drkit.ReadJournal(path)
	require.NoError(t, err)
	for _, s := range steps {
		assert.Equal(t, 24, s.Sent, s.Key)
	}
}
