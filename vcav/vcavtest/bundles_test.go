package vcavtest_test

import (
	"context"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// bytesAccept is the Accept header of the guide's downloads.
const bytesAccept = "application/vnd.vmware.h4-v4.1+octet-stream;charset=UTF-8"

const bundleID = "2bfb7696-3aa1-49d3-bb40-d9e97df1baba"

const bundlesPath = "/diagnostics/bundles"

// parcel is a support bundle as answers show it.
type parcel struct {
	ID        string `json:"id"`
	Generated int64  `json:"generatedOn"`
	SHA       string `json:"sha"`
	Owner     string `json:"owner"`
}

// withBundle adds the bundle called bundleID, with a size that no power of two divides.
func withBundle() vcavtest.Option {
	return vcavtest.SupportBundles(vcavtest.SupportBundle{ID: bundleID, Size: 100_003})
}

func (g guest) parcels(t testing.TB) []parcel {
	t.Helper()
	return read[[]parcel](t, g.ask(t, http.StatusOK, "GET", bundlesPath, ""))
}

// fetch wants a status, and the headers of a download if it is one.
func (g guest) fetch(t testing.TB, want int, path string, headers ...string) reply {
	t.Helper()
	got, err := g.send(t.Context(), "GET", path, "", append([]string{"Accept", bytesAccept}, headers...)...)
	require.NoError(t, err)
	require.Equal(t, want, got.status)
	if got.status >= http.StatusBadRequest {
		requireContract(t, "GET", path, got)
		return got
	}
	assert.Equal(t, "application/x-gtar", got.header.Get("Content-Type"))
	assert.Equal(t, "bytes", got.header.Get("Accept-Ranges"))
	assert.Equal(t, fmt.Sprint(len(got.body)), got.header.Get("Content-Length"))
	for _, validator := range []string{"Etag", "Last-Modified"} {
		assert.Empty(t, got.header.Get(validator), "the guide shows none")
	}
	return got
}

func (g guest) cookie(t testing.TB, id string) string {
	t.Helper()
	got := read[map[string]string](t, g.ask(t, http.StatusAccepted, "POST", bundlesPath+"/cookie/"+id, ""))
	require.Len(t, got, 1)
	return got["cookie"]
}

func withCookie(id, cookie string) string {
	return bundlesPath + "/cookie/" + id + "?cookie=" + url.QueryEscape(cookie)
}

func shaOf(body string) string {
	sum := sha512.Sum512([]byte(body))
	return "SHA-512:" + strings.ReplaceAll(fmt.Sprintf("% X", sum[:]), " ", ":")
}

func TestGenerateBundles(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		operation, path, id string
		kind, resourceType  string
	}{
		"with an id of the appliance": {"SupportBundles.Generate", bundlesPath, "", "unknown", "unknown"},
		"with an id of one's own":     {"SupportBundles.GenerateWithID", bundlesPath + "/" + bundleID, bundleID, "generate", "supportBundle"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, clock := open(t)
			assert.Empty(t, g.parcels(t))
			begun := g.begin(t, "POST", tc.path, "")
			assert.Equal(t, tc.kind, begun.Workflow.Type)
			assert.Equal(t, tc.resourceType, begun.Workflow.ResourceType)
			assert.Nil(t, begun.Workflow.ResourceName)
			assert.Nil(t, begun.ResultType)
			if tc.id == "" {
				assert.Nil(t, begun.Workflow.ResourceID)
			} else {
				assert.Equal(t, tc.id, *begun.Workflow.ResourceID)
				g.refused(t, http.StatusNotFound, "SupportBundleNotFound", "POST", bundlesPath+"/cookie/"+tc.id, "")
			}
			assert.Empty(t, g.parcels(t), "not before its end")
			clock.Advance(11 * time.Second)
			made := resultOf[parcel](t, g, begun.ID, "SupportBundle")
			assert.Equal(t, "SupportBundleInfo", *g.job(t, begun.ID).ResultType)
			assert.Equal(t, []parcel{made}, g.parcels(t))
			assert.Equal(t, "System@site2", made.Owner)
			assert.Equal(t, clock.Now().UnixMilli(), made.Generated)
			if tc.id != "" {
				assert.Equal(t, tc.id, made.ID)
			}
			got := g.fetch(t, http.StatusOK, bundlesPath+"/"+made.ID)
			assert.Len(t, got.body, 256<<10)
			assert.Equal(t, made.SHA, shaOf(got.body))
			name := `inline; filename="cloud-bundle-` + made.ID + `-2030-06-01_12-00-11_UTC.tar.bz2"`
			assert.Equal(t, name, got.header.Get("Content-Disposition"))
			assert.Equal(t, 1, g.server.Ran(tc.operation, made.ID))
		})
	}
}

