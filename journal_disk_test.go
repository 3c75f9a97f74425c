package drkit

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeDisk is a file whose disk has moods. It is used by one goroutine at a time, as a journal does.
type fakeDisk struct {
	data  []byte
	room  int // bytes that it takes; 0 is no limit
	syncs int
	// Errors of the calls to come, and what a sync waits for.
	syncErr, truncateErr, closeErr error
	gate                           chan struct{}
}

func (d *fakeDisk) Read([]byte) (int, error) { return 0, io.EOF }
func (d *fakeDisk) Close() error             { return d.closeErr }

func (d *fakeDisk) WriteAt(p []byte, at int64) (int, error) {
	taken := len(p)
	if d.room > 0 {
		taken = min(taken, d.room-int(at))
	}
	d.data = append(d.data[:at], p[:taken]...)
	if taken < len(p) {
		return taken, errFull
	}
	return taken, nil
}

func (d *fakeDisk) Truncate(size int64) error {
	if d.truncateErr == nil {
		d.data = d.data[:size]
	}
	return d.truncateErr
}

func (d *fakeDisk) Sync() error {
	if d.gate != nil {
		<-d.gate
	}
	d.syncs++
	return d.syncErr
}

var errFull = errors.New("no space left on device")

// onDisk returns a journal on such a disk.
func onDisk(t *testing.T, d *fakeDisk) *FileJournal {
	t.Helper()
	lock, err := os.Create(filepath.Join(t.TempDir(), "lock"))
	require.NoError(t, err)
	j := &FileJournal{path: "journal", locked: lock, file: d}
	j.idle.L = &j.mu
	require.NoError(t, j.begin())
	d.syncs = 0
	return j
}

func intent(key string) Step { return Step{Version: 1, Key: key, State: StepIntended} }

// onlySaved checks that journal and disk hold these steps, and nothing else.
func onlySaved(t *testing.T, j *FileJournal, d *fakeDisk, keys ...string) {
	t.Helper()
	steps, err := j.Steps(t.Context())
	require.NoError(t, err)
	var read []Step
	_, err = readJournal(bytes.NewReader(d.data), func(s Step) { read = append(read, s) })
	require.NoError(t, err)
	for _, all := range [][]Step{steps, read} {
		var found []string
		for _, s := range all {
			found = append(found, s.Key)
		}
		assert.Equal(t, keys, found)
	}
	assert.True(t, bytes.HasSuffix(d.data, []byte("\n")))
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	d := &fakeDisk{}
	j := onDisk(t, d)
	require.NoError(t, j.Save(t.Context(), intent("a")))
	for _, more := range []int{1, 20} { // nothing of the line fits, and half of it
		d.room = len(d.data) + more
		err := j.Save(t.Context(), intent("b"))
		require.ErrorIs(t, err, errFull)
		onlySaved(t, j, d, "a")
	}
	_, err := Once(t.Context(), j, "b", func(ctx context.Context) (*Poller[int], error) { return nil, context.Canceled })
	require.ErrorIs(t, err, context.Canceled, "what is in it can be read")
	d.room = 0
	require.NoError(t, j.Save(t.Context(), intent("b")), "there is room again")
	onlySaved(t, j, d, "a", "b")
	require.NoError(t, j.Close())
}

// Where nobody knows what the disk has, nothing more may be built on it.
func TestDiskThatCannotBeTrusted(t *testing.T) {
	t.Parallel()
	bad := errors.New("input/output error")
	for name, breakIt := range map[string]func(*fakeDisk){
		"sync":               func(d *fakeDisk) { d.syncErr = bad },
		"undo of half lines": func(d *fakeDisk) { d.room, d.truncateErr = len(d.data)+9, bad },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &fakeDisk{}
			j := onDisk(t, d)
			require.NoError(t, j.Save(t.Context(), intent("a")))
			breakIt(d)
			require.Error(t, j.Save(t.Context(), intent("b")))
			d.syncErr, d.truncateErr, d.room = nil, nil, 0
			err := j.Save(t.Context(), intent("c"))
			require.ErrorIs(t, err, bad, "until it is opened again")
			assert.ErrorContains(t, err, "after a failed")
			_, err = j.Load(t.Context(), "b")
			require.ErrorIs(t, err, ErrNotFound)
			require.NoError(t, j.Close())
		})
	}
}

// While one sync is under way all that come share the next.
func TestSavesShareSyncs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDisk{}
		j := onDisk(t, d)
		d.gate = make(chan struct{})
		saved := make(chan error)
		const many = 1000
		for i := range many {
			go func() { saved <- j.Save(t.Context(), intent(fmt.Sprint(i))) }()
		}
		synctest.Wait()
		close(d.gate)
		for range many {
			require.NoError(t, <-saved)
		}
		assert.LessOrEqual(t, d.syncs, 2)
		assert.Equal(t, 1+many, bytes.Count(d.data, []byte("\n")))
		require.NoError(t, j.Close())
	})
}

