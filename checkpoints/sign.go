package checkpoints

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	signingAlgorithm = "SDK-HMAC-SHA256"
	dateHeader       = "X-Sdk-Date"
	dateLayout       = "20060102T150405Z"
)

// signedHeaders are what a signature covers, in order, as far as a request has them. Only the date must be among
// them. What proxies may change on the way is not.
var signedHeaders = []string{"content-type", "host", "x-project-id", "x-sdk-date", "x-security-token"}

// sign signs a request as it is about to leave, at a moment. It replaces a signature that the request has.
func (k accessKey) sign(req *http.Request, body []byte, project string, now time.Time) error {
	req.Header.Set(dateHeader, now.UTC().Format(dateLayout))
	if project != "" {
		req.Header.Set("X-Project-Id", project)
	}
	if !k.token.IsZero() {
		req.Header.Set("X-Security-Token", k.token.Reveal())
	}
	names, lines := headersToSign(req)
	canonical, err := canonicalRequest(req, lines, names, body)
	if err != nil {
		return err
	}
	text := signingAlgorithm + "\n" + req.Header.Get(dateHeader) + "\n" + hexSum(canonical)
	mac := hmac.New(sha256.New, []byte(k.secret.Reveal()))
	_, _ = mac.Write([]byte(text)) // never fails
	req.Header.Set("Authorization", fmt.Sprintf("%s Access=%s, SignedHeaders=%s, Signature=%s",
		signingAlgorithm, k.id, names, hex.EncodeToString(mac.Sum(nil))))
	return nil
}

// headersToSign returns the names that a signature covers, and their lines.
func headersToSign(req *http.Request) (names, lines string) {
	var listed []string
	var text strings.Builder
	for _, name := range signedHeaders {
		values := req.Header.Values(name)
		if name == "host" {
			values = []string{hostOf(req)}
		}
		if len(values) == 0 {
			continue
		}
		listed = append(listed, name)
		for _, value := range slices.Sorted(slices.Values(values)) {
			text.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
		}
	}
	return strings.Join(listed, ";"), text.String()
}

// hostOf returns what net/http sends as the Host header.
func hostOf(req *http.Request) string {
	if req.Host != "" {
		return req.Host
	}
	return req.URL.Host
}

// canonicalRequest writes a request in the one form that both sides sign.
func canonicalRequest(req *http.Request, lines, names string, body []byte) ([]byte, error) {
	path, err := canonicalPath(req.URL)
	if err != nil {
		return nil, err
	}
	query, err := canonicalQuery(req.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	return []byte(strings.Join([]string{req.Method, path, query, lines, names, hexSum(body)}, "\n")), nil
}

// canonicalPath escapes each segment in one way, and ends in a slash.
func canonicalPath(address *url.URL) (string, error) {
	segments := strings.Split(address.EscapedPath(), "/")
	for i, segment := range segments {
		plain, err := url.PathUnescape(segment)
		if err != nil {
			return "", fmt.Errorf("path: %w", err)
		}
		segments[i] = escapeAll(plain)
	}
	path := strings.Join(segments, "/")
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	return path, nil
}

// canonicalQuery sorts the parameters by name and then by value, and escapes both in one way.
func canonicalQuery(raw string) (string, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return "", fmt.Errorf("query: %w", err)
	}
	var pairs []string
	for _, name := range sortedKeys(values) {
		for _, value := range slices.Sorted(slices.Values(values[name])) {
			pairs = append(pairs, escapeAll(name)+"="+escapeAll(value))
		}
	}
	return strings.Join(pairs, "&"), nil
}

func sortedKeys(values url.Values) []string {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// escapeAll escapes every byte but letters, digits, and - _ . ~.
func escapeAll(text string) string { return strings.ReplaceAll(url.QueryEscape(text), "+", "%20") }

func hexSum(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// signing returns what signs the requests of a client for a project, each with the time at which it leaves.
func (k accessKey) signing(project string) func(*http.Request, []byte) error {
	return func(req *http.Request, body []byte) error { return k.sign(req, body, project, time.Now()) }
}