func TestGenerateRefuses(t *testing.T) {
	t.Parallel()
	g, clock := open(t, withBundle())
	g.refused(t, http.StatusConflict, "SupportBundleExists", "POST", bundlesPath+"/"+bundleID, "")
	g.refused(t, http.StatusBadRequest, "BadUserInput", "POST", bundlesPath+"/a%22b", "")
	begun := g.begin(t, "POST", bundlesPath+"/mine", "")
	g.refused(t, http.StatusConflict, "SupportBundleExists", "POST", bundlesPath+"/mine", "")
	clock.Advance(11 * time.Second)
	assert.Equal(t, "mine", resultOf[parcel](t, g, begun.ID, "SupportBundle").ID)

	g.server.FailTask("SupportBundles.GenerateWithID", "yours", "Broken", "It broke.")
	failed := g.finish(t, clock, "POST", bundlesPath+"/yours", "")
	assert.Equal(t, "Broken", failed.Error.Code)
	assert.Equal(t, []string{bundleID, "mine"}, idsOf(g.server.SupportBundles()))
	g.begin(t, "POST", bundlesPath+"/yours", "")
}

func idsOf(bundles []vcavtest.SupportBundle) []string {
	var ids []string
	for _, b := range bundles {
		ids = append(ids, b.ID)
	}
	return ids
}

func TestDeleteBundle(t *testing.T) {
	t.Parallel()
	g, clock := open(t, withBundle())
	path := bundlesPath + "/" + bundleID
	cookie := g.cookie(t, bundleID)
	listed := g.parcels(t)

	g.server.FailTask("SupportBundles.Delete", bundleID, "Broken", "It broke.")
	assert.Equal(t, "Broken", g.finish(t, clock, "DELETE", path, "").Error.Code)
	begun := g.begin(t, "DELETE", path, "")
	assert.Equal(t, "unknown", begun.Workflow.Type)
	assert.Equal(t, "unknown", begun.Workflow.ResourceType)
	assert.Nil(t, begun.Workflow.ResourceID)
	g.refused(t, http.StatusConflict, "OperationInProgress", "DELETE", path, "")
	g.fetch(t, http.StatusOK, path)
	clock.Advance(11 * time.Second)
	assert.Equal(t, listed[0], resultOf[parcel](t, g, begun.ID, "SupportBundle"))

	assert.Empty(t, g.parcels(t))
	g.refused(t, http.StatusNotFound, "SupportBundleNotFound", "DELETE", path, "")
	g.refused(t, http.StatusNotFound, "SupportBundleNotFound", "POST", bundlesPath+"/cookie/"+bundleID, "")
	g.fetch(t, http.StatusNotFound, path)
	g.fetch(t, http.StatusUnauthorized, withCookie(bundleID, cookie))
	g.finish(t, clock, "POST", path, "")
	assert.Len(t, g.parcels(t), 1, "its id is free again")
	assert.NotEqual(t, listed[0].SHA, g.parcels(t)[0].SHA, "of another size")
}

func TestBundlesThatAreThere(t *testing.T) {
	t.Parallel()
	at := time.Date(2029, time.July, 13, 7, 5, 48, 951e6, time.FixedZone("", 3600))
	g, clock := open(t, vcavtest.BundleSize(77), vcavtest.SupportBundles(
		vcavtest.SupportBundle{ID: "a"}, vcavtest.SupportBundle{ID: "b", GeneratedOn: at, Owner: "org2@site2", Size: 5}))
	want := []vcavtest.SupportBundle{
		{ID: "a", GeneratedOn: clock.Now().Add(-time.Hour), Owner: "System@site2", Size: 77},
		{ID: "b", GeneratedOn: at, Owner: "org2@site2", Size: 5},
	}
	assert.Equal(t, want, g.server.SupportBundles())
	seen := g.parcels(t)
	assert.Equal(t, parcel{"b", at.UnixMilli(), seen[1].SHA, "org2@site2"}, seen[1])
	got := g.fetch(t, http.StatusOK, bundlesPath+"/b")
	assert.Contains(t, got.header.Get("Content-Disposition"), "-2029-07-13_06-05-48_UTC", "in UTC")
	assert.Len(t, g.fetch(t, http.StatusOK, bundlesPath+"/a").body, 77)

	other, _ := open(t, vcavtest.SupportBundles(vcavtest.SupportBundle{ID: "b", Size: 5}))
	assert.Equal(t, seen[1].SHA, other.parcels(t)[0].SHA, "the same in every server")
}

