package vsphere

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// RemoteSession is the session at the other site of a pairing. Without it, what concerns both sites is refused, and
// what is read lacks what the other site knows.
type RemoteSession struct{ at place }

// SignIn makes the session good for the other site of the pairing, too, as a user there: credentials are a [Login].
// The sign-in comes back by itself with a new session, and where an answer about the pairing is partial or refused,
// which may be for want of it: a call that only reads is then sent again. Where the other site cannot be reached, the
// next calls about the pairing try again, one a minute; but not for a sign-in that has never worked, which is the
// caller's to repeat. One that came with a given [Token] is not this client's to bring back when that session ends.
// Where both ends of the pairing are in one vCenter Server, it does nothing: the service needs no such sign-in then.
// There is no way to sign out of the other site alone. The request is sent at most once.
//
// Errors: [drkit.ErrUnauthorized] if the other site refuses the credentials, which are not tried again by
// themselves then; [drkit.ErrNotFound] if there is no such pairing; [drkit.ErrOutcomeUnknown] if the answer was lost,
// after which it is safe to sign in again.
//
// Source: vSphere Replication REST API reference, "Log in to the remote site".
func (s *RemoteSession) SignIn(ctx context.Context, credentials Credentials) error {
	const name = service + ".RemoteSession.SignIn"
	user, ok := credentials.(login)
	if !ok {
		return fmt.Errorf("%s: the other site takes a Login, not %T", name, credentials)
	}
	if err := user.check(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if strings.TrimSpace(s.at.pairing) == "" {
		return fmt.Errorf("%s: the id of the pairing is empty", name)
	}
	c := s.at.client
	var pairing Pairing
	_, err := c.transport.Do(ctx, transport.Call{
		Operation: &contract.PairingsGet, Path: []string{s.at.pairing}, Check: func() error { return pairing.identified() },
	}, &pairing)
	if err != nil || pairing.OneVCenter() {
		return err
	}
	if err := c.signInAt(ctx, s.at.pairing, user, drkit.Secret{}); err != nil {
		return err
	}
	c.remotes.keep(s.at.pairing, user)
	return nil
}

// Get tells who is signed in at the other site. It is safe to repeat.
//
// Source: vSphere Replication REST API reference, "Remote session user".
func (s *RemoteSession) Get(ctx context.Context) (SessionInfo, error) {
	var session SessionInfo
	err := s.at.do(ctx, transport.Call{Operation: &contract.RemoteSessionGet}, &session)
	return session, err
}

// restEvery is how long a sign-in at another site that has failed is not tried again.
const restEvery = time.Minute

// remotes are the sign-ins at other sites, so that they come back with a new session.
type remotes struct {
	mu  sync.Mutex
	all map[string]remote // by pairing
}

// remote is one sign-in. Credentials that were refused are not tried again, because accounts get locked.
type remote struct {
	user    login
	good    bool // in the session of today
	refused bool
	tried   time.Time
}

func (r *remotes) keep(pairing string, user login) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = map[string]remote{}
	}
	r.all[pairing] = remote{user: user, good: true, tried: time.Now()}
}

// users returns who is to be signed in with a new session, by pairing.
func (r *remotes) users() map[string]login {
	r.mu.Lock()
	defer r.mu.Unlock()
	users := map[string]login{}
	for pairing, one := range r.all {
		if !one.refused {
			users[pairing] = one.user
		}
	}
	return users
}

// missing returns whom to sign in at a pairing, if the session lacks that, and it is time to try.
func (r *remotes) missing(pairing string) (login, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, known := r.all[pairing]
	if !known || one.good || one.refused || time.Since(one.tried) < restEvery {
		return login{}, false
	}
	return one.user, true
}

// doubt takes a sign-in for lost, and reports whether there was one.
func (r *remotes) doubt(pairing string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	one, known := r.all[pairing]
	if !known || one.refused {
		return false
	}
	one.good = false
	r.all[pairing] = one
	return true
}

func (r *remotes) good(pairing string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all[pairing].good
}

