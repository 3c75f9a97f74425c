package checkpointstest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// What a signature says.
//
// Source: API request signing guide; Identity and Access Management API reference, "AK/SK Authentication".
const (
	algorithm     = "SDK-HMAC-SHA256"
	dateHeader    = "X-Sdk-Date"
	contentHeader = "X-Sdk-Content-Sha256"
	unsigned      = "UNSIGNED-PAYLOAD"
	dateLayout    = "20060102T150405Z"
	clockSkew     = 15 * time.Minute
	keyFailureCap = 5
	keyLock       = 5 * time.Minute
)

// keyFailures are how often in a row requests were signed wrongly with a key.
type keyFailures struct {
	count int
	until time.Time // locked until then
}

// signedRequest is what of a request a signature covers.
type signedRequest struct {
	method, path, host string
	query              url.Values
	header             http.Header
	body               []byte
}

// checkSignature returns whose key has signed a call.
func (r *region) checkSignature(call *simkit.Call) (*accessKey, *refusal) {
	fields, ok := parseAuthorization(call.Header.Get("Authorization"))
	if !ok {
		return nil, refuse(CodeSignature, "Incorrect IAM authentication information: the Authorization header is malformed")
	}
	key, known := r.cloud.iam.keys[fields["Access"]]
	switch {
	case !known || (!key.expires.IsZero() && !r.now().Before(key.expires)):
		return nil, refuse(CodeTokenRefused, "Incorrect IAM authentication information: ak %s not exist", fields["Access"])
	case key.security != call.Header.Get("X-Security-Token"):
		return nil, refuse(CodeTokenRefused, "Incorrect IAM authentication information: the security token does not fit")
	case key.user.disabled:
		return nil, refuse(CodeTokenRefused, "Incorrect IAM authentication information: the user is disabled")
	}
	failures := r.keys[key.access]
	if failures == nil {
		failures = &keyFailures{}
		r.keys[key.access] = failures
	}
	if r.now().Before(failures.until) {
		return nil, refuse(CodeSignature, "Incorrect IAM authentication information: the key is locked")
	}
	if wrong := verify(call, fields, key, r.now()); wrong != nil {
		if failures.count++; failures.count >= keyFailureCap {
			failures.count, failures.until = 0, r.now().Add(keyLock)
		}
		return nil, wrong
	}
	failures.count = 0
	return key, nil
}

// parseAuthorization reads "SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…".
func parseAuthorization(header string) (map[string]string, bool) {
	rest, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return nil, false
	}
	fields := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, value, found := strings.Cut(strings.TrimSpace(part), "=")
		if !found {
			return nil, false
		}
		fields[name] = value
	}
	return fields, fields["Access"] != "" && fields["SignedHeaders"] != "" && fields["Signature"] != ""
}

func verify(call *simkit.Call, fields map[string]string, key *accessKey, now time.Time) *refusal {
	date := call.Header.Get(dateHeader)
	at, err := time.Parse(dateLayout, date)
	names := strings.Split(fields["SignedHeaders"], ";")
	switch {
	case err != nil:
		return refuse(CodeSignature, "Incorrect IAM authentication information: x-sdk-date is not like 20191115T033655Z")
	case at.Sub(now).Abs() > clockSkew:
		return refuse(CodeSignature, "Incorrect IAM authentication information: signature expired, signature time %s, server time %s", date, now.UTC().Format(dateLayout))
	case !slices.Contains(names, "x-sdk-date"):
		return refuse(CodeSignature, "Incorrect IAM authentication information: x-sdk-date is not signed")
	}
	signed := signedRequest{
		method: call.Operation.Method, path: call.Path, host: call.Host, query: call.Query, header: call.Header, body: call.Body,
	}
	if !hmac.Equal([]byte(signed.signature(names, date, key.secret)), []byte(fields["Signature"])) {
		return refuse(CodeSignature, "Incorrect IAM authentication information: verify aksk signature fail")
	}
	return nil
}

// signature is the hex HMAC of the string to sign, keyed with the secret itself.
func (s signedRequest) signature(names []string, date, secret string) string {
	hash := sha256.Sum256([]byte(s.canonical(names)))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(algorithm + "\n" + date + "\n" + hex.EncodeToString(hash[:])))
	return hex.EncodeToString(mac.Sum(nil))
}

// canonical is the request in the six parts that are signed.
func (s signedRequest) canonical(names []string) string {
	var headers strings.Builder
	for _, name := range names {
		value := strings.TrimSpace(strings.Join(s.header.Values(name), ","))
		if name == "host" {
			value = s.host
		}
		headers.WriteString(name + ":" + value + "\n")
	}
	content := unsigned
	if s.header.Get(contentHeader) != unsigned {
		sum := sha256.Sum256(s.body)
		content = hex.EncodeToString(sum[:])
	}
	return strings.Join([]string{
		s.method, canonicalPath(s.path), canonicalQuery(s.query), headers.String(), strings.Join(names, ";"), content,
	}, "\n")
}

// canonicalPath escapes each segment and ends in a slash.
func canonicalPath(escaped string) string {
	segments := strings.Split(escaped, "/")
	for i, segment := range segments {
		if plainSegment, err := url.PathUnescape(segment); err == nil {
			segments[i] = escape(plainSegment)
		}
	}
	path := strings.Join(segments, "/")
	if !strings.HasSuffix(path, "/") {
		path += "/"
	}
	return path
}

// canonicalQuery is sorted by name and then by value.
func canonicalQuery(query url.Values) string {
	var pairs []string
	for _, name := range sortedKeys(query) {
		for _, value := range slices.Sorted(slices.Values(query[name])) {
			pairs = append(pairs, escape(name)+"="+escape(value))
		}
	}
	return strings.Join(pairs, "&")
}

// escape leaves letters, digits and -_.~ as they are.
func escape(text string) string {
	return strings.ReplaceAll(url.QueryEscape(text), "+", "%20")
}