func TestWhoMayHaveBundles(t *testing.T) {
	t.Parallel()
	g, clock := open(t, withTenant("ann@org2"), withBundle())
	ann := tenant(t, g.server, "ann@org2")
	path := bundlesPath + "/" + bundleID
	for _, call := range []struct{ method, path, accept string }{
		{"GET", "/diagnostics/health", accept},
		{"GET", bundlesPath, accept},
		{"POST", bundlesPath, accept},
		{"POST", bundlesPath + "/mine", accept},
		{"POST", bundlesPath + "/cookie/" + bundleID, accept},
		{"GET", path, bytesAccept},
		{"DELETE", path, accept},
	} {
		ann.refused(t, http.StatusForbidden, "Forbidden", call.method, call.path, "", "Accept", call.accept)
		nobody := guest{server: g.server}
		nobody.refused(t, http.StatusUnauthorized, "NotAuthenticated", call.method, call.path, "", "Accept", call.accept)
	}
	assert.Empty(t, g.server.Tasks())
	begun := g.begin(t, "POST", bundlesPath, "")
	ann.refused(t, http.StatusNotFound, "TaskNotFound", "GET", "/tasks/"+begun.ID, "")
	clock.Advance(time.Minute)
	assert.Len(t, g.server.SupportBundles(), 2)
}

func TestRangesOfBundles(t *testing.T) {
	t.Parallel()
	g, _ := open(t, withBundle())
	path := bundlesPath + "/" + bundleID
	whole := g.fetch(t, http.StatusOK, path).body
	for asked, want := range map[string]struct {
		status, from, to int
	}{
		"bytes=0-":            {206, 0, 100_003},
		"bytes=99999-":        {206, 99_999, 100_003},
		"bytes=4095-4097":     {206, 4095, 4098},
		"bytes=17-32784":      {206, 17, 32_785},
		"bytes=-500":          {206, 99_503, 100_003},
		"bytes=100000-200000": {206, 100_000, 100_003},
		"bytes=100003-":       {416, 0, 0},
		"bytes=0-1,3-4":       {200, 0, 100_003},
		"bytes=nonsense":      {200, 0, 100_003},
		"seconds=1-2":         {200, 0, 100_003},
	} {
		t.Run(asked, func(t *testing.T) {
			t.Parallel()
			got := g.fetch(t, want.status, path, "Range", asked)
			switch want.status {
			case http.StatusPartialContent:
				assert.Equal(t, fmt.Sprintf("bytes %d-%d/100003", want.from, want.to-1), got.header.Get("Content-Range"))
			case http.StatusRequestedRangeNotSatisfiable:
				assert.Equal(t, "bytes */100003", got.header.Get("Content-Range"))
				assert.Equal(t, "RequestedRangeNotSatisfiable", read[wrong](t, got).Code)
				return
			}
			assert.Equal(t, shaOf(whole[want.from:want.to]), shaOf(got.body))
		})
	}
	assert.Equal(t, shaOf(whole), shaOf(g.fetch(t, http.StatusOK, path, "Range", "bytes=5-", "If-Range", `"tag"`).body))
}

func TestCookies(t *testing.T) {
	t.Parallel()
	g, clock := open(t, withBundle(), vcavtest.SupportBundles(vcavtest.SupportBundle{ID: "other", Size: 10}))
	browser := guest{server: g.server}
	cookie := g.cookie(t, bundleID)
	_, err := base64.StdEncoding.DecodeString(cookie)
	require.NoError(t, err)
	assert.Contains(t, cookie, "+")
	refused := func(path string) {
		t.Helper()
		assert.Equal(t, "NotAuthenticated", read[wrong](t, browser.fetch(t, http.StatusUnauthorized, path)).Code)
	}
	refused(bundlesPath + "/cookie/" + bundleID + "?cookie=" + cookie) // with a bare plus sign
	refused(withCookie("other", cookie))
	refused(withCookie("none", cookie))
	refused(withCookie(bundleID, "a"+cookie))

	got := browser.fetch(t, http.StatusOK, withCookie(bundleID, cookie))
	assert.Equal(t, `inline; filename="cloud-bundle-null-2030-06-01_11-00-00_UTC.tar.bz2"`, got.header.Get("Content-Disposition"))
	assert.Equal(t, g.parcels(t)[0].SHA, shaOf(got.body))
	refused(withCookie(bundleID, cookie))

	first, second := g.cookie(t, bundleID), g.cookie(t, bundleID)
	assert.NotEqual(t, first, second)
	assert.Len(t, browser.fetch(t, http.StatusPartialContent, withCookie(bundleID, second), "Range", "bytes=0-9").body, 10)
	refused(withCookie(bundleID, second)) // also one that went for a part
	clock.Advance(5 * time.Minute)
	refused(withCookie(bundleID, first))

	late := g.cookie(t, "other")
	g.ask(t, http.StatusNoContent, "DELETE", "/sessions", "")
	clock.Advance(5*time.Minute - 1)
	browser.fetch(t, http.StatusOK, withCookie("other", late), "Accept", "text/html,*/*;q=0.8")
	assert.NotContains(t, fmt.Sprintf("%+v", g.server.Requests()), late)
}