// tried takes note of how a sign-in has ended, unless another user has taken the place of that one.
func (r *remotes) tried(pairing string, user login, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.all[pairing]
	if one.user != user {
		return
	}
	one.good, one.tried = err == nil, time.Now()
	one.refused = errors.Is(err, drkit.ErrUnauthorized) || errors.Is(err, drkit.ErrForbidden)
	r.all[pairing] = one
}

// signInAt signs in at the other site of a pairing. A zero token is that of the session.
func (c *Client) signInAt(ctx context.Context, pairing string, user login, token drkit.Secret) error {
	c.transport.Hide(user.secrets()...)
	authorization, _ := user.authorization()
	_, err := c.transport.Do(ctx, transport.Call{
		Operation: &contract.RemoteSessionSignIn, Path: []string{pairing}, Authorization: authorization, Token: token, Session: true,
	}, nil)
	if err == nil {
		return nil
	}
	var unknown *drkit.OutcomeUnknownError
	var answer *drkit.Error
	if errors.As(err, &unknown) && errors.As(unknown.Err, &answer) && !answer.Foreign && answer.Status == 401 {
		err = answer // nothing has come of a sign-in that was refused
	}
	return refused(err)
}

// signInEverywhere signs a new session in at the other sites of the one before, all at once. A site that is not to
// be had now does not keep the session from working elsewhere.
func (c *Client) signInEverywhere(ctx context.Context, token drkit.Secret) {
	var all sync.WaitGroup
	for pairing, user := range c.remotes.users() {
		all.Go(func() { c.tryAt(ctx, pairing, user, token) })
	}
	all.Wait()
}

// signInAgain signs in at the other site of a pairing for an operation that may need it, where a new session could
// not. What becomes of the operation without it is the service's to say.
func (c *Client) signInAgain(ctx context.Context, pairing string, operation *api.Operation) {
	if without, _, _ := strings.Cut(operation.Remote, "/"); without == "ok" || without == "full" {
		return
	}
	user, missing := c.remotes.missing(pairing)
	if !missing {
		return
	}
	_ = c.transport.Share(ctx, "remote session of "+pairing, func(ctx context.Context) error {
		// A session that has ended is refused just as a user is whom the other site does not know: a read tells of it, and
		// the session that follows is signed in there by itself.
		if _, err := c.Appliance.Info(ctx); err != nil {
			return err
		}
		if _, still := c.remotes.missing(pairing); still {
			c.tryAt(ctx, pairing, user, drkit.Secret{})
		}
		return nil
	})
}

// lacking reports whether an answer is one that a session at the other site may make whole: no code for the want of it
// is published.
func lacking(out any, err error) bool {
	var answer *drkit.Error
	if errors.As(err, &answer) {
		return !answer.Foreign && (answer.Status == 400 || answer.Status == 403 || answer.Status == 500)
	}
	switch said := out.(type) {
	case described:
		return len(said.metadata().Errors) > 0
	case interface{ partial() bool }:
		return said.partial()
	default:
		return false
	}
}

// regain signs in again at the other site of a pairing, where an answer may lack that, and reports whether that is done.
func (c *Client) regain(ctx context.Context, pairing string, operation *api.Operation) bool {
	if !c.remotes.doubt(pairing) {
		return false
	}
	c.signInAgain(ctx, pairing, operation)
	return c.remotes.good(pairing)
}

func (c *Client) tryAt(ctx context.Context, pairing string, user login, token drkit.Secret) {
	err := c.signInAt(ctx, pairing, user, token)
	c.remotes.tried(pairing, user, err)
	if err != nil {
		c.transport.Logger().LogAttrs(ctx, slog.LevelWarn, "not signed in again at the other site",
			slog.String("pairing", pairing), slog.String("error", err.Error()))
	}
}

// OneVCenter reports whether both ends of the pairing are in one vCenter Server, so that there is no other site to
// sign in at.
func (p Pairing) OneVCenter() bool {
	return p.LocalVCServer.ID != "" && p.LocalVCServer.ID == p.RemoteVCServer.ID
}
