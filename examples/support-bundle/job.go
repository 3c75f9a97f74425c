package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// job is what to do with which bundle, printed as it happens.
type job struct {
	client    *vcav.Client
	out       io.Writer
	list      bool
	id        string // empty: make one
	directory string
	remove    bool
}

func (j *job) run(ctx context.Context) error {
	if _, err := os.Stat(j.directory); err != nil && !j.list {
		return err // to be known before the appliance has worked for minutes
	}
	session, err := j.client.Sessions.SignIn(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(j.out, "signed in as %s %v\n", session.User, session.Roles)
	if j.list {
		return j.show(ctx)
	}
	id := j.id
	if id == "" {
		id = newID()
		if err := j.make(ctx, id); err != nil {
			return err
		}
	}
	if err := j.download(ctx, id); err != nil {
		return err
	}
	if j.remove {
		return j.delete(ctx, id)
	}
	return nil
}

// show lists the bundles that are there.
func (j *job) show(ctx context.Context) error {
	bundles, err := j.client.SupportBundles.List(ctx)
	if err != nil {
		return err
	}
	for _, bundle := range bundles {
		fmt.Fprintf(j.out, "  %s  %s  %s\n", bundle.ID, bundle.GeneratedOn.Local().Format(time.DateTime), bundle.Owner)
	}
	fmt.Fprintf(j.out, "%d bundle(s)\n", len(bundles))
	return nil
}

// make lets the appliance collect a bundle under an id of ours. Whatever becomes of the wait, it can then be
// found. An answer that is lost is the client's business, unless there is no trace of the bundle.
func (j *job) make(ctx context.Context, id string) error {
	fmt.Fprintf(j.out, "collecting bundle %s\n", id)
	poller, err := j.client.SupportBundles.GenerateWithID(ctx, id)
	if err == nil {
		_, err = poller.Wait(ctx, drkit.OnProgress(func(p drkit.Progress) {
			fmt.Fprintf(j.out, "  %-9s %3d %%\n", p.State, p.Percent)
		}))
	}
	var failed *drkit.TaskError
	if errors.Is(err, drkit.ErrOutcomeUnknown) || err != nil && poller != nil && !errors.As(err, &failed) {
		return fmt.Errorf("%w; once -list shows it, download it with -id %s, or run this again for another one", err, id)
	}
	return err
}

// download fetches a bundle and verifies it by the checksum that the appliance publishes.
func (j *job) download(ctx context.Context, id string) error {
	began, shown := time.Now(), int64(-1)
	done, err := j.client.SupportBundles.Download(ctx, id, drkit.ToDirectory(j.directory), drkit.OnDownload(func(p drkit.DownloadProgress) {
		if tenth := tenths(p); tenth > shown {
			shown = tenth
			fmt.Fprintf(j.out, "  %3d %%  %s\n", 10*tenth, megabytes(p.Received))
		}
	}))
	if err != nil {
		return err
	}
	fmt.Fprintf(j.out, "%s\n  %s in %s; the connection broke %d time(s)\n  %s, as published\n", done.Path,
		megabytes(done.Bytes), time.Since(began).Round(10*time.Millisecond), done.Resumed, done.Checksum)
	return nil
}

// delete frees the space that a bundle takes on the appliance.
func (j *job) delete(ctx context.Context, id string) error {
	poller, err := j.client.SupportBundles.Delete(ctx, id)
	if err == nil {
		_, err = poller.Wait(ctx)
	}
	if err == nil {
		fmt.Fprintf(j.out, "deleted bundle %s\n", id)
	}
	return err
}

// tenths returns how far a download has come, and 0 for one whose length is not known.
func tenths(p drkit.DownloadProgress) int64 {
	if p.Total <= 0 {
		return 0
	}
	return 10 * p.Received / p.Total
}

func megabytes(bytes int64) string { return fmt.Sprintf("%.1f MB", float64(bytes)/1e6) }

// newID returns a random UUID.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
