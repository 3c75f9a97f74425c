package drkit

import (
	"errors"
	"fmt"
	"io"

	"github.com/drkit-go/drkit/internal/settings"
)

// Download is a file that has been downloaded whole.
type Download struct {
	Name     string // what the service calls the file; empty if it gives no name that is safe to use
	Path     string // where the file lies; empty with [ToWriter]
	Bytes    int64  // length
	Checksum string // of what was received, as in "SHA-512:0A:1B…"; empty if there was none to verify by
	Verified bool   // whether that is the checksum that was published or given
	Resumed  int    // how often the connection broke and the download went on
}

// DownloadOption changes one download.
type DownloadOption interface {
	ApplyDownload(d *settings.Download) error
}

type downloadOptionFunc func(*settings.Download) error

func (f downloadOptionFunc) ApplyDownload(d *settings.Download) error { return f(d) }

// Target is where a download goes: what [ToWriter], [ToFile] or [ToDirectory] returns.
type Target struct{ to settings.Target }

// ApplyDownload sets the target. A download has exactly one.
func (t Target) ApplyDownload(d *settings.Download) error {
	switch {
	case t.to == settings.Target{}:
		return errors.New("the target of the download is empty: use ToWriter, ToFile or ToDirectory")
	case d.Target != settings.Target{}:
		return errors.New("the download has two targets")
	}
	d.Target = t.to
	return nil
}

// ToWriter writes a download to w as it comes. What w has got cannot be taken back: trust it only when the
// download has returned without an error.
func ToWriter(w io.Writer) Target { return Target{settings.Target{Writer: w}} }

// ToFile makes the file at path, or replaces the one that is there, once the download is whole, verified and
// safe on disk. Until then it has a temporary name in the same directory, and is removed if the download fails.
// Only its owner may read it. Where path cannot be written to, nothing is asked for.
func ToFile(path string) Target { return Target{settings.Target{File: path}} }

// ToDirectory is [ToFile] in directory, under the name that the service gives the file. A download without a
// name, or with one that is not a plain file name, fails.
func ToDirectory(directory string) Target { return Target{settings.Target{Directory: directory}} }

// DownloadProgress is how far a download has come.
type DownloadProgress struct {
	Received int64 // bytes
	Total    int64 // bytes; -1 if the service has not said
}

// OnDownload calls report while a download runs, at most ten times a second, and when it has ended well. It is
// called on the goroutine of the download: one that takes long delays it.
func OnDownload(report func(DownloadProgress)) DownloadOption {
	return downloadOptionFunc(func(d *settings.Download) error {
		if report == nil {
			return errors.New("OnDownload: function is nil")
		}
		d.OnProgress = func(received, total int64) { report(DownloadProgress{Received: received, Total: total}) }
		return nil
	})
}

// WithChecksum verifies a download against sum instead of what the service publishes. It is written as the
// name of the algorithm (SHA-512 or SHA-256) and hexadecimal digits, with or without colons between them.
func WithChecksum(sum string) DownloadOption {
	return downloadOptionFunc(func(d *settings.Download) error {
		if sum == "" {
			return errors.New("WithChecksum: the checksum is empty")
		}
		d.Checksum = sum
		return d.Validate()
	})
}

// WithoutChecksum takes a download as it comes, also where the service publishes a checksum. It saves the
// time to compute it.
func WithoutChecksum() DownloadOption {
	return downloadOptionFunc(func(d *settings.Download) error {
		d.NoChecksum = true
		return d.Validate()
	})
}

// ChecksumError is a download that came to its end and is not what the service has published. With [ToFile]
// and [ToDirectory] no file is left behind. [ErrChecksum] matches it.
type ChecksumError struct {
	Operation   string // as in "vcav.SupportBundles.Download"
	OperationID string // what the request carried as its trace header
	Want        string // as published, or as given with [WithChecksum]
	Got         string // of what was received
	Bytes       int64  // received
}

// Error returns operation, both checksums, the length and the operation ID on one line.
func (e *ChecksumError) Error() string {
	line := sentence{}
	line.add(e.Operation)
	line.add(fmt.Sprintf("%s: the %d bytes received have %s instead of %s", ErrChecksum, e.Bytes, e.Got, e.Want))
	line.trailer("", e.OperationID, "")
	return line.String()
}

// Is reports whether target is [ErrChecksum].
func (e *ChecksumError) Is(target error) bool { return target == ErrChecksum }
