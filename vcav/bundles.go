package vcav

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// SupportBundles are archives of the logs and the configuration of an appliance, for the vendor's support.
type SupportBundles struct{ at place }

// List returns the bundles that can be downloaded. It is safe to repeat.
//
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "List the Available to Download Support Bundles".
func (b *SupportBundles) List(ctx context.Context) ([]SupportBundle, error) {
	var bundles []SupportBundle
	err := b.at.do(ctx, transport.Call{Operation: &contract.SupportBundlesList}, &bundles)
	return bundles, err
}

// Generate collects a bundle under an id that the appliance chooses. It returns once the service has accepted
// the task; the result names the bundle. The request is sent at most once.
//
// Errors: [drkit.ErrOutcomeUnknown] if the answer was lost and List does not show the one new bundle, once the
// tasks that may be generating it have ended.
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Generate a Support Bundle".
func (b *SupportBundles) Generate(ctx context.Context) (*drkit.Poller[SupportBundle], error) {
	return start[SupportBundle](ctx, b.at, transport.Call{Operation: &contract.SupportBundlesGenerate})
}

// GenerateWithID collects a bundle under an id that the caller chooses, a UUID. It returns once the service
// has accepted the task; the result is the bundle. The request is sent at most once.
//
// Errors: [drkit.ErrConflict] while it is being generated; [drkit.ErrOutcomeUnknown] if the answer was lost and
// neither task nor List tells what came of it.
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Generate a Support Bundle with an ID".
func (b *SupportBundles) GenerateWithID(ctx context.Context, id string) (*drkit.Poller[SupportBundle], error) {
	return start[SupportBundle](ctx, b.at, transport.Call{Operation: &contract.SupportBundlesGenerateWithID, Path: []string{id}})
}

// Delete removes a bundle. It returns once the service has accepted the task; the result is the bundle that
// was there. The request is sent at most once.
//
// Errors: [drkit.ErrNotFound]; [drkit.ErrOutcomeUnknown] if the answer was lost and List still shows the bundle.
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Delete a Support Bundle".
func (b *SupportBundles) Delete(ctx context.Context, id string) (*drkit.Poller[SupportBundle], error) {
	return start[SupportBundle](ctx, b.at, transport.Call{Operation: &contract.SupportBundlesDelete, Path: []string{id}})
}

// CreateCookie makes a cookie with which somebody without a session can download a bundle, once. The request
// is sent at most once; a cookie that nobody uses does no harm, so it may be asked for again.
//
// Errors: [drkit.ErrNotFound]; [drkit.ErrOutcomeUnknown] if the answer was lost.
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Generate a Support Bundle with an ID", the request after it.
func (b *SupportBundles) CreateCookie(ctx context.Context, id string) (drkit.Secret, error) {
	var answer struct{ Cookie string }
	call := transport.Call{Operation: &contract.SupportBundlesCreateCookie, Path: []string{id}, Check: func() error {
		return needs("download permit", "cookie", answer.Cookie)
	}}
	if err := b.at.do(ctx, call, &answer); err != nil {
		return drkit.Secret{}, err
	}
	cookie := drkit.NewSecret(answer.Cookie)
	b.at.client.transport.Hide(cookie)
	return cookie, nil
}

// Download takes a bundle in whole, which is an archive of type tar.bz2. A connection that breaks is resumed
// where it broke, any number of times as long as each brings something, and what came is held against the
// checksum that List shows, or the one given with [drkit.WithChecksum]. The time-out of an attempt limits each
// wait for more of the bundle, and not the download. It is safe to repeat.
//
//	done, err := client.SupportBundles.Download(ctx, bundle.ID, drkit.ToDirectory("."), drkit.OnDownload(bar.Set))
//
// Errors: [drkit.ErrNotFound] if there is no such bundle; [drkit.ErrChecksum] if it is not what was published;
// [drkit.ErrUnavailable] if connections keep breaking before they bring anything; those of the file system.
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Download a Support Bundle".
func (b *SupportBundles) Download(ctx context.Context, id string, to drkit.Target, options ...drkit.DownloadOption) (drkit.Download, error) {
	call := transport.Call{Operation: &contract.SupportBundlesDownload, Path: []string{id}}
	published := func(ctx context.Context) (string, error) { return b.checksum(ctx, id) }
	return b.at.client.transport.Download(ctx, call, published, slices.Concat([]drkit.DownloadOption{to}, options))
}

// DownloadWithCookie is Download without a session, for who has been given a cookie that CreateCookie made.
// Nothing is verified unless [drkit.WithChecksum] says by what, since the list is closed to them. The cookie
// serves for one download; whether a broken one can be resumed with it is not documented, but tried.
//
// Errors: as Download; what the service says to a cookie that was used is not documented.
// Source: Cloud Director Availability API guide, "Download a Support Bundle", the request after it.
func (b *SupportBundles) DownloadWithCookie(ctx context.Context, id string, cookie drkit.Secret, to drkit.Target, options ...drkit.DownloadOption) (drkit.Download, error) {
	if cookie.IsZero() {
		return drkit.Download{}, errors.New("vcav.SupportBundles.DownloadWithCookie: the cookie is empty")
	}
	b.at.client.transport.Hide(cookie)
	call := transport.Call{
		Operation: &contract.SupportBundlesDownloadWithCookie, Path: []string{id},
		Query: struct {
			Cookie string `url:"cookie"`
		}{cookie.Reveal()},
	}
	return b.at.client.transport.Download(ctx, call, nil, slices.Concat([]drkit.DownloadOption{to}, options))
}

// checksum returns what List shows for a bundle.
func (b *SupportBundles) checksum(ctx context.Context, id string) (string, error) {
	bundles, err := b.List(ctx)
	if err != nil {
		return "", fmt.Errorf("looking for the checksum: %w", err)
	}
	for _, bundle := range bundles {
		if bundle.ID != id {
			continue
		}
		if bundle.SHA == "" {
			return "", fmt.Errorf("bundle %s has no checksum to verify it by: WithoutChecksum takes it as it comes", plain(id))
		}
		return bundle.SHA, nil
	}
	return "", fmt.Errorf("bundle %s is not in the list: %w", plain(id), drkit.ErrNotFound)
}
