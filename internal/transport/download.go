package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
)

// Part says which part of a file a call asks for. Its being there marks the call as a download.
type Part struct {
	Offset    int64  // where to go on
	Validator string // entity tag that the file must still have; empty if the service gives none
}

// reportEvery is how much time passes between reports of progress.
const reportEvery = 100 * time.Millisecond

// chunk is how much is read before it is written and hashed: enough that handing it over costs nothing.
const chunk = 256 << 10

// Download sends a call whose answer is a file, and takes the file in whole: a connection that breaks is
// resumed where it broke, as long as each brings at least one byte within the attempts of the retry policy.
// published returns the checksum to hold the file against, where the caller has not settled that.
//
// Errors: those of [Client.Do]; *drkit.ChecksumError; what is wrong with the options or with the target.
func (c *Client) Download(ctx context.Context, call Call, published func(context.Context) (string, error), options []drkit.DownloadOption) (drkit.Download, error) {
	ctx, id, err := c.Name(ctx)
	d := &download{client: c, call: call, name: c.config.Service + "." + call.Operation.Name, id: id, total: -1}
	if err == nil {
		d.path, err = expand(call.Operation.Path, call.Path)
	}
	if err == nil {
		err = d.configure(ctx, published, options)
	}
	if err != nil {
		return drkit.Download{}, fmt.Errorf("%s: %w", d.name, err)
	}
	err = d.run(ctx)
	if d.digest != nil {
		d.digest.close()
	}
	if err == nil {
		return d.done, nil
	}
	if d.sink != nil {
		if left := d.sink.discard(); left != nil {
			err = fmt.Errorf("%w; its temporary file is still there: %w", err, left)
		}
	}
	return drkit.Download{}, err
}

// download is one file on its way.
type download struct {
	client   *Client
	call     Call
	name     string
	id       string // operation ID of all its requests
	path     string // as in Error
	settings settings.Download
	want     checksum // zero if nothing is verified

	sink      *sink
	digest    *digest // nil if nothing is verified
	buffers   chan []byte
	received  int64
	total     int64 // -1 while it is not known
	validator string
	reported  time.Time
	done      drkit.Download
}

func (d *download) configure(ctx context.Context, published func(context.Context) (string, error), options []drkit.DownloadOption) error {
	for _, option := range options {
		if option == nil {
			return errors.New("option is nil")
		}
		if err := option.ApplyDownload(&d.settings); err != nil {
			return err
		}
	}
	sum := d.settings.Checksum
	if sum == "" && !d.settings.NoChecksum && published != nil {
		var err error
		if sum, err = published(ctx); err != nil {
			return err
		}
	}
	d.buffers = make(chan []byte, 4)
	for range cap(d.buffers) {
		d.buffers <- nil // made when first needed
	}
	if sum == "" {
		return nil
	}
	var err error
	if d.want, err = parseChecksum(sum); err != nil {
		return err
	}
	d.digest = newDigest(d.want.hash(), d.buffers)
	return nil
}

// run takes in the whole file, over as many connections as it needs.
func (d *download) run(ctx context.Context) error {
	for failures := 0; ; {
		before := d.received
		err := d.attempt(ctx)
		var broken *brokenError
		if err == nil {
			return d.finish()
		}
		if !errors.As(err, &broken) {
			return err
		}
		if ended := d.client.ended(ctx); ended != nil {
			return d.broken(ended)
		}
		if failures++; d.received > before {
			failures = 1
		}
		if failures >= d.client.settings.Retry.Attempts {
			return d.broken(broken.err)
		}
		d.logBroken(ctx, broken)
		if err := d.client.pause(ctx, failures-1); err != nil {
			return d.broken(err)
		}
		d.done.Resumed++
	}
}

// brokenError is a connection that broke while the file came.
type brokenError struct{ err error }

func (e *brokenError) Error() string { return e.err.Error() }
func (e *brokenError) Unwrap() error { return e.err }

// attempt asks for the file, or for the rest of it, and takes in what comes.
func (d *download) attempt(ctx context.Context) error {
	call := d.call
	call.Part = &Part{Offset: d.received, Validator: d.validator}
	body, answer, err := d.client.Stream(ctx, call)
	if err != nil {
		return d.refused(err)
	}
	defer body.Close()
	if err := d.place(body, answer); err != nil {
		return err
	}
	for {
		more, err := d.take(body)
		if err != nil || !more {
			return err
		}
	}
}

// refused looks at an error answer. That there is nothing after the last byte is no failure where the length
// was not known before.
func (d *download) refused(err error) error {
	var answer *drkit.Error
	if !errors.As(err, &answer) || answer.Status != http.StatusRequestedRangeNotSatisfiable || d.received == 0 {
		return d.after(err)
	}
	if d.total < 0 || d.total == d.received {
		return nil
	}
	return d.fail(fmt.Errorf("the file has changed: it no longer has %d bytes: %w", d.total, err))
}

// place finds out which part of the file an answer holds, and moves to where the last one broke.
func (d *download) place(body io.Reader, answer Answer) error {
	total, err := d.offered(answer)
	if err == nil {
		err = isFile(answer)
	}
	if err != nil {
		return d.fail(err)
	}
	if d.total >= 0 && total >= 0 && total != d.total {
		return d.fail(fmt.Errorf("the file has changed: it has %d bytes instead of %d", total, d.total))
	}
	if total >= 0 {
		d.total = total
	}
	if tag := answer.Header("ETag"); len(tag) > 1 && tag[0] == '"' { // a weak tag does not tell bytes apart
		d.validator = tag
	}
	if d.sink == nil {
		d.done.Name = fileName(answer.Header("Content-Disposition"))
		if d.sink, err = newSink(d.settings.Target, d.done.Name); err != nil {
			return d.fail(err)
		}
	}
	if answer.Status == http.StatusPartialContent || d.received == 0 {
		return nil
	}
	return d.skip(body)
}

