package transport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/drkit-go/drkit/internal/settings"
)

// sink takes in a download. A file has a temporary name until commit, so that nobody takes half of it, or
// one that failed its checksum, for the whole.
type sink struct {
	io.Writer
	file *os.File // nil for a writer of the caller
	path string   // final name
}

// newSink opens the target of a download that the service calls by name.
func newSink(target settings.Target, name string) (*sink, error) {
	if target.Writer != nil {
		return &sink{Writer: target.Writer}, nil
	}
	path := target.File
	if target.Directory != "" {
		if name == "" {
			return nil, errors.New("the service gives the file no name that is safe to use: choose one with ToFile")
		}
		path = filepath.Join(target.Directory, name)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is there and is not a file that could be replaced", path)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*.part")
	if err != nil {
		return nil, err
	}
	return &sink{Writer: file, file: file, path: path}, nil
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
	syncDirectory(filepath.Dir(s.path))
	return s.path, nil
}

// discard removes what there is of the file.
func (s *sink) discard() error {
	if s.file == nil {
		return nil
	}
	_ = s.file.Close() // it may be closed already
	if err := os.Remove(s.file.Name()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// syncDirectory makes a new name survive a crash. Not all systems can, and the file is whole without it.
func syncDirectory(path string) {
	if directory, err := os.Open(path); err == nil {
		_ = directory.Sync()
		_ = directory.Close()
	}
}
