//go:build unix && !aix && !solaris

package drkit

import (
	"errors"
	"io"
	"os"
	"syscall"
)

// lockFile takes the lock that the kernel keeps with the file as long as somebody has it open.
func lockFile(path string) (io.Closer, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the caller names the file
	if err != nil {
		return nil, err
	}
	for err = syscall.EINTR; errors.Is(err, syscall.EINTR); {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	}
	if err == nil {
		return lockedFile{file}, nil
	}
	_ = file.Close()
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, errInUse
	}
	return nil, err
}

type lockedFile struct{ *os.File }

// Close gives the lock back. A child process that is just being started has the file open as well, until it runs
// its own program, so that closing alone would not do.
func (f lockedFile) Close() error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_UN)
	return errors.Join(err, f.File.Close())
}
