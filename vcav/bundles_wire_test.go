package vcav_test

import (
	"bytes"
	"context"
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

const (
	bundlesPath  = "/diagnostics/bundles"
	downloadPath = bundlesPath + "/" + bundleID
	cookiePath   = bundlesPath + "/cookie/" + bundleID
)

// checksumOf is written as appliances do.
func checksumOf(content string) string {
	sum := sha512.Sum512([]byte(content))
	return "SHA-512:" + strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

// listed answers with a list that has one bundle.
func listed(id, sha string) httpmock.Responder {
	return httpmock.NewStringResponder(200, fmt.Sprintf(`[{"id":%q,"generatedOn":1794996008750,"sha":%q,"owner":"System@south"}]`, id, sha))
}

// A bundle is held against the checksum that the list shows. All of it goes by one operation ID.
func TestBundleIsVerified(t *testing.T) {
	t.Parallel()
	s, directory := newService(t), t.TempDir()
	s.on("GET", bundlesPath, listed(bundleID, checksumOf(archive)))
	s.on("GET", downloadPath, file(archive))
	var last drkit.DownloadProgress
	got, err := s.client().SupportBundles.Download(wire(t), bundleID, drkit.ToDirectory(directory),
		drkit.OnDownload(func(p drkit.DownloadProgress) { last = p }))
	require.NoError(t, err)
	size := int64(len(archive))
	assert.Equal(t, drkit.Download{
		Name: bundleName, Path: filepath.Join(directory, bundleName), Bytes: size, Checksum: checksumOf(archive), Verified: true,
	}, got)
	assert.Equal(t, drkit.DownloadProgress{Received: size, Total: size}, last)
	content, err := os.ReadFile(got.Path)
	require.NoError(t, err)
	assert.Equal(t, archive, string(content))

	require.Equal(t, []string{"GET " + bundlesPath, "GET " + downloadPath}, s.lines())
	id := s.all()[0].header.Get("operationID")
	assert.Regexp(t, uuid, id)
	assert.Equal(t, headers(givenToken, id, false), s.all()[0].header)
	want := headers(givenToken, id, false)
	want["Accept"], want["Accept-Encoding"] = []string{fileType}, []string{"identity"}
	assert.Equal(t, want, s.all()[1].header)
}

// What cannot be verified is not downloaded, unless the caller does without.
func TestBundleThatCannotBeVerified(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		list httpmock.Responder
		kind error
		text string
	}{
		"is not there":  {listed("another", checksumOf(archive)), drkit.ErrNotFound, "bundle " + bundleID + " is not in the list"},
		"none is there": {httpmock.NewStringResponder(200, `[]`), drkit.ErrNotFound, "is not in the list"},
		"no checksum":   {httpmock.NewStringResponder(200, `[{"id":"`+bundleID+`","sha":null}]`), nil, "bundle " + bundleID + " has no checksum to verify it by: WithoutChecksum takes it as it comes"},
		"half of one":   {answer(t, 200, "support_bundles_list.answer"), nil, `checksum "SHA-512:9B:71:D2:24:BD:62:F3:78": not 64 bytes in hexadecimal`},
		"another kind":  {listed(bundleID, "MD5:00"), nil, "neither SHA-512 nor SHA-256"},
		"forbidden":     {answer(t, 403, "error_forbidden"), drkit.ErrForbidden, "looking for the checksum: vcav.SupportBundles.List: 403 Forbidden"},
		"no list":       {httpmock.NewStringResponder(200, `{"status":"ok"}`), nil, "looking for the checksum: vcav.SupportBundles.List"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, directory := newService(t), t.TempDir()
			s.on("GET", bundlesPath, tc.list)
			s.on("GET", downloadPath, file(archive))
			_, err := s.client().SupportBundles.Download(wire(t), bundleID, drkit.ToDirectory(directory))
			require.ErrorContains(t, err, tc.text)
			require.True(t, strings.HasPrefix(err.Error(), "vcav.SupportBundles.Download: "), err)
			checkErrorText(t, err)
			if tc.kind != nil {
				require.ErrorIs(t, err, tc.kind)
			}
			assert.Equal(t, []string{"GET " + bundlesPath}, s.lines())

			for _, option := range []drkit.DownloadOption{drkit.WithoutChecksum(), drkit.WithChecksum(checksumOf(archive))} {
				_, err = s.client().SupportBundles.Download(wire(t), bundleID, drkit.ToDirectory(directory), option)
				require.NoError(t, err)
			}
			assert.Equal(t, []string{"GET " + bundlesPath, "GET " + downloadPath, "GET " + downloadPath}, s.lines())
		})
	}
}

