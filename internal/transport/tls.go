package transport

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/settings"
)

// baseTransport returns what sends requests, and the pool that Close may empty: the user's own
// transport is used as it is, unless an option changes its TLS, and then a copy of it.
func baseTransport(s settings.Settings) (http.RoundTripper, *http.Transport) {
	named := s.NamedTransport()
	if named != nil && !s.ConfiguresTLS() {
		return named, nil
	}
	own := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       30 * time.Second, // below common keep-alives: a stale connection costs a POST
		TLSHandshakeTimeout:   15 * time.Second,
		ExpectContinueTimeout: time.Second,
	}
	if t, ok := named.(*http.Transport); ok {
		own = t.Clone()
	}
	own.ForceAttemptHTTP2 = true // net/http gives HTTP/2 up when it sees a TLS configuration
	own.TLSClientConfig = tlsConfig(own.TLSClientConfig, s)
	return own, own
}

func tlsConfig(config *tls.Config, s settings.Settings) *tls.Config {
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	if s.RootCAs != nil {
		config.RootCAs = s.RootCAs
	}
	if s.Thumbprint != nil {
		// VerifyConnection also runs on resumed connections and behind proxies, where the other hooks do not.
		config.InsecureSkipVerify = s.RootCAs == nil // the thumbprint says more than a chain would
		config.VerifyConnection = func(state tls.ConnectionState) error {
			return checkThumbprint(state, s.Thumbprint)
		}
	}
	if s.InsecureSkipVerify {
		config.InsecureSkipVerify = true
	}
	return config
}

// thumbprintError is a server that is not the pinned one.
type thumbprintError struct{ found string }

func (e *thumbprintError) Error() string {
	return "server certificate has another thumbprint than the pinned one: " + e.found
}

func checkThumbprint(state tls.ConnectionState, want []byte) error {
	if len(state.PeerCertificates) == 0 {
		return errors.New("server shows no certificate")
	}
	sum := sha256.Sum256(state.PeerCertificates[0].Raw)
	if bytes.Equal(sum[:], want) {
		return nil
	}
	digits := strings.ToUpper(fmt.Sprintf("% x", sum[:]))
	return &thumbprintError{found: "SHA-256:" + strings.ReplaceAll(digits, " ", ":")}
}

// mistrusts reports whether err is a server that will be no more trusted at the next attempt.
func mistrusts(err error) bool {
	var (
		pin     *thumbprintError
		verify  *tls.CertificateVerificationError
		issuer  x509.UnknownAuthorityError
		host    x509.HostnameError
		invalid x509.CertificateInvalidError
		record  tls.RecordHeaderError
	)
	return errors.As(err, &pin) || errors.As(err, &verify) || errors.As(err, &issuer) || errors.As(err, &host) ||
		errors.As(err, &invalid) || errors.As(err, &record) || errors.Is(err, http.ErrSchemeMismatch)
}
