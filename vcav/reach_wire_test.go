package vcav_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// reach is a mocked appliance that knows its sessions: one token at a time is good, and it reaches the
// sites that it was extended to since. Each answer takes a tenth of a second, so run it in synctest.
type reach struct {
	*service

	mu      sync.Mutex
	signIns int
	token   string
	sites   map[string]bool
	extend  map[string]httpmock.Responder // what extensions to a site come to, instead of working
}

const took = 100 * time.Millisecond

func newReach(t *testing.T) *reach {
	t.Helper()
	r := &reach{service: newService(t), extend: map[string]httpmock.Responder{}}
	r.onAny(r.answer)
	return r
}

// signedIn returns a client of its own credentials whose session reaches these sites.
func (r *reach) signedIn(sites []string, options ...drkit.Option) *vcav.Client {
	r.t.Helper()
	return r.extended(r.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")), options...), sites)
}

// extended extends the session of a client to sites, and forgets the requests.
func (r *reach) extended(client *vcav.Client, sites []string) *vcav.Client {
	r.t.Helper()
	for _, site := range sites {
		_, err := client.Sessions.Extend(r.t.Context(), extensionTo(site))
		require.NoError(r.t, err)
	}
	r.forget()
	return client
}

func extensionTo(site string) vcav.Extension {
	return vcav.WithVCDCredentials(site, "admin@"+site, drkit.NewSecret("password of "+site))
}

// expire ends the session.
func (r *reach) expire() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.token = ""
}

// lose ends the session at a site.
func (r *reach) lose(site string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.sites, site)
}

// refuse makes extensions to a site come to an answer; nil lets them work again.
func (r *reach) refuse(site string, answer httpmock.Responder) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.extend[site] = answer
}

func (r *reach) answer(request *http.Request) (*http.Response, error) {
	decided := r.decide(request)
	select {
	case <-time.After(took):
		return decided(request)
	case <-request.Context().Done():
		return nil, request.Context().Err()
	}
}

func (r *reach) decide(request *http.Request) httpmock.Responder {
	r.mu.Lock()
	defer r.mu.Unlock()
	path := strings.Trim(request.URL.Path, "/")
	site := request.URL.Query().Get("site")
	switch {
	case request.Method == "POST" && path == "sessions":
		r.signIns++
		r.token, r.sites = fmt.Sprintf("token-%d", r.signIns), map[string]bool{}
		return withHeader(r.session(), "X-VCAV-Auth", r.token)
	case request.Header.Get("X-VCAV-Auth") != r.token || r.token == "":
		return answer(r.t, 401, "error_not_authenticated")
	case path == "sessions/extend":
		return r.extension(request)
	case request.Method == "DELETE" && path == "sessions":
		r.token = ""
		return httpmock.NewStringResponder(204, "")
	case request.Method == "DELETE" && strings.HasPrefix(path, "sessions/"):
		delete(r.sites, strings.TrimPrefix(path, "sessions/"))
		return r.session()
	case path == "sessions":
		return r.session()
	case site != "" && !r.sites[site]:
		return answer(r.t, 401, "error_remote_authentication_failure")
	case strings.HasPrefix(path, "tasks/"):
		return answer(r.t, 200, "tasks_get.running")
	case request.Method == "GET":
		return answer(r.t, 200, "vm_replications_get.answer")
	default:
		return taskAt("RUNNING", 0)
	}
}

// extension answers a request to extend the session. The caller holds the lock.
func (r *reach) extension(request *http.Request) httpmock.Responder {
	var asked struct{ Site string }
	assert.NoError(r.t, json.NewDecoder(request.Body).Decode(&asked))
	if trouble := r.extend[asked.Site]; trouble != nil {
		return trouble
	}
	r.sites[asked.Site] = true
	return r.session()
}

// session shows which sites the session reaches. The caller holds the lock.
func (r *reach) session() httpmock.Responder {
	session := signedInSession()
	for site := range r.sites {
		session.AuthenticatedSites = append(session.AuthenticatedSites, vcav.AuthenticatedSite{Site: site, Org: "acme"})
	}
	body, err := json.Marshal(session)
	assert.NoError(r.t, err)
	return httpmock.NewBytesResponder(200, body)
}

// tokens returns what the requests so far have identified themselves with.
func (r *reach) tokens() []string {
	var tokens []string
	for _, request := range r.all() {
		tokens = append(tokens, request.header.Get("X-VCAV-Auth"))
	}
	return tokens
}

// extendedTo returns the sites that the extensions so far were to, in their order.
func (r *reach) extendedTo() []string {
	var sites []string
	for _, request := range r.all() {
		var body struct{ Site string }
		if request.line == extendLine && assert.NoError(r.t, json.Unmarshal([]byte(request.body), &body)) {
			sites = append(sites, body.Site)
		}
	}
	return sites
}

const (
	signInLine = "POST /sessions"
	extendLine = "POST /sessions/extend"
	getLine    = "GET /vm-replications/" + ordersID
	syncLine   = "POST /vm-replications/" + ordersID + "/sync"
)

// read asks for a replication, at a site if one is named.
func read(t *testing.T, client *vcav.Client, site string) error {
	t.Helper()
	replications := &client.VMReplications.SiteVMReplications
	if site != "" {
		replications = client.Site(site).VMReplications
	}
	_, err := replications.Get(wire(t), ordersID)
	return err
}
