//go:build !windows && (!unix || aix || solaris)

package drkit

import (
	"errors"
	"io"
)

// lockFile refuses: without a lock two runs could send the same operation.
func lockFile(string) (io.Closer, error) {
	return nil, errors.New("this system has no lock that a file journal could use")
}