func TestCookieLife(t *testing.T) {
	t.Parallel()
	g, clock := open(t, withBundle(), vcavtest.CookieLife(time.Second))
	cookie := g.cookie(t, bundleID)
	clock.Advance(time.Second)
	g.fetch(t, http.StatusUnauthorized, withCookie(bundleID, cookie))
}

// A cookie whose answer was lost is lost with it; one that never arrived is not.
func TestCookiesUnderFaults(t *testing.T) {
	t.Parallel()
	g, _ := open(t, withBundle())
	cookie := g.cookie(t, bundleID)
	g.server.Inject(vcavtest.Fault{Operation: "SupportBundles.DownloadWithCookie", Status: 503, Times: 1})
	g.fetch(t, http.StatusServiceUnavailable, withCookie(bundleID, cookie))
	g.server.Inject(vcavtest.Fault{Operation: "SupportBundles.DownloadWithCookie", Truncate: true, AfterBytes: 9, After: true, Times: 1})
	got, err := g.send(t.Context(), "GET", withCookie(bundleID, cookie), "", "Accept", bytesAccept)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	assert.Len(t, got.body, 9)
	g.fetch(t, http.StatusUnauthorized, withCookie(bundleID, cookie), "Range", "bytes=9-")
}

func TestDownloadsThatTheContractDoesNotAllow(t *testing.T) {
	t.Parallel()
	path := bundlesPath + "/" + bundleID
	for name, tc := range map[string]struct{ method, path, accept, want string }{
		"as JSON":                {"GET", path, accept, "Accept is"},
		"as JSON with a cookie":  {"GET", withCookie(bundleID, "c"), accept, "Accept is"},
		"list as bytes":          {"GET", bundlesPath, bytesAccept, "Accept is"},
		"any way with a session": {"GET", path, "*/*", "Accept is"},
		"without the cookie":     {"GET", bundlesPath + "/cookie/" + bundleID, bytesAccept, `query parameter "cookie" is missing`},
		"with an empty cookie":   {"GET", bundlesPath + "/cookie/" + bundleID + "?cookie=", bytesAccept, `query parameter "cookie" is empty`},
		"with two cookies":       {"GET", withCookie(bundleID, "c") + "&cookie=c", bytesAccept, `query parameter "cookie" comes 2 times`},
		"at a site":              {"GET", path + "?site=site2", bytesAccept, `query parameter "site"`},
		"health at a site":       {"GET", "/diagnostics/health?site=site2", accept, `query parameter "site"`},
		"health by POST":         {"POST", "/diagnostics/health", accept, "the method POST"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _ := open(t, withBundle())
			got := read[wrong](t, g.ask(t, http.StatusBadRequest, tc.method, tc.path, "", "Accept", tc.accept))
			assert.Equal(t, "ContractViolation", got.Code)
			assert.Contains(t, got.Message, tc.want)
			assert.Len(t, g.server.AcknowledgeViolations(), 1)
		})
	}
	g, _ := open(t, withBundle())
	got, err := g.send(t.Context(), "HEAD", path, "", "Accept", bytesAccept)
	require.NoError(t, err)
	assert.Equal(t, http.StatusBadRequest, got.status)
	assert.Len(t, g.server.AcknowledgeViolations(), 1)
}