func TestBundleThatIsNotWhatWasPublished(t *testing.T) {
	t.Parallel()
	s, directory := newService(t), t.TempDir()
	s.on("GET", bundlesPath, listed(bundleID, checksumOf("another")))
	s.on("GET", downloadPath, file(archive))
	_, err := s.client().SupportBundles.Download(drkit.WithOperationID(wire(t), "op-1"), bundleID, drkit.ToDirectory(directory))
	var mismatch *drkit.ChecksumError
	require.ErrorAs(t, err, &mismatch)
	require.ErrorIs(t, err, drkit.ErrChecksum)
	assert.Equal(t, &drkit.ChecksumError{
		Operation: "vcav.SupportBundles.Download", OperationID: "op-1",
		Want: checksumOf("another"), Got: checksumOf(archive), Bytes: int64(len(archive)),
	}, mismatch)
	entries, err := os.ReadDir(directory)
	require.NoError(t, err)
	assert.Empty(t, entries)
}

// A download goes on where it broke off, with and without a session.
func TestBundleIsResumed(t *testing.T) {
	t.Parallel()
	const at = 17
	broken := func(r *http.Request) (*http.Response, error) {
		response, err := file(archive)(r)
		response.Body = io.NopCloser(io.MultiReader(strings.NewReader(archive[:at]), iotest.ErrReader(errors.New("connection reset by peer"))))
		return response, err
	}
	rest := func(r *http.Request) (*http.Response, error) {
		response, err := file(archive[at:])(r)
		response.StatusCode = http.StatusPartialContent
		response.Header.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", at, len(archive)-1, len(archive)))
		return response, err
	}
	for _, tc := range bundleCases() {
		if tc.file == "" {
			continue
		}
		for name, trouble := range map[string]httpmock.Responder{
			"at once": rest, "after a reset": httpmock.NewErrorResponder(errors.New("connection reset by peer")), "after a gateway": page(502),
		} {
			t.Run(tc.operation+"/"+name, func(t *testing.T) {
				bubble(t, func(t *testing.T) {
					s, client := tc.layOut(t, broken)
					method, path, _ := strings.Cut(tc.request, " ")
					s.on(method, path, broken, trouble, rest)
					got, err := tc.run(drkit.WithOperationID(wire(t), "op-1"), here(client))
					require.NoError(t, err)
					want := wholeArchive()
					want.Download.Resumed = 1
					assert.Equal(t, want, got)
					first, again := tc.headers("op-1"), tc.headers("op-1")
					again.Set("Range", fmt.Sprintf("bytes=%d-", at))
					for i, request := range s.all() {
						assert.Equal(t, tc.line(""), request.line)
						assert.Equal(t, first, request.header, i)
						first = again
					}
				})
			})
		}
	}
}

// Without an id or a cookie nothing is sent, and nothing is written.
func TestDownloadThatIsNotSent(t *testing.T) {
	t.Parallel()
	cookie := drkit.NewSecret(bundleCookie)
	for text, call := range map[string]func(b *vcav.SupportBundles, to drkit.Target) error{
		"vcav.SupportBundles.Download: bundleId is empty": func(b *vcav.SupportBundles, to drkit.Target) error {
			_, err := b.Download(context.Background(), "", to)
			return err
		},
		"vcav.SupportBundles.DownloadWithCookie: bundleId is empty": func(b *vcav.SupportBundles, to drkit.Target) error {
			_, err := b.DownloadWithCookie(context.Background(), "", cookie, to)
			return err
		},
		"vcav.SupportBundles.DownloadWithCookie: the cookie is empty": func(b *vcav.SupportBundles, to drkit.Target) error {
			_, err := b.DownloadWithCookie(context.Background(), bundleID, drkit.Secret{}, to)
			return err
		},
		"vcav.SupportBundles.Download: the target of the download is empty: use ToWriter, ToFile or ToDirectory": func(b *vcav.SupportBundles, _ drkit.Target) error {
			_, err := b.Download(context.Background(), bundleID, drkit.Target{})
			return err
		},
		"vcav.SupportBundles.Download: the download has two targets": func(b *vcav.SupportBundles, to drkit.Target) error {
			_, err := b.Download(context.Background(), bundleID, to, to)
			return err
		},
		"vcav.SupportBundles.DownloadWithCookie: option is nil": func(b *vcav.SupportBundles, to drkit.Target) error {
			_, err := b.DownloadWithCookie(context.Background(), bundleID, cookie, to, nil)
			return err
		},
		"vcav.SupportBundles.Download: WithChecksum and WithoutChecksum contradict each other": func(b *vcav.SupportBundles, to drkit.Target) error {
			_, err := b.Download(context.Background(), bundleID, to, drkit.WithoutChecksum(), drkit.WithChecksum("SHA-512:00"))
			return err
		},
	} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			s, directory := newService(t), t.TempDir()
			require.EqualError(t, call(s.client().SupportBundles, drkit.ToDirectory(directory)), text)
			assert.Empty(t, s.lines())
			entries, err := os.ReadDir(directory)
			require.NoError(t, err)
			assert.Empty(t, entries)
		})
	}
}

