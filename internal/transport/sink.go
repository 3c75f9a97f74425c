package transport

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drkit-go/drkit/internal/settings"
)

// sink takes in a download. A file has a temporary name until commit, so that nobody takes half of it, or
// one that failed its checksum, for the whole.
type sink struct {
	io.Writer
	file      *os.File // nil for a writer of the caller, and after commit
	directory string   // where the file is to lie
	path      string   // its final name; empty until the service has said what it is called
}

// newSink opens the target of a download.
func newSink(target settings.Target) (*sink, error) {
	if target.Writer != nil {
		return &sink{Writer: target.Writer}, nil
	}
	path, err := filepath.Abs(target.File + target.Directory) // one of them is empty
	if err != nil {
		return nil, err
	}
	s := &sink{directory: path}
	if target.File != "" {
		s.directory, s.path = filepath.Dir(path), path
		if err := replaceable(path); err != nil {
			return nil, err
		}
	}
	if s.file, err = os.CreateTemp(s.directory, ".download-*.part"); err != nil {
		return nil, err
	}
	s.Writer = s.file
	return s, nil
}

// call takes the name that the service gives the file, where the caller gives none.
func (s *sink) call(name string) error {
	switch {
	case s.file == nil || s.path != "":
		return nil
	case name == "":
		return errors.New("the service gives the file no name that is safe to use: choose one with ToFile")
	default:
		s.path = filepath.Join(s.directory, name)
		return replaceable(s.path)
	}
}

// replaceable refuses to put a file in the place of something else, such as a directory or a device.
func replaceable(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err == nil && !info.Mode().IsRegular():
		return fmt.Errorf("%s is there and is not a file that could be replaced", path)
	default:
		return err
	}
}

// commit makes the file safe on disk and gives it its name, which it returns.
func (s *sink) commit() (string, error) {
	if s.file == nil {
		return "", nil
	}
	if err := s.file.Sync(); err != nil {
		return "", err
	}
	if err := s.file.Close(); err != nil {
		return "", err
	}
	if err := os.Rename(s.file.Name(), s.path); err != nil {
		return "", err
	}
	s.file = nil
	syncDirectory(s.directory)
	return s.path, nil
}

// discard removes what there is of a file that was not committed.
func (s *sink) discard() error {
	if s == nil || s.file == nil {
		return nil
	}
	_ = s.file.Close() // it may be closed already
	if err := os.Remove(s.file.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncDirectory makes a new name survive a crash. Not all systems can, and the file is whole without it.
func syncDirectory(path string) {
	if directory, err := os.Open(path); err == nil { //nolint:gosec // where the caller wants the file
		_ = directory.Sync()
		_ = directory.Close()
	}
}