func TestCorruptBundle(t *testing.T) {
	t.Parallel()
	g, _ := open(t, withBundle())
	path := bundlesPath + "/" + bundleID
	whole := g.fetch(t, http.StatusOK, path).body
	for _, at := range []int64{0, 0, 32_768, 100_002} {
		g.server.CorruptBundle(bundleID, at)
	}
	damaged := []byte(whole)
	for _, at := range []int{0, 32_768, 100_002} {
		damaged[at] ^= 1
	}
	assert.Equal(t, shaOf(string(damaged)), shaOf(g.fetch(t, http.StatusOK, path).body))
	assert.Equal(t, string(damaged[100_000:]), g.fetch(t, http.StatusPartialContent, path, "Range", "bytes=100000-").body)
	assert.Equal(t, whole[1:9], g.fetch(t, http.StatusPartialContent, path, "Range", "bytes=1-8").body)
	assert.Equal(t, shaOf(whole), g.parcels(t)[0].SHA, "which is that of the true bytes")
	g.server.RepairBundle(bundleID)
	assert.Equal(t, shaOf(whole), shaOf(g.fetch(t, http.StatusOK, path).body))

	server, err := vcavtest.Start(vcavtest.InMemory(), withBundle())
	require.NoError(t, err)
	defer server.Close()
	server.CorruptBundle(bundleID, 100_003)
	server.CorruptBundle(bundleID, -1)
	server.RepairBundle("none")
	require.Len(t, server.Violations(), 3)
	assert.Contains(t, server.Violations()[0].String(), "no byte at 100003")
	assert.Contains(t, server.Violations()[2].String(), `no bundle "none"`)
}

// Ten connections break after so many bytes; who goes on where it stopped has the bundle in the end.
func TestDownloadThatBreaks(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]vcavtest.Fault{
		"truncate": {Truncate: true}, "drop": {Drop: true}, "reset": {Reset: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, _ := open(t, withBundle())
			fault.Operation, fault.Resource = "SupportBundles.Download", bundleID
			fault.After, fault.AfterBytes, fault.Times = true, 9000, 10
			g.server.Inject(fault)
			whole := ""
			for len(whole) < 100_003 {
				got, _ := g.send(t.Context(), "GET", bundlesPath+"/"+bundleID, "", "Accept", bytesAccept,
					"Range", fmt.Sprintf("bytes=%d-", len(whole)))
				whole += got.body
			}
			assert.Equal(t, g.parcels(t)[0].SHA, shaOf(whole))
			// net/http repeats a GET of which a reset has swallowed all: no error tells of each break.
			assert.Equal(t, 11, g.server.Ran("SupportBundles.Download", bundleID))
		})
	}
}

// A download holds nothing up, and may outlive its bundle.
func TestDownloadThatIsSlow(t *testing.T) {
	t.Parallel()
	g, clock := open(t, vcavtest.BundleSize(10<<20))
	g.finish(t, clock, "POST", bundlesPath+"/big", "")
	sha := g.parcels(t)[0].SHA
	g.server.Inject(vcavtest.Fault{Operation: "SupportBundles.Download", After: true, AfterBytes: 1 << 20, Delay: time.Hour})
	var waiting sync.WaitGroup
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := make(chan reply, 1)
	waiting.Go(func() {
		download, err := g.send(ctx, "GET", bundlesPath+"/big", "", "Accept", bytesAccept)
		assert.NoError(t, err)
		got <- download
	})
	require.NoError(t, clock.AwaitSleepers(ctx, 1))
	g.finish(t, clock, "DELETE", bundlesPath+"/big", "")
	assert.Empty(t, g.parcels(t))
	clock.Advance(time.Hour)
	assert.Equal(t, sha, shaOf((<-got).body))
	waiting.Wait()
}

// A gigabyte goes by without being held, and its checksum is right.
func TestGigabyte(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	g, _ := open(t, vcavtest.BundleSize(1<<30), vcavtest.SupportBundles(vcavtest.SupportBundle{ID: bundleID}))
	request, err := http.NewRequestWithContext(t.Context(), "GET", g.server.URL+bundlesPath+"/"+bundleID, nil)
	require.NoError(t, err)
	request.Header = http.Header{"Accept": {bytesAccept}, "X-Vcav-Auth": {g.token}}
	response, err := g.server.Transport().RoundTrip(request)
	require.NoError(t, err)
	defer response.Body.Close()
	hash := sha512.New()
	n, err := io.Copy(hash, response.Body)
	require.NoError(t, err)
	assert.Equal(t, int64(1<<30), n)
	assert.Equal(t, g.parcels(t)[0].SHA, "SHA-512:"+strings.ReplaceAll(fmt.Sprintf("% X", hash.Sum(nil)), " ", ":"))
}
