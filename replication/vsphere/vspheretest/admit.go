package vspheretest

import (
	"errors"
	"net/http"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

// The base paths of the API's versions.
const (
	basePathV1 = "/api/rest/vr/v1"
	basePathV2 = "/api/rest/vr/v2"
)

// visit is one admitted request: who asks, where, and in which version of the API.
type visit struct {
	session     *session // nil for operations that need none
	site        *site    // whose server was asked
	pairing     *pairing // that the path names; nil: none
	v1          bool
	replication *replication // that the path names; nil: none
}

// needs is what an operation promises for the case that the remote site cannot be had. Where the answer is only
// partial then, or depends on which site the parameters name, the operation itself sees to it.
type needs uint8

const (
	// alone: the operation works without the remote site.
	alone needs = iota
	// remoteServer: it needs the remote server, but no session there.
	remoteServer
	// remoteSession: it needs both.
	remoteSession
)

// admit refuses what comes too often, and what has no session, no rights or no business at the site.
func (w *world) admit(s *site) func(*simkit.Call) *simkit.Answer {
	return func(call *simkit.Call) *simkit.Answer {
		if !call.Unattended {
			w.peer(s).kit.Settle() // its late work may be due before this call
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.settle(call.Now())
		_, operator := call.Session.(*session)
		if !operator {
			if answer := s.limiter.admit(call.Header.Get(sessionHeader), call.Now()); answer != nil {
				return answer
			}
		}
		v := &visit{site: s, v1: call.Base == basePathV1}
		if err := w.receive(call, v); err != nil {
			answer := answerOf(err)
			return &answer
		}
		call.Session = v
		return nil
	}
}

func answerOf(err error) simkit.Answer {
	var r *refusal
	if !errors.As(err, &r) {
		r = refuse(http.StatusInternalServerError, CodeInternal, "%s", err)
	}
	return r.answer()
}

// receive fills in the visit of a call.
func (w *world) receive(call *simkit.Call, v *visit) error {
	promise := w.table[call.Operation.Name]
	if promise.added && (v.v1 || w.config.version.before(recovering)) {
		return notFound("version %s does not have %s here", w.config.version, call.Operation.Name)
	}
	if promise.anonymous {
		return nil
	}
	var err error
	if v.session, err = v.site.sessionOf(call); err != nil {
		return err
	}
	call.User = v.session.user
	if v.session.observer && call.Operation.Class != api.Read && !promise.anyone {
		return refuse(http.StatusForbidden, CodeForbidden, "User '%s' may only read.", v.session.user)
	}
	if err := v.enter(call); err != nil {
		return err
	}
	switch {
	case promise.needs == remoteSession:
		if gap := v.cutOff(); gap != nil {
			return gap
		}
	case promise.needs == remoteServer && !v.remoteUp():
		return remoteDown(v)
	}
	if promise.recovery && v.replication.target != v.site {
		return refuse(http.StatusBadRequest, CodeRecoverySiteOnly, "Replication '%s' is not incoming here.", v.replication.id)
	}
	return nil
}

// enter finds what the path names: the pairing, and the replication.
func (v *visit) enter(call *simkit.Call) error {
	if id, named := call.Arguments["pairing_id"]; named {
		v.pairing = v.site.pairing
		if v.pairing == nil || v.pairing.id != id {
			return notFound("there is no pairing %q", id)
		}
	}
	if id, named := call.Arguments["replication_id"]; named {
		if v.replication = v.site.world.replication(v.site, id); v.replication == nil {
			return notFound("there is no replication %q", id)
		}
	}
	return nil
}

// remoteUp reports whether the remote server can be reached, and knows the pairing.
func (v *visit) remoteUp() bool {
	remote := v.pairing.remote
	return !remote.down(v.site.world.now) && remote.pairing != nil
}

// cutOff is why nothing can be had from the remote site, or nil.
func (v *visit) cutOff() *refusal {
	switch {
	case v.pairing.remote == v.site:
		return nil
	case !v.remoteUp():
		return remoteDown(v)
	case v.session.operator || v.session.remote[v.pairing.id] != "":
		return nil
	default:
		return refuse(v.site.world.config.remoteStatus, CodeRemoteSessionRequired,
			"The session is not signed in to the remote site '%s'.", v.pairing.remote.name)
	}
}

func remoteDown(v *visit) *refusal {
	return refuse(http.StatusInternalServerError, CodeRemoteSiteDown,
		"The server of the remote site '%s' cannot be reached.", v.pairing.remote.name)
}

// atVCenter returns the site whose vCenter Server the path names. The remote one needs the remote site.
func (v *visit) atVCenter(call *simkit.Call) (*site, error) {
	return v.at(call.Arguments["vcenter_id"], func(s *site) string { return s.vcenter })
}

// atServer returns the site whose management server the path names.
func (v *visit) atServer(call *simkit.Call) (*site, error) {
	return v.at(call.Arguments["vr_id"], func(s *site) string { return s.vrms })
}

func (v *visit) at(id string, of func(*site) string) (*site, error) {
	switch id {
	case of(v.site):
		return v.site, nil
	case of(v.pairing.remote):
		if gap := v.cutOff(); gap != nil {
			return nil, gap
		}
		return v.pairing.remote, nil
	default:
		return nil, notFound("the pairing has no server %q", id)
	}
}

// checkHeader says what is wrong with the headers of a request. Credentials belong to sign-ins alone.
func checkHeader(operation api.Operation, header http.Header) string {
	given := header.Get("Authorization")
	takes := operation.Path == "/session" && operation.Method == http.MethodPost ||
		strings.HasSuffix(operation.Path, "/remote-session") && operation.Method == http.MethodPost
	switch {
	case given != "" && !takes:
		return "Authorization is sent where no credentials are asked for: only x-dr-session belongs here"
	case given != "" && !strings.HasPrefix(given, "Basic "):
		return "Authorization is not Basic"
	case !acceptsJSON(header.Get("Accept")):
		return "Accept does not take application/json"
	}
	return ""
}

func acceptsJSON(accept string) bool {
	if accept == "" {
		return true
	}
	for part := range strings.SplitSeq(accept, ",") {
		mediaType, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		if mediaType == contentType || mediaType == "*/*" || mediaType == "application/*" {
			return true
		}
	}
	return false
}
