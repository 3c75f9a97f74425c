package checkpoints_test

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/internal/wiretest"
)

const (
	region  = "https://cbr.orchard-north.example.com"
	project = "f375116ae2f7524d88bd3bf5948e57d7"
	prefix  = "/v3/" + project
	// Tokens hold what a careless client would mangle.
	givenToken = "MIIF-(tide)_07+c/41=="
	samplesDir = "../testdata/checkpoints"
)

// Identifiers that the samples use.
const (
	vaultID      = "45f63b7c-4d27-5a0d-bd04-5accbf4e01b6"
	backupID     = "d53902ca-952c-57a9-a243-ca98782cd5a2"
	checkpointID = "84fcbd1a-838d-5408-a26f-63ee48db4f1e"
	policyID     = "1df44a90-39f2-5344-9497-38d6de21da52"
	taskID       = "df2d8833-a9b8-5fe5-92db-246a29f37d50"
	serverID     = "f8ad1e66-bdb5-561d-9d57-84b2af435c3f"
	otherProject = "48ab26be7f355f99be463ed8377a4193"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m, goleak.IgnoreCurrent()) }

// service is a mocked region.
type service struct {
	*wiretest.Service
	t testing.TB
}

func newService(t testing.TB) *service { return &service{wiretest.NewService(t, region), t} }

// client returns a client over the mocked service whose token is given, so that it does not sign in.
func (s *service) client(options ...drkit.Option) *checkpoints.Client {
	s.t.Helper()
	return newClient(s.t, region, append([]drkit.Option{drkit.WithTransport(s.Mock)}, options...)...)
}

func newClient(t testing.TB, endpoint string, options ...drkit.Option) *checkpoints.Client {
	t.Helper()
	client, err := checkpoints.NewClient(endpoint, project, checkpoints.Token(drkit.NewSecret(givenToken)), options...)
	require.NoError(t, err)
	t.Cleanup(func() { _ = client.Close(context.Background()) })
	return client
}

// headers are all that a request has. The service takes no operation ID.
func headers(hasBody bool) http.Header {
	h := http.Header{"Accept": {"application/json"}, "User-Agent": {"drkit-go"}, "X-Auth-Token": {givenToken}, "X-Language": {"en-us"}}
	if hasBody {
		h["Content-Type"] = []string{"application/json"}
	}
	return h
}

// testdata returns a wire sample.
func testdata(t testing.TB, name string) string {
	t.Helper()
	return wiretest.Read(t, samplesDir, name)
}

// answer gives a sample; an empty name is an answer without a body.
func answer(t testing.TB, status int, sample string) httpmock.Responder {
	t.Helper()
	if sample == "" {
		return httpmock.NewStringResponder(status, "")
	}
	return says(status, testdata(t, sample))
}

// says gives a JSON document.
func says(status int, text string) httpmock.Responder {
	return wiretest.WithHeader(httpmock.NewStringResponder(status, text), "Content-Type", "application/json")
}

// answerOf returns the answer of the service that err holds.
func answerOf(t testing.TB, err error) *drkit.Error {
	t.Helper()
	var answer *drkit.Error
	require.ErrorAs(t, err, &answer)
	return answer
}

// given returns a member of a request sample as what a caller gives; the sample itself if the member is empty.
func given[T any](t testing.TB, sample, member string) T {
	t.Helper()
	text := []byte(testdata(t, sample))
	if member != "" {
		var members map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(text, &members))
		require.Contains(t, members, member)
		text = members[member]
	}
	var value T
	require.NoError(t, json.Unmarshal(text, &value))
	return value
}
