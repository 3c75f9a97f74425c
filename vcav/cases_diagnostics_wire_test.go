package vcav_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// The wire cases of diagnostics and support bundles.

const (
	bundleID   = "c7e1952b-84fd-4063-9ab8-2d0f6e51a73c"
	newID      = "d19b7c60-5f2e-4e83-a0c4-83f61e9d27b5"
	bundleName = "cloud-bundle-" + bundleID + "-2026-11-18_10-00-08_UTC.tar.bz2"
	archive    = "an archive of logs and configuration, or so one has to think"
	fileType   = "application/vnd.vmware.h4-v4.1+octet-stream;charset=UTF-8"

	// Cookies are base64, whose signs mean something else in a query.
	bundleCookie  = "b25l+dGltZS9jb29raWU="
	escapedCookie = "b25l%2BdGltZS9jb29raWU%3D"
)

var bundleNotFound = refusal{
	status: 404, sample: "error_bundle_not_found", code: "SupportBundleNotFound",
	message: "There is no bundle " + bundleID + ".", args: []string{bundleID}, kind: drkit.ErrNotFound,
}

func diagnosticsCases() []wireCase {
	cases := []wireCase{
		{
			operation: "Diagnostics.About", request: "GET /diagnostics/about",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Diagnostics.About(ctx) },
			status: 200, answer: "diagnostics_about.answer", want: about(), refusal: forbidden,
		},
		{
			operation: "Diagnostics.IsConfigured", request: "GET /config/is-configured",
			call:   func(ctx context.Context, r resources) (any, error) { return r.Diagnostics.IsConfigured(ctx) },
			status: 200, answer: "diagnostics_is_configured.answer", want: true, refusal: notAuthenticated,
		},
	}
	for kind, id := range map[string]string{
		"answer":     "d5e7c210-8f36-4a9b-b0d4-17c92e6f85a3",
		"well":       "71b0f9c4-2e58-4d6a-93c7-a85f0d1e4b26",
		"running":    "3c9d10f7-65be-4a28-8f02-e1d74b96a5c3",
		"nested":     "e8a47c05-2b9d-4f61-93d8-c05f1e7a6b24",
		"before_4_1": "health of " + about().InstanceID,
	} {
		cases = append(cases, wireCase{
			operation: "Diagnostics.Health", kind: kind, request: "GET /diagnostics/health",
			begin:  func(ctx context.Context, r resources) (follower, error) { return begun(r.Diagnostics.Health(ctx)) },
			status: 200, answer: "diagnostics_health." + kind, want: taskOf(id), done: healths()[kind], refusal: forbidden,
		})
	}
	return cases
}

