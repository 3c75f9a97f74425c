package checkpoints

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// The vendor's own example: Huawei Cloud, API request signing guide.
func TestSignatureOfTheGuide(t *testing.T) {
	t.Parallel()
	key := accessKey{id: "QTWAOYTTINDUT2QVKYUC", secret: drkit.NewSecret("MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc")}
	req := newSigned(t, "https://service.region.example.com/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs?limit=2&marker=13551d6b-755d-4757-b956-536f674975c0")
	req.Header.Set("Content-Type", "application/json")
	require.NoError(t, key.sign(req, nil, "", time.Date(2019, 11, 15, 3, 36, 55, 0, time.UTC)))

	assert.Equal(t, "20191115T033655Z", req.Header.Get("X-Sdk-Date"))
	names, lines := headersToSign(req)
	canonical, err := canonicalRequest(req, lines, names, nil)
	require.NoError(t, err)
	assert.Equal(t, "b25362e603ee30f4f25e7858e8a7160fd36e803bb2dfe206278659d71a9bcd7a", hexSum(canonical))
	assert.Equal(t, "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, SignedHeaders=content-type;host;x-sdk-date, "+
		"Signature=7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe", req.Header.Get("Authorization"))
}

func newSigned(t testing.TB, address string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	return req
}

func TestCanonicalForms(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]struct{ path, query string }{
		"https://h":                                {"/", ""},
		"https://h/":                               {"/", ""},
		"https://h/v3/p/vaults":                    {"/v3/p/vaults/", ""},
		"https://h/v3/p/vaults/":                   {"/v3/p/vaults/", ""},
		"https://h/a%20b/c%2Fd/e+f/~g":             {"/a%20b/c%2Fd/e%2Bf/~g/", ""},
		"https://h/a:b;c@d":                        {"/a%3Ab%3Bc%40d/", ""},
		"https://h/%C3%A4":                         {"/%C3%A4/", ""},
		"https://h/?b=2&a=3&a=1&c":                 {"/", "a=1&a=3&b=2&c="},
		"https://h/?status=b&status=a&status=a%20": {"/", "status=a&status=a%20&status=b"},
		"https://h/?n=a+b&m=%2B%2A":                {"/", "m=%2B%2A&n=a%20b"},
	} {
		address, err := url.Parse(raw)
		require.NoError(t, err)
		path, err := canonicalPath(address)
		require.NoError(t, err)
		assert.Equal(t, want.path, path, raw)
		query, err := canonicalQuery(address.RawQuery)
		require.NoError(t, err)
		assert.Equal(t, want.query, query, raw)
	}
	_, err := canonicalQuery("a=%zz")
	require.ErrorContains(t, err, "query: ")
}

func TestWhatASignatureCovers(t *testing.T) {
	t.Parallel()
	key := accessKey{id: "AK", secret: drkit.NewSecret("the secret key"), token: drkit.NewSecret("of a session")}
	signed := func(change func(*http.Request) ([]byte, string, time.Time)) string {
		req := newSigned(t, "https://cbr.example.com/v3/p1/vaults?limit=2")
		body, project, now := change(req)
		require.NoError(t, key.sign(req, body, project, now))
		return req.Header.Get("Authorization")
	}
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	plain := signed(func(*http.Request) ([]byte, string, time.Time) { return nil, "p1", noon })
	assert.Contains(t, plain, "SignedHeaders=host;x-project-id;x-sdk-date;x-security-token, ")
	assert.Equal(t, plain, signed(func(req *http.Request) ([]byte, string, time.Time) {
		req.Header.Set("Authorization", "an older signature")
		req.Header.Set("X-Sdk-Date", "an older date")
		req.Header.Set("Via", "whatever a proxy adds")
		return nil, "p1", noon.In(time.FixedZone("elsewhere", 14*3600))
	}), "a signature is made anew, and always in UTC")
	for what, change := range map[string]func(*http.Request) ([]byte, string, time.Time){
		"body":    func(*http.Request) ([]byte, string, time.Time) { return []byte("{}"), "p1", noon },
		"project": func(*http.Request) ([]byte, string, time.Time) { return nil, "p2", noon },
		"date":    func(*http.Request) ([]byte, string, time.Time) { return nil, "p1", noon.Add(time.Second) },
		"method": func(r *http.Request) ([]byte, string, time.Time) {
			r.Method = http.MethodDelete
			return nil, "p1", noon
		},
		"path":  func(r *http.Request) ([]byte, string, time.Time) { r.URL.Path += "/x"; return nil, "p1", noon },
		"query": func(r *http.Request) ([]byte, string, time.Time) { r.URL.RawQuery += "0"; return nil, "p1", noon },
		"host": func(r *http.Request) ([]byte, string, time.Time) {
			r.Host = "other.example.com"
			return nil, "p1", noon
		},
	} {
		assert.NotEqual(t, plain, signed(change), what)
	}
}

// Whatever a request asks for, its canonical form has six parts, and reads back as the same request.
func FuzzCanonicalRequest(f *testing.F) {
	f.Add("/v3/p/vaults", "limit=2&name=a%20b", "application/json", "{}")
	f.Add("/a%2Fb/ä/..", "b=&b=1&a", "x", "")
	f.Add("", "&&=;", " ", "\n")
	f.Add("/b/a%2F", "", "", "")
	f.Fuzz(func(t *testing.T, path, query, contentType, body string) {
		address, err := url.Parse("https://cbr.example.com/" + strings.TrimPrefix(path, "/"))
		if err != nil {
			return
		}
		address.RawQuery = query
		req := &http.Request{Method: http.MethodPost, URL: address, Header: http.Header{"Content-Type": {contentType}}}
		key := accessKey{id: "AK", secret: drkit.NewSecret("the secret key")}
		err = key.sign(req, []byte(body), "p1", time.Unix(1_700_000_000, 0))
		if _, bad := url.ParseQuery(query); bad != nil {
			require.Error(t, err)
			return
		}
		require.NoError(t, err)
		got, err := canonicalPath(address)
		require.NoError(t, err)
		plain, err := url.PathUnescape(got)
		require.NoError(t, err)
		want, err := url.PathUnescape(strings.TrimSuffix(address.EscapedPath(), "/") + "/")
		require.NoError(t, err)
		assert.Equal(t, want, plain)
		sorted, err := canonicalQuery(query)
		require.NoError(t, err)
		again, err := canonicalQuery(sorted)
		require.NoError(t, err)
		assert.Equal(t, sorted, again)
		asked, _ := url.ParseQuery(query)
		back, err := url.ParseQuery(sorted)
		require.NoError(t, err)
		assert.Len(t, back, len(asked))
		assert.Contains(t, req.Header.Get("Authorization"), "SignedHeaders=content-type;host;x-project-id;x-sdk-date, Signature=")
	})
}
