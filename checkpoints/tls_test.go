package checkpoints

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/simkit"
)

// twoServers are an identity service and a backup service with certificates of their own.
type twoServers struct {
	iam, cbr *simkit.Proxy // each ends TLS before the same plain server
	pool     *x509.CertPool
}

func newTwoServers(t *testing.T) twoServers {
	t.Helper()
	var catalog string
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if req.Method == http.MethodPost {
			w.Header().Set("X-Subject-Token", "gAAAAABtoken")
			w.WriteHeader(http.StatusCreated)
			_, _ = io.WriteString(w, `{"token":{"project":{"id":"`+project+`"},"catalog":`+catalog+`}}`)
			return
		}
		if req.URL.Path != "/" { // where only the certificate matters
			assert.Equal(t, "gAAAAABtoken", req.Header.Get("X-Auth-Token"))
		}
		_, _ = io.WriteString(w, `{}`)
	}))
	t.Cleanup(plain.Close)
	s := twoServers{iam: before(t, plain.URL), cbr: before(t, plain.URL)}
	catalog = catalogOf("cbr", "public", "eu-de", s.cbr.URL+"/v3/"+project)
	s.pool = poolOf(t, s.iam, s.cbr)
	return s
}

func before(t *testing.T, upstream string) *simkit.Proxy {
	t.Helper()
	through := &http.Transport{}
	p, err := simkit.StartProxy(upstream, through, false)
	require.NoError(t, err)
	t.Cleanup(through.CloseIdleConnections)
	t.Cleanup(p.Close)
	return p
}

// certificateOf returns what a server shows.
func certificateOf(t *testing.T, p *simkit.Proxy) *x509.Certificate {
	t.Helper()
	through := p.Transport()
	defer through.CloseIdleConnections()
	resp, err := (&http.Client{Transport: through}).Get(p.URL)
	require.NoError(t, err)
	defer resp.Body.Close()
	return resp.TLS.PeerCertificates[0]
}

func pinOf(t *testing.T, p *simkit.Proxy) string {
	t.Helper()
	sum := sha256.Sum256(certificateOf(t, p).Raw)
	return hex.EncodeToString(sum[:])
}

func poolOf(t *testing.T, proxies ...*simkit.Proxy) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, p := range proxies {
		pool.AddCert(certificateOf(t, p))
	}
	return pool
}

// A thumbprint pins the backup service; the identity service is verified as usual, or has a pin of its own.
func TestWhichServerAThumbprintPins(t *testing.T) {
	t.Parallel()
	s := newTwoServers(t)
	cbr, iam := pinOf(t, s.cbr), pinOf(t, s.iam)
	for name, tc := range map[string]struct {
		options  []drkit.Option
		identity *simkit.Proxy // nil: the one that is apart
		want     string        // part of the error; empty: it works
	}{
		"roots":                  {[]drkit.Option{drkit.WithRootCAs(s.pool)}, nil, ""},
		"no roots":               {nil, nil, "signing in"},
		"only roots of identity": {[]drkit.Option{drkit.WithRootCAs(poolOf(t, s.iam))}, nil, "x509"},
		"only roots of backup":   {[]drkit.Option{drkit.WithRootCAs(poolOf(t, s.cbr))}, nil, "signing in"},
		"both pins":              {[]drkit.Option{drkit.WithThumbprint(cbr), WithIdentityThumbprint(iam)}, nil, ""},
		"pins crossed":           {[]drkit.Option{drkit.WithThumbprint(iam), WithIdentityThumbprint(cbr)}, nil, "signing in"},
		"identity not pinned":    {[]drkit.Option{drkit.WithThumbprint(cbr)}, nil, "signing in"},
		"backup not pinned":      {[]drkit.Option{WithIdentityThumbprint(iam)}, nil, "x509"},
		"pin, and root of other": {[]drkit.Option{WithIdentityThumbprint(iam), drkit.WithRootCAs(s.pool)}, nil, ""},
		"pin and roots":          {[]drkit.Option{drkit.WithThumbprint(cbr), drkit.WithRootCAs(s.pool)}, nil, ""},
		"wrong pin and roots":    {[]drkit.Option{drkit.WithThumbprint(iam), drkit.WithRootCAs(s.pool)}, nil, "another thumbprint"},
		"one address, one pin":   {[]drkit.Option{drkit.WithThumbprint(cbr)}, s.cbr, ""},
		"insecure":               {[]drkit.Option{drkit.WithInsecureSkipVerify()}, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			identity, endpoint := s.iam, ""
			if tc.identity != nil {
				identity, endpoint = tc.identity, s.cbr.URL
			}
			client, err := NewClient(endpoint, project, ops(Identity{URL: identity.URL + "/v3"}), tc.options...)
			require.NoError(t, err)
			err = list(t.Context(), client)
			if tc.want == "" {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, tc.want)
			}
			require.NoError(t, client.Close(t.Context()))
		})
	}
	_, err := NewClient("", project, ops(Identity{URL: s.iam.URL}), drkit.WithInsecureSkipVerify(), WithIdentityThumbprint(iam))
	require.ErrorContains(t, err, "contradict each other")
	_, err = NewClient("", project, ops(Identity{URL: s.iam.URL}), drkit.WithTransport(roundTripper(nil)), WithIdentityThumbprint(iam))
	require.ErrorContains(t, err, "TLS options need a transport of type *http.Transport")
}

// A proxy of the user stands before both services.
func TestProxyOfTheUser(t *testing.T) {
	t.Parallel()
	s := newTwoServers(t)
	var mu sync.Mutex
	asked := map[string]bool{}
	through := &http.Transport{Proxy: func(req *http.Request) (*url.URL, error) {
		mu.Lock()
		defer mu.Unlock()
		asked["https://"+req.URL.Host] = true
		return nil, nil
	}}
	client, err := NewClient("", project, ops(Identity{URL: s.iam.URL}), drkit.WithTransport(through), drkit.WithRootCAs(s.pool))
	require.NoError(t, err)
	require.NoError(t, list(t.Context(), client))
	require.NoError(t, client.Close(t.Context()))
	assert.Equal(t, map[string]bool{s.iam.URL: true, s.cbr.URL: true}, asked)
}

// In the clear only by request, for one service or for both.
func TestPlainHTTP(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.catalog = catalogOf("cbr", "public", "eu-de", "http://cbr.example.com")
	require.NoError(t, list(t.Context(), c.client(drkit.WithPlainHTTP())), "the catalogue may name such an address then")
	assert.Equal(t, "http", c.seen[0].URL.Scheme)

	c = newCloud(t)
	require.NoError(t, list(t.Context(), c.clientOf(ops(Identity{URL: "http://iam.example.com/v3", Project: Project{ID: project}}), drkit.WithPlainHTTP())))
	assert.Equal(t, "https", c.seen[0].URL.Scheme)
}

// No token follows a redirect, neither of the identity service nor of the backup service.
func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	redirect := func(*http.Request) *http.Response {
		resp := reply(307, "")
		resp.Header.Set("Location", "https://evil.example.com/")
		return resp
	}
	c := newCloud(t)
	client := c.client()
	c.signIn = redirect
	require.ErrorContains(t, list(t.Context(), client), "redirects are not followed")
	c.signIn = nil
	c.answer = redirect
	require.ErrorContains(t, list(t.Context(), client), "redirects are not followed")
}