func bundleCases() []wireCase {
	return []wireCase{
		{
			operation: "SupportBundles.List", request: "GET /diagnostics/bundles",
			call:   func(ctx context.Context, r resources) (any, error) { return r.SupportBundles.List(ctx) },
			status: 200, answer: "support_bundles_list.answer", want: bundles(), refusal: forbidden,
		},
		{
			operation: "SupportBundles.Generate", request: "POST /diagnostics/bundles",
			begin:  func(ctx context.Context, r resources) (follower, error) { return begun(r.SupportBundles.Generate(ctx)) },
			status: 202, answer: "support_bundles_generate.answer",
			want: taskOf("2c84f1d6-7be0-49a5-b3d9-60e5a17c8f42"), refusal: forbidden,
		},
		{
			operation: "SupportBundles.GenerateWithID", request: "POST /diagnostics/bundles/" + newID,
			begin: func(ctx context.Context, r resources) (follower, error) {
				return begun(r.SupportBundles.GenerateWithID(ctx, newID))
			},
			status: 202, answer: "support_bundles_generate_with_id.answer",
			want: taskOf("9f35d0a8-c6e2-4b71-8d14-e7b2906fc3a5"), refusal: conflict,
		},
		{
			operation: "SupportBundles.Delete", request: "DELETE /diagnostics/bundles/" + bundleID,
			begin: func(ctx context.Context, r resources) (follower, error) {
				return begun(r.SupportBundles.Delete(ctx, bundleID))
			},
			status: 202, answer: "support_bundles_delete.answer",
			want: taskOf("e06a38c5-1d9f-4f82-97b0-c4d25b7e8f13"), done: bundles()[0], refusal: bundleNotFound,
		},
		{
			operation: "SupportBundles.CreateCookie", request: "POST /diagnostics/bundles/cookie/" + bundleID,
			call: func(ctx context.Context, r resources) (any, error) {
				return r.SupportBundles.CreateCookie(ctx, bundleID)
			},
			status: 202, answer: "support_bundles_create_cookie.answer", want: drkit.NewSecret(bundleCookie), refusal: bundleNotFound,
		},
		{
			operation: "SupportBundles.Download", request: "GET /diagnostics/bundles/" + bundleID,
			call: func(ctx context.Context, r resources) (any, error) {
				return received(func(to drkit.Target) (drkit.Download, error) {
					return r.SupportBundles.Download(ctx, bundleID, to, drkit.WithoutChecksum())
				})
			},
			status: 200, file: archive, want: wholeArchive(), refusal: bundleNotFound,
		},
		{
			operation: "SupportBundles.DownloadWithCookie", request: "GET /diagnostics/bundles/cookie/" + bundleID,
			query: []string{"cookie=" + escapedCookie},
			call: func(ctx context.Context, r resources) (any, error) {
				return received(func(to drkit.Target) (drkit.Download, error) {
					return r.SupportBundles.DownloadWithCookie(ctx, bundleID, drkit.NewSecret(bundleCookie), to)
				})
			},
			status: 200, file: archive, want: wholeArchive(), refusal: notAuthenticated,
		},
	}
}

// downloaded is what a download has returned, and what it has written.
type downloaded struct {
	Download drkit.Download
	Written  string
}

func received(download func(to drkit.Target) (drkit.Download, error)) (any, error) {
	var written strings.Builder
	done, err := download(drkit.ToWriter(&written))
	return downloaded{done, written.String()}, err
}

func wholeArchive() downloaded {
	return downloaded{drkit.Download{Name: bundleName, Bytes: int64(len(archive))}, archive}
}

// file answers with a bundle.
func file(content string) httpmock.Responder {
	return func(r *http.Request) (*http.Response, error) {
		response := httpmock.NewStringResponse(http.StatusOK, content)
		response.Request, response.ContentLength = r, int64(len(content))
		response.Header = http.Header{
			"Content-Type": {"application/x-gtar"}, "Accept-Ranges": {"bytes"},
			"Content-Disposition": {fmt.Sprintf("inline; filename=%q", bundleName)},
		}
		return response, nil
	}
}

// reply gives the answer of a case.
func (c wireCase) reply(t testing.TB) httpmock.Responder {
	t.Helper()
	if c.file != "" {
		return file(c.file)
	}
	return answer(t, c.status, c.answer)
}

// headers are all that the request of a case has.
func (c wireCase) headers(operationID string) http.Header {
	token := givenToken
	if operationOf(c.operation).Anonymous {
		token = ""
	}
	h := headers(token, operationID, c.body != "")
	if c.file != "" {
		h["Accept"], h["Accept-Encoding"] = []string{fileType}, []string{"identity"}
	}
	return h
}

func bundles() []vcav.SupportBundle {
	return []vcav.SupportBundle{
		{ID: bundleID, GeneratedOn: millis(1794996008750), SHA: "SHA-512:9B:71:D2:24:BD:62:F3:78", Owner: "System@south"},
		{ID: "4ad86e03-b9f1-4c57-a62e-05d7c3f8912b", GeneratedOn: millis(1795040112300), SHA: "SHA-512:3C:0E:A7:55:19:F8:42:D6", Owner: "System@south"},
	}
}
