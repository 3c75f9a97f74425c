package vspheretest

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

const sessionHeader = "x-dr-session"

// session is somebody who has signed in at one site.
type session struct {
	user     string
	observer bool
	operator bool // never ends and is signed in everywhere
	created  time.Time
	used     time.Time
	remote   map[string]string // users at remote sites, by the id of the pairing
}

// freshToken makes a session token.
func freshToken() string {
	raw := make([]byte, 24)
	_, _ = rand.Read(raw) // never fails, says its documentation
	return base64.RawURLEncoding.EncodeToString(raw)
}

// sessionOf returns the session of a call: that of its token, or the one that an operator has brought along.
func (s *site) sessionOf(call *simkit.Call) (*session, error) {
	if own, brought := call.Session.(*session); brought {
		return own, nil
	}
	token, now := call.Header.Get(sessionHeader), s.world.now
	found, open := s.sessions[token]
	if !open {
		return nil, notAuthenticated()
	}
	if now.Sub(found.used) >= s.world.config.idle || now.Sub(found.created) >= s.world.config.absolute {
		delete(s.sessions, token)
		return nil, notAuthenticated()
	}
	found.used = now
	return found, nil
}

// credentials reads the Basic authentication of a request.
func credentials(call *simkit.Call) (user, password string, ok bool) {
	return (&http.Request{Header: call.Header}).BasicAuth()
}

func (w *world) signIn(call *simkit.Call, v *visit) (any, error) {
	user, password, given := credentials(call)
	who, known := v.site.account(user, password)
	if !given || !known {
		return nil, notAuthenticated()
	}
	token := freshToken()
	v.site.sessions[token] = &session{
		user: who.user, observer: who.observer, created: w.now, used: w.now, remote: map[string]string{},
	}
	call.User = who.user
	return object{"session_id": token}, nil
}

func (w *world) getSession(_ *simkit.Call, v *visit) (any, error) {
	return object{"username": v.session.user}, nil
}

func (w *world) signOut(call *simkit.Call, v *visit) (any, error) {
	delete(v.site.sessions, call.Header.Get(sessionHeader))
	return nil, nil
}

// remoteSignIn lets a session in at the remote site. Its answer has no second token: the session has gained it.
func (w *world) remoteSignIn(call *simkit.Call, v *visit) (any, error) {
	if w.config.oneVCenter {
		return nil, badRequest("The pairing has one vCenter Server: there is no remote site to sign in to.")
	}
	user, password, given := credentials(call)
	if _, known := v.pairing.remote.account(user, password); !given || !known {
		return nil, notAuthenticated()
	}
	v.session.remote[v.pairing.id] = user
	return nil, nil
}

func (w *world) remoteUser(_ *simkit.Call, v *visit) (any, error) {
	user := v.session.remote[v.pairing.id]
	if v.session.operator || w.config.oneVCenter {
		user = v.session.user
	}
	return object{"username": user}, nil
}