// A download with a cookie needs neither session nor sign-in, and nothing of the client's own goes along.
func TestDownloadWithCookieNeedsNoSession(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", cookiePath+"?cookie="+escapedCookie, file(archive))
	var written bytes.Buffer
	client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
	got, err := client.SupportBundles.DownloadWithCookie(wire(t), bundleID, drkit.NewSecret(bundleCookie),
		drkit.ToWriter(&written), drkit.WithChecksum(checksumOf(archive)))
	require.NoError(t, err)
	assert.True(t, got.Verified)
	assert.Equal(t, archive, written.String())
	assert.Equal(t, []string{"GET " + cookiePath + "?cookie=" + escapedCookie}, s.lines())
	assert.NotContains(t, s.all()[0].header, "X-Vcav-Auth")
}

// The version that an option asks for is that of downloads, too.
func TestVersionOfADownload(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", downloadPath, file(archive))
	_, err := s.client(vcav.WithAPIVersion("4.0")).SupportBundles.Download(wire(t), bundleID, drkit.ToWriter(io.Discard), drkit.WithoutChecksum())
	require.NoError(t, err)
	assert.Equal(t, "application/vnd.vmware.h4-v4.0+octet-stream;charset=UTF-8", s.only().header.Get("Accept"))
}

// A client that must not change anything may download.
func TestReadOnlyClientDownloads(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", bundlesPath, listed(bundleID, checksumOf(archive)))
	s.on("GET", downloadPath, file(archive))
	client := s.client(drkit.WithReadOnly())
	_, err := client.SupportBundles.Download(wire(t), bundleID, drkit.ToWriter(io.Discard))
	require.NoError(t, err)
	_, err = client.SupportBundles.CreateCookie(wire(t), bundleID)
	require.ErrorIs(t, err, drkit.ErrReadOnly)
	_, err = client.SupportBundles.Generate(wire(t))
	require.ErrorIs(t, err, drkit.ErrReadOnly)
	assert.Len(t, s.lines(), 2)
}

// A cookie opens a bundle to whoever has it. It shows nowhere: not in what is observed, not in records, not
// in errors of any kind, also where a service or a proxy repeats it.
func TestCookieKeepsItsSecret(t *testing.T) {
	t.Parallel()
	for name, trouble := range map[string]httpmock.Responder{
		"refused":    echo(401, vcav.CodeNotAuthenticated, bundleCookie, escapedCookie),
		"a failure":  echo(500, "X", bundleCookie, escapedCookie),
		"redirected": withHeader(httpmock.NewStringResponder(302, ""), "Location", "https://elsewhere.example.com/?cookie="+escapedCookie),
		"no answer":  httpmock.NewErrorResponder(errors.New(`Get "` + appliance + cookiePath + "?cookie=" + escapedCookie + `": EOF`)),
		"encoded":    withHeader(file(archive), "Content-Encoding", bundleCookie),
		"a part":     status(206, withHeader(file(archive), "Content-Range", bundleCookie)),
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				s, d := newService(t), &diary{}
				s.on("POST", cookiePath, answer(t, 202, "support_bundles_create_cookie.answer"))
				s.on("GET", cookiePath+"?cookie="+escapedCookie, trouble)
				client := s.client(drkit.WithLogger(d.logger()))
				ctx := drkit.OnResponse(wire(t), func(r drkit.Response) { d.print(string(r.Body), r.Header) })
				cookie, err := client.SupportBundles.CreateCookie(ctx, bundleID)
				require.NoError(t, err)
				assert.Equal(t, bundleCookie, cookie.Reveal())
				_, err = client.SupportBundles.DownloadWithCookie(ctx, bundleID, cookie, drkit.ToWriter(io.Discard))
				require.Error(t, err)
				d.print(cookie, err)
				assertKept(t, d.String(), bundleCookie, escapedCookie)
				assert.Contains(t, d.String(), "[redacted]")
			})
		})
	}
}
