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
	"sync"
)

// FileJournal keeps steps in a file, one line of JSON for each change, and nothing is ever overwritten. A
// change is on disk when Save returns; changes that come at the same time share a write. One process at a time
// has the journal: a file beside it, of the same name with ".lock" at its end, carries a lock of the kernel, which
// ends with the process however that ends. The lock file stays; it must be neither removed nor renamed.
type FileJournal struct {
	path   string
	locked io.Closer
	turns  turns

	mu      sync.Mutex
	file    disk  // nil once it was closed
	size    int64 // of what is whole
	memory  MemoryJournal
	pending []*pendingLine
	writing bool
	closed  bool
	idle    sync.Cond // of mu: nothing is being written
	broken  error     // why nothing can be written any more
}

// disk is what a journal needs of its file.
type disk interface {
	io.Reader
	io.WriterAt
	io.Closer
	Truncate(size int64) error
	Sync() error
}

// pendingLine is a change that waits to be written.
type pendingLine struct {
	step Step
	data []byte
	done chan error
}

// journalHeader is the first line of the file.
type journalHeader struct {
	Journal string `json:"journal"`
	Version int    `json:"version"`
}

var (
	errInUse     = errors.New("another process has it")
	errNoJournal = errors.New("the file is not a journal of drkit")
)

const (
	journalName    = "drkit"
	journalVersion = 1
)

// OpenFileJournal opens the journal at path, or makes it. A last line that was cut off in the middle, as a
// crash or a full disk leaves it, is dropped: that change was never reported as saved. Close it at the end.
//
// Errors: [ErrJournal] if another process has it, if a newer drkit has written it, or if it is damaged elsewhere
// than at its end; those of the file system.
func OpenFileJournal(path string) (*FileJournal, error) {
	journal, err := openJournal(path)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrJournal, path, err)
	}
	return journal, nil
}

func openJournal(path string) (*FileJournal, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, err
	}
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target // one lock, by whatever name the file is opened
	}
	locked, err := lockFile(path + ".lock")
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	j := &FileJournal{path: path, locked: locked, file: file}
	j.idle.L = &j.mu
	if err := j.begin(); err != nil {
		_ = j.Close()
		return nil, err
	}
	return j, nil
}

// begin reads what there is, drops what is not whole, and makes sure that there is a header.
func (j *FileJournal) begin() error {
	size, err := readJournal(j.file, func(s Step) { _ = j.memory.Save(context.Background(), s) })
	if err != nil {
		return err
	}
	if err := j.file.Truncate(size); err != nil {
		return err
	}
	if j.size = size; size > 0 {
		return nil
	}
	if err := j.append(newHeader()); err != nil {
		return err
	}
	syncFolder(filepath.Dir(j.path))
	return nil
}

// newHeader returns the first line of a journal.
func newHeader() []byte {
	header, _ := json.Marshal(journalHeader{journalName, journalVersion}) // constants: it cannot fail
	return append(header, '\n')
}

// ReadJournal returns the steps of the journal at path, also while another process has it: for reports.
//
// Errors: as [OpenFileJournal], but that it does not lock.
func ReadJournal(path string) ([]Step, error) {
	file, err := os.Open(path) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrJournal, err)
	}
	defer file.Close()
	var memory MemoryJournal
	if _, err := readJournal(file, func(s Step) { _ = memory.Save(context.Background(), s) }); err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrJournal, path, err)
	}
	return memory.Steps(context.Background())
}

// readJournal hands over the steps of a file, and returns the length of what is whole of it. What is torn at its
// end was never reported as saved: a line without its end, or one that the disk had less of than the file system,
// which then shows zeros.
func readJournal(file io.Reader, each func(Step)) (whole int64, err error) {
	data, err := io.ReadAll(file)
	if err != nil {
		return 0, err
	}
	data = bytes.TrimRight(data, "\x00")
	for number := 1; ; number++ {
		line, rest, ended := bytes.Cut(data[whole:], []byte("\n"))
		switch {
		case !ended && number == 1 && !bytes.HasPrefix(newHeader(), line):
			return 0, errNoJournal
		case !ended:
			return whole, nil
		case number == 1:
			err = readHeader(line)
		case len(rest) == 0 && !json.Valid(line):
			return whole, nil
		default:
			err = readStep(number, line, each)
		}
		if err != nil {
			return 0, err
		}
		whole += int64(len(line)) + 1
	}
}

