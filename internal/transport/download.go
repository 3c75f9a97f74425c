package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
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
// published returns the checksum to hold the file against, where the caller has not settled that. Nothing is
// sent before the target is there to be written to.
//
// Errors: those of [Client.Do]; *drkit.ChecksumError; what is wrong with the options or with the target.
func (c *Client) Download(ctx context.Context, call Call, published func(context.Context) (string, error), options []drkit.DownloadOption) (done drkit.Download, err error) {
	ctx, id, err := c.Name(ctx)
	d := &download{client: c, call: call, name: c.config.Service + "." + call.Operation.Name, id: id, total: -1}
	if err == nil {
		d.path, err = expand(call.Operation.Path, call.Path, c.place.parameter)
	}
	if err == nil {
		defer func() { err = d.close(err) }() // also if a function of the caller panics
		err = d.prepare(ctx, published, options)
	}
	if err != nil {
		return drkit.Download{}, fmt.Errorf("%s: %w", d.name, err)
	}
	if err := d.run(ctx); err != nil {
		return drkit.Download{}, err
	}
	return d.done, nil
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
	total     int64  // -1 while it is not known
	validator string // strong entity tag, or empty
	placed    bool   // an answer has said what the file is called
	reported  time.Time
	done      drkit.Download
}

// prepare finds out all that can be known before the file is asked for.
func (d *download) prepare(ctx context.Context, published func(context.Context) (string, error), options []drkit.DownloadOption) error {
	for _, option := range options {
		if option == nil {
			return errors.New("option is nil")
		}
		if err := option.ApplyDownload(&d.settings); err != nil {
			return err
		}
	}
	if d.settings.Target == (settings.Target{}) {
		return errors.New("the download has no target")
	}
	err := d.verifyBy(d.settings.Checksum)
	if err != nil {
		return err
	}
	if d.sink, err = newSink(d.settings.Target); err != nil {
		return err
	}
	if d.want.hash == nil && !d.settings.NoChecksum && published != nil {
		sum, err := published(ctx)
		if err == nil {
			err = d.verifyBy(sum)
		}
		if err != nil {
			return err
		}
	}
	d.buffers = make(chan []byte, 4)
	for range cap(d.buffers) {
		d.buffers <- nil // made when first needed
	}
	if d.want.hash != nil {
		d.digest = newDigest(d.want.hash(), d.buffers)
	}
	return nil
}

// verifyBy takes the checksum to hold the file against; an empty one is none.
func (d *download) verifyBy(sum string) (err error) {
	if sum != "" {
		d.want, err = parseChecksum(sum)
	}
	return err
}

// close gives back what the download holds, and removes what there is of a file that has not become whole.
func (d *download) close(err error) error {
	if d.digest != nil {
		d.digest.close()
	}
	if left := d.sink.discard(); left != nil {
		err = fmt.Errorf("%w; its temporary file is still there: %w", err, left)
	}
	return err
}

