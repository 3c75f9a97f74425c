package settings

import (
	"errors"
	"io"
)

// Download is what the options of one download come to.
type Download struct {
	Target     Target
	OnProgress func(received, total int64)
	Checksum   string // given by the caller; empty is the published one
	NoChecksum bool
}

// Target is where a download goes. One of its fields is set.
type Target struct {
	Writer    io.Writer
	File      string
	Directory string
}

// Validate reports options that contradict one another.
func (d Download) Validate() error {
	if d.Checksum != "" && d.NoChecksum {
		return errors.New("WithChecksum and WithoutChecksum contradict each other")
	}
	return nil
}
