package cloudreplica_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
	"github.com/drkit-go/drkit/internal/wiretest"
)

const (
	manager = "https://em.example.com:9398"
	// Tokens hold what a careless client would mangle.
	givenToken = "NDRj+ZmJk/Ym=="
	samplesDir = "../testdata/cloudreplica"
	signInLine = "POST /api/sessionMngr/?v=latest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// dialect is one way in which the service speaks.
type dialect struct {
	name, extension, mediaType string
	options                    []drkit.Option
	answer                     func(t testing.TB, text string) string // what becomes of a sample
}

var (
	inXML  = dialect{"XML", ".xml", "application/xml", nil, asItIs}
	inJSON = dialect{"JSON", ".json", "application/json", []drkit.Option{cloudreplica.WithJSON()}, asItIs}
)

// dialects are those of all versions: 13.0 begins names in lower case, and some put a mark before what they say.
func dialects() []dialect {
	camel, marked, markedXML := inJSON, inJSON, inXML
	camel.name, camel.answer = "JSON of 13.0", inCamelCase
	marked.name = "JSON of 13.0 with a mark"
	marked.answer = func(t testing.TB, text string) string { return "\xef\xbb\xbf" + inCamelCase(t, text) }
	markedXML.name = "XML with a mark"
	markedXML.answer = func(_ testing.TB, text string) string { return "\xef\xbb\xbf" + text }
	return []dialect{inXML, inJSON, camel, marked, markedXML}
}

func asItIs(_ testing.TB, text string) string { return text }

// inCamelCase begins the names of all members in lower case, and those that begin with several capitals with as many
// small letters less one.
func inCamelCase(t testing.TB, text string) string {
	t.Helper()
	var value any
	require.NoError(t, json.Unmarshal([]byte(text), &value))
	var change func(any) any
	change = func(value any) any {
		switch value := value.(type) {
		case []any:
			for i := range value {
				value[i] = change(value[i])
			}
		case map[string]any:
			changed := map[string]any{}
			for name, one := range value {
				changed[camel(name)] = change(one)
			}
			return changed
		}
		return value
	}
	data, err := json.Marshal(change(value))
	require.NoError(t, err)
	return string(data)
}

func camel(name string) string {
	letters := []rune(name)
	for i := range letters {
		if i > 0 && i+1 < len(letters) && unicode.IsLower(letters[i+1]) {
			break
		}
		letters[i] = unicode.ToLower(letters[i])
	}
	return string(letters)
}

// service is a mocked Enterprise Manager.
type service struct {
	*wiretest.Service
	t testing.TB
	dialect
}

func newService(t testing.TB, speaks dialect) *service {
	return &service{wiretest.NewService(t, manager), t, speaks}
}

// answers gives a sample; an empty name is an answer without a body.
func (s *service) answers(status int, sample string) httpmock.Responder {
	s.t.Helper()
	if sample == "" {
		return httpmock.NewStringResponder(status, "")
	}
	return s.says(status, s.answer(s.t, s.sample(sample)))
}

// says gives a document.
func (s *service) says(status int, text string) httpmock.Responder {
	return wiretest.WithHeader(httpmock.NewStringResponder(status, text), "Content-Type", s.mediaType)
}

// sample returns a sample in the service's encoding.
func (s *service) sample(name string) string { return read(s.t, name+s.extension) }

func read(t testing.TB, file string) string {
	t.Helper()
	data, err := os.ReadFile(samplesDir + "/" + file)
	require.NoError(t, err)
	return string(data)
}

// signsIn lays out sign-ins with a token each.
func (s *service) signsIn(sample string, tokens ...string) {
	s.t.Helper()
	answers := make([]httpmock.Responder, len(tokens))
	for i, token := range tokens {
		answers[i] = wiretest.WithHeader(s.answers(201, sample), "X-RestSvcSessionId", token)
	}
	s.On("POST", "/api/sessionMngr/", answers...)
}

// client returns a client over the mocked service whose token is given, so that it does not sign in.
func (s *service) client(options ...drkit.Option) *cloudreplica.Client {
	s.t.Helper()
	return s.clientOf(cloudreplica.Token(drkit.NewSecret(givenToken)), options...)
}

func (s *service) clientOf(credentials cloudreplica.Credentials, options ...drkit.Option) *cloudreplica.Client {
	s.t.Helper()
	return newClient(s.t, s.Mock, credentials, slices.Concat(s.options, options)...)
}

func newClient(t testing.TB, network http.RoundTripper, credentials cloudreplica.Credentials, options ...drkit.Option) *cloudreplica.Client {
	t.Helper()
	client, err := cloudreplica.NewClient(manager, credentials, append([]drkit.Option{drkit.WithTransport(network)}, options...)...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

// ops are credentials of an account.
func ops() cloudreplica.Credentials {
	return cloudreplica.Login(`HARBOR\ops`, drkit.NewSecret("correct horse"))
}

// headers are all that a request has; an empty token is none. The service takes no operation ID.
func (s *service) headers(token string, hasBody bool) http.Header {
	h := http.Header{"Accept": {s.mediaType}, "User-Agent": {"drkit-go"}}
	if token != "" {
		h["X-Restsvcsessionid"] = []string{token}
	}
	if hasBody {
		h["Content-Type"] = []string{s.mediaType}
	}
	return h
}

// sameBody checks that what was sent says what a sample says. In XML the order of elements counts.
func (s *service) sameBody(sample, sent string) {
	s.t.Helper()
	if s.extension == ".json" {
		assert.JSONEq(s.t, s.sample(sample), sent)
		return
	}
	assert.True(s.t, strings.HasPrefix(sent, `<?xml version="1.0" encoding="utf-8"?><`), sent)
	assert.Equal(s.t, tokens(s.t, s.sample(sample)), tokens(s.t, sent))
}

// tokens returns what stands in a document, without white space around it and whatever the order of attributes.
func tokens(t testing.TB, document string) []string {
	t.Helper()
	decoder := xml.NewDecoder(bytes.NewBufferString(document))
	var all []string
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		require.NoError(t, err)
		switch token := token.(type) {
		case xml.StartElement:
			all = append(all, "<"+token.Name.Space+" "+token.Name.Local)
			var attributes []string
			for _, a := range token.Attr {
				attributes = append(attributes, a.Name.Local+"="+a.Value)
			}
			slices.Sort(attributes)
			all = append(all, attributes...)
		case xml.EndElement:
			all = append(all, ">")
		case xml.CharData:
			if text := strings.TrimSpace(string(token)); text != "" {
				all = append(all, text)
			}
		}
	}
}

// answerOf returns the answer of the service that err holds.
func answerOf(t testing.TB, err error) *drkit.Error {
	t.Helper()
	var answer *drkit.Error
	require.ErrorAs(t, err, &answer)
	return answer
}

// sending is the context of the tests that look at the one request of a call.
func sending(t testing.TB) context.Context { return drkit.WithoutNote(t.Context()) }

func isUnknown(err error) bool { return errors.Is(err, drkit.ErrOutcomeUnknown) }

// responders says documents one after the other.
func responders(s *service, texts []string) []httpmock.Responder {
	answers := make([]httpmock.Responder, len(texts))
	for i, text := range texts {
		answers[i] = s.says(200, text)
	}
	return answers
}