// run takes in the whole file, over as many connections as it needs.
func (d *download) run(ctx context.Context) error {
	for failures := 0; ; {
		before := d.received
		err := d.attempt(ctx)
		var broken *brokenError
		breaks := errors.As(err, &broken)
		switch {
		case err == nil, breaks && d.received == d.total: // nothing is missing, however the connection ended
			return d.finish(ctx)
		case !breaks:
			return err
		}
		if ended := d.client.ended(ctx); ended != nil {
			return d.failed(ended)
		}
		if failures++; d.received > before {
			failures = 1
		}
		if failures >= d.client.settings.Retry.Attempts {
			unavailable := d.failed(broken.err)
			unavailable.Kind = drkit.ErrUnavailable
			return unavailable
		}
		d.logBroken(ctx, broken)
		if err := d.client.pause(ctx, failures-1); err != nil {
			return d.failed(err)
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
		return d.refused(answer, err)
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
func (d *download) refused(answer Answer, err error) error {
	end, said := rangeBeyond(answer.Header("Content-Range"))
	switch {
	case d.received == 0:
		return err
	case answer.Status != http.StatusRequestedRangeNotSatisfiable || !said:
		return fmt.Errorf("%w; %s had come", err, d.progress())
	case d.total < 0 && end == d.received:
		return nil
	default:
		return d.failed(fmt.Errorf("the file has changed: it has %d bytes", end))
	}
}

// place finds out which part of the file an answer holds, and moves to where the last one broke.
func (d *download) place(body io.Reader, answer Answer) error {
	total, err := d.offered(answer)
	if err == nil {
		err = isFile(answer)
	}
	if err == nil {
		err = d.learn(answer, total)
	}
	if err == nil && !d.placed {
		d.done.Name, d.placed = fileName(answer.Header("Content-Disposition")), true
		err = d.sink.call(d.done.Name)
	}
	if err != nil {
		return d.failed(d.client.clean(err)) // it may repeat a header
	}
	if answer.Status == http.StatusPartialContent || d.received == 0 {
		return nil
	}
	return d.skip(body)
}

// learn takes what an answer says of the file, and refuses one that is not that of which a part is there.
func (d *download) learn(answer Answer, total int64) error {
	tag := answer.Header("ETag")
	if !strings.HasPrefix(tag, `"`) {
		tag = "" // a weak one does not tell bytes apart
	}
	switch {
	case d.received > 0 && tag != "" && d.validator != "" && tag != d.validator:
		return fmt.Errorf("the file has changed: its entity tag is %s instead of %s", tag, d.validator)
	case d.received > 0 && total >= 0 && d.total >= 0 && total != d.total:
		return fmt.Errorf("the file has changed: it has %d bytes instead of %d", total, d.total)
	case total >= 0 && total < d.received:
		return fmt.Errorf("the file has changed: it has %d bytes, and %d have come", total, d.received)
	case total >= 0 || d.received == 0:
		d.total = total
	}
	if tag != "" || d.received == 0 {
		d.validator = tag
	}
	return nil
}

// offered returns the length of the whole file that an answer belongs to, or -1 where it does not say.
func (d *download) offered(answer Answer) (int64, error) {
	switch answer.Status {
	case http.StatusOK:
		return answer.Length, nil
	case http.StatusPartialContent:
	default:
		return 0, fmt.Errorf("status %d is no answer to a download", answer.Status)
	}
	first, total, err := contentRange(answer.Header("Content-Range"))
	if err == nil && first != d.received {
		err = fmt.Errorf("the service goes on at byte %d instead of %d", first, d.received)
	}
	return total, err
}

// isFile refuses what cannot be a file as it lies on the server.
func isFile(answer Answer) error {
	if encoding := answer.Header("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return fmt.Errorf("the file comes encoded (%s), which was not asked for", encoding)
	}
	kind, _, _ := mime.ParseMediaType(answer.Header("Content-Type"))
	if kind == "text/html" || kind == "application/json" || strings.HasSuffix(kind, "+json") {
		return fmt.Errorf("the answer is no file (%s)", kind) // of a proxy, or words of the service
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
		return d.failed(fmt.Errorf("the file has changed: its first %d bytes are not those that came before", d.received))
	}
	return nil
}

// take reads, writes and hashes the next chunk.
func (d *download) take(body io.Reader) (more bool, err error) {
	buffer := <-d.buffers
	if buffer == nil {
		buffer = make([]byte, chunk)
	}
	n, reading := fill(buffer, body)
	if d.total >= 0 && d.received+int64(n) > d.total {
		d.buffers <- buffer
		return false, d.failed(fmt.Errorf("more than the %d bytes that the service has announced", d.total))
	}
	if err := d.keep(buffer, n); err != nil {
		return false, err
	}
	switch {
	case reading == nil:
		d.report(false)
		return true, nil
	case !errors.Is(reading, io.EOF):
		return false, &brokenError{reading}
	case d.received < d.total:
		return false, &brokenError{io.ErrUnexpectedEOF}
	default:
		return false, nil
	}
}

// fill reads until the buffer is full, unless bytes come so slowly that what there is should not wait.
func fill(buffer []byte, body io.Reader) (n int, err error) {
	began := time.Now()
	for n < len(buffer) && err == nil && (n == 0 || time.Since(began) < reportEvery) {
		var read int
		read, err = body.Read(buffer[n:])
		n += read
	}
	return n, err
}

// keep writes n bytes of buffer and hands it to the digest, which gives it back.
func (d *download) keep(buffer []byte, n int) error {
	var err error
	written := 0
	if n > 0 {
		written, err = d.sink.Write(buffer[:n])
	}
	if err == nil && written != n {
		err = io.ErrShortWrite
	}
	if err != nil {
		d.buffers <- buffer
		return d.failed(err)
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
func (d *download) finish(ctx context.Context) error {
	if ended := d.client.ended(ctx); ended != nil { // a server that sees it may end the file there
		return d.failed(ended)
	}
	d.done.Bytes, d.total = d.received, d.received
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
	path, err := d.sink.commit()
	if err != nil {
		return d.failed(err)
	}
	d.done.Path = path
	d.report(true)
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

// failed is the end of a download for a reason that another connection would not mend.
func (d *download) failed(cause error) *drkit.Error {
	return &drkit.Error{
		Operation: d.name, Method: d.call.Operation.Method, Path: d.path, OperationID: d.id,
		Message: "the download broke off after " + d.progress(), Err: cause,
	}
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