func readHeader(line []byte) error {
	var header journalHeader
	if err := json.Unmarshal(line, &header); err != nil || header.Journal != journalName {
		return errNoJournal
	}
	if header.Version != journalVersion {
		return fmt.Errorf("it is of version %d, written by another drkit; this one knows version %d", header.Version, journalVersion)
	}
	return nil
}

func readStep(number int, line []byte, each func(Step)) error {
	var s Step
	switch err := json.Unmarshal(line, &s); {
	case err == nil && s.Key != "":
		each(s)
		return nil
	case json.Valid(line):
		return fmt.Errorf("line %d is no step that this drkit can read", number)
	default:
		return fmt.Errorf("line %d is damaged", number)
	}
}

// Load returns a step as it was saved last, and [ErrNotFound] if there is none of that key. Like Steps it also
// answers after Close.
func (j *FileJournal) Load(ctx context.Context, key string) (Step, error) {
	return j.memory.Load(ctx, key)
}

// Steps returns all steps, in the order in which their keys were first saved.
func (j *FileJournal) Steps(ctx context.Context) ([]Step, error) { return j.memory.Steps(ctx) }

// Save writes a step and returns when it is on disk. If ctx ends before, it returns at once, and the step may
// be saved all the same.
//
// Errors: those of the file system, [os.ErrClosed] among them; [ErrStep] for a key that no later run could find.
// After a write that failed, as on a full disk, the journal is as it was, and another may succeed; after a failed
// sync nobody knows what the disk has, and every Save fails until the journal is opened again.
func (j *FileJournal) Save(ctx context.Context, s Step) error {
	if err := checkKey(s.Key); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return endOf(ctx)
	}
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	line := &pendingLine{step: s, data: append(data, '\n'), done: make(chan error, 1)}
	if err := j.enqueue(line); err != nil { //nolint:contextcheck // what is written serves all who wait
		return err
	}
	select {
	case err := <-line.done:
		return err
	case <-ctx.Done():
		return endOf(ctx)
	}
}

// enqueue leaves a line to the goroutine that writes, beginning one where there is none.
func (j *FileJournal) enqueue(line *pendingLine) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	switch {
	case j.closed:
		return fmt.Errorf("the journal is closed: %w", os.ErrClosed)
	case j.broken != nil:
		return j.broken
	}
	j.pending = append(j.pending, line)
	if !j.writing {
		j.writing = true
		go j.write()
	}
	return nil
}

// write writes what is pending until there is no more.
func (j *FileJournal) write() {
	j.mu.Lock()
	defer j.mu.Unlock()
	for len(j.pending) > 0 {
		batch := j.pending
		j.pending = nil
		j.mu.Unlock()
		var lines []byte
		for _, line := range batch {
			lines = append(lines, line.data...)
		}
		err := j.append(lines)
		j.mu.Lock()
		for _, line := range batch {
			if err == nil {
				_ = j.memory.Save(context.Background(), line.step)
			}
			line.done <- err
		}
	}
	j.writing = false
	j.idle.Broadcast()
}

// append writes lines at the end of what is whole. One goroutine at a time writes.
func (j *FileJournal) append(lines []byte) error {
	if j.broken != nil {
		return j.broken
	}
	if _, err := j.file.WriteAt(lines, j.size); err != nil {
		if undo := j.file.Truncate(j.size); undo != nil {
			j.fail(fmt.Errorf("after a failed write: %w", undo))
		}
		return err
	}
	if err := j.file.Sync(); err != nil {
		j.fail(fmt.Errorf("after a failed sync: %w", err))
		return err
	}
	j.size += int64(len(lines))
	return nil
}

func (j *FileJournal) fail(err error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = err
}

// Close waits for what is being written, closes the file and gives the lock back. It is safe to call again.
func (j *FileJournal) Close() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.closed = true
	for j.writing {
		j.idle.Wait()
	}
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	if unlock := j.locked.Close(); err == nil {
		err = unlock
	}
	return err
}

func (j *FileJournal) lock(ctx context.Context, key string) (func(), error) {
	return j.turns.take(ctx, key)
}

// syncFolder makes the name of a new file survive a crash, where the system can do that.
func syncFolder(path string) {
	if folder, err := os.Open(path); err == nil { //nolint:gosec // the caller names the file
		_ = folder.Sync()
		_ = folder.Close()
	}
}