// What fails fails for all that share it, and what comes next is not touched by that.
func TestSavesShareFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDisk{}
		j := onDisk(t, d)
		d.gate = make(chan struct{})
		first, others := make(chan error, 1), make(chan error)
		go func() { first <- j.Save(t.Context(), intent("first")) }()
		synctest.Wait()
		for i := range 3 {
			go func() { others <- j.Save(t.Context(), intent(fmt.Sprint(i))) }()
		}
		synctest.Wait()
		d.room = len(d.data) + 100 // for one of them
		close(d.gate)
		require.NoError(t, <-first)
		for range 3 {
			require.ErrorIs(t, <-others, errFull)
		}
		onlySaved(t, j, d, "first")
		d.room = 0
		require.NoError(t, j.Save(t.Context(), intent("next")))
		onlySaved(t, j, d, "first", "next")
		require.NoError(t, j.Close())
	})
}

func TestSaveEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDisk{}
		j := onDisk(t, d)
		d.gate = make(chan struct{})
		ctx, end := context.WithCancel(t.Context())
		saved := make(chan error, 1)
		go func() { saved <- j.Save(ctx, intent("a")) }()
		synctest.Wait()
		end()
		require.ErrorIs(t, <-saved, context.Canceled, "although the disk hangs")
		close(d.gate)
		require.NoError(t, j.Close())
		onlySaved(t, j, d, "a") // it was on its way
	})
}

// Close waits for what is being written, and takes nothing new.
func TestCloseDuringSaves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := &fakeDisk{closeErr: errors.New("quota exceeded")}
		j := onDisk(t, d)
		d.gate = make(chan struct{})
		saved := make(chan error)
		for _, key := range []string{"a", "b"} {
			go func() { saved <- j.Save(t.Context(), intent(key)) }()
			synctest.Wait()
		}
		closed := make(chan error, 2)
		for range 2 {
			go func() { closed <- j.Close() }()
		}
		synctest.Wait()
		require.ErrorIs(t, j.Save(t.Context(), intent("late")), os.ErrClosed)
		require.Empty(t, closed, "lines are still being written")
		close(d.gate)
		require.NoError(t, <-saved)
		require.NoError(t, <-saved)
		first, second := <-closed, <-closed
		if first == nil {
			first, second = second, first
		}
		require.ErrorContains(t, first, "quota exceeded")
		require.NoError(t, second)
		onlySaved(t, j, d, "a", "b")
	})
}

// A journal that cannot even get its header is no journal, and its lock is free again.
func TestJournalWithoutRoomForItsHeader(t *testing.T) {
	t.Parallel()
	j := &FileJournal{path: "journal", file: &fakeDisk{room: 10}}
	require.ErrorIs(t, j.begin(), errFull)
	j = &FileJournal{path: "journal", file: &fakeDisk{truncateErr: errFull}}
	require.ErrorIs(t, j.begin(), errFull)
}

// FuzzJournal: whatever a file holds, reading it ends without a panic, hands over whole steps alone, and finds the
// same again in what it calls whole.
func FuzzJournal(f *testing.F) {
	header := string(newHeader())
	whole, err := json.Marshal(intent("a"))
	require.NoError(f, err)
	for _, seed := range []string{
		"", header, header[:7], header + string(whole) + "\n", header + string(whole), header + "\x00\x00", header + string(whole) + "\n\x00",
		header + string(whole[:9]) + "\n" + string(whole) + "\n", header + "null\n", header + "[]\n", `{"journal":"drkit","version":2}` + "\n",
		header + `{"version":1,"key":"a","note":{"jobs":[]},"began":"2026-05-04T03:02:01Z"}` + "\n", "{}\n", "\n\n", "buy milk",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var steps []Step
		whole, err := readJournal(bytes.NewReader(data), func(s Step) { steps = append(steps, s) })
		if err != nil {
			assert.NotContains(t, err.Error(), "\n")
			return
		}
		require.LessOrEqual(t, whole, int64(len(data)))
		if whole > 0 {
			require.Equal(t, byte('\n'), data[whole-1])
			require.Len(t, steps, bytes.Count(data[:whole], []byte("\n"))-1)
		}
		var again []Step
		size, err := readJournal(bytes.NewReader(data[:whole]), func(s Step) { again = append(again, s) })
		require.NoError(t, err)
		assert.Equal(t, whole, size)
		assert.Equal(t, steps, again)
		for _, s := range steps {
			require.NotEmpty(t, s.Key)
			written, err := json.Marshal(s)
			require.NoError(t, err, "what was read can be written again")
			assert.Equal(t, 0, strings.Count(string(written), "\n"))
		}
	})
}