// offered returns the length of the whole file that an answer belongs to, or -1 where it does not say.
func (d *download) offered(answer Answer) (int64, error) {
	if answer.Status != http.StatusPartialContent {
		return answer.Length, nil
	}
	first, total, err := contentRange(answer.Header("Content-Range"))
	switch {
	case err != nil:
		return 0, err
	case first != d.received:
		return 0, fmt.Errorf("the service goes on at byte %d instead of %d", first, d.received)
	default:
		return total, nil
	}
}

// isFile refuses what cannot be a file as it lies on the server.
func isFile(answer Answer) error {
	if encoding := answer.Header("Content-Encoding"); encoding != "" && encoding != "identity" {
		return fmt.Errorf("the file comes encoded (%s), which was not asked for", encoding)
	}
	if kind, _, _ := mime.ParseMediaType(answer.Header("Content-Type")); kind == "text/html" {
		return errors.New("the answer is a page (text/html) and not the file")
	}
	return nil
}

// skip reads what is there already from an answer that begins at the beginning. Where a checksum is
// computed, it must be the same.
func (d *download) skip(body io.Reader) error {
	again := io.Discard
	if d.digest != nil {
		again = d.want.hash()
	}
	limited := &io.LimitedReader{R: body, N: d.received}
	if _, err := io.Copy(again, limited); err != nil {
		return &brokenError{err}
	}
	if limited.N > 0 {
		return &brokenError{fmt.Errorf("%w after %d bytes, before new ones came", io.ErrUnexpectedEOF, d.received-limited.N)}
	}
	if d.digest != nil && !d.digest.same(again) {
		return d.fail(fmt.Errorf("the file has changed: its first %d bytes are not those that came before", d.received))
	}
	return nil
}

// take reads, writes and hashes the next chunk.
func (d *download) take(body io.Reader) (more bool, err error) {
	buffer := <-d.buffers
	if buffer == nil {
		buffer = make([]byte, chunk)
	}
	n, reading := 0, error(nil)
	for n < len(buffer) && reading == nil {
		var read int
		read, reading = body.Read(buffer[n:])
		n += read
	}
	if d.total >= 0 && d.received+int64(n) > d.total {
		d.buffers <- buffer
		return false, d.fail(fmt.Errorf("more than the %d bytes that the service has announced", d.total))
	}
	if err := d.keep(buffer, n); err != nil {
		return false, err
	}
	d.report(false)
	switch {
	case reading == nil:
		return true, nil
	case !errors.Is(reading, io.EOF):
		return false, &brokenError{reading}
	case d.received < d.total:
		return false, &brokenError{io.ErrUnexpectedEOF}
	default:
		return false, nil
	}
}

// keep writes n bytes of buffer and hands it to the digest, which gives it back.
func (d *download) keep(buffer []byte, n int) error {
	written, err := d.sink.Write(buffer[:n])
	if err == nil && written < n {
		err = io.ErrShortWrite
	}
	if err != nil {
		d.buffers <- buffer
		return d.fail(err)
	}
	d.received += int64(n)
	if d.digest == nil {
		d.buffers <- buffer
		return nil
	}
	d.digest.add(buffer, n)
	return nil
}

// finish verifies what came and gives it its name.
func (d *download) finish() error {
	d.done.Bytes = d.received
	if d.digest != nil {
		got := d.digest.sum()
		d.done.Checksum = d.want.format(got)
		if !d.want.matches(got) {
			return &drkit.ChecksumError{
				Operation: d.name, OperationID: d.id, Want: d.want.format(d.want.sum), Got: d.done.Checksum, Bytes: d.received,
			}
		}
		d.done.Verified = true
	}
	d.report(true)
	var err error
	if d.done.Path, err = d.sink.commit(); err != nil {
		return d.fail(err)
	}
	return nil
}

func (d *download) report(last bool) {
	if d.settings.OnProgress == nil {
		return
	}
	if now := time.Now(); last || now.Sub(d.reported) >= reportEvery {
		d.reported = now
		d.settings.OnProgress(d.received, d.total)
	}
}

// after says how far the download had come before a request for the rest of it failed.
func (d *download) after(err error) error {
	if d.received == 0 {
		return err
	}
	return fmt.Errorf("after %s: %w", d.progress(), err)
}

// fail is the end of a download for a reason that another connection would not mend.
func (d *download) fail(err error) error { return fmt.Errorf("%s: %w", d.name, err) }

// broken is the end of a download whose connections keep breaking, or that was ended from our side.
func (d *download) broken(cause error) error {
	e := &drkit.Error{
		Operation: d.name, Method: d.call.Operation.Method, Path: d.path, OperationID: d.id,
		Message: "the download broke off after " + d.progress(), Err: cause,
	}
	if !permanent(cause) && !errors.Is(cause, context.Canceled) {
		e.Kind = drkit.ErrUnavailable
	}
	return e
}

func (d *download) progress() string {
	if d.total < 0 {
		return fmt.Sprintf("%d bytes", d.received)
	}
	return fmt.Sprintf("%d of %d bytes", d.received, d.total)
}

func (d *download) logBroken(ctx context.Context, cause error) {
	d.client.settings.Logger.LogAttrs(ctx, slog.LevelWarn, "resuming download",
		slog.String("operation", d.name), slog.String("operation_id", d.id),
		slog.Int64("received", d.received), slog.Int64("total", d.total), slog.String("error", cause.Error()))
}
