package transport

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
)

// Config is what a service tells the transport about itself.
type Config struct {
	Service  string // prefix of operation names, as in "vcav"
	Endpoint string // base URL
	// Base is what stands between the endpoint and the paths of operations, as in "/api/v2"; version is empty
	// unless an option names one. Nil for nothing.
	Base          func(version string) string
	TraceHeader   string   // carries the operation ID; empty for a service that takes none
	RequestIDs    []string // headers of answers that name the request, the first that is there counts
	SiteParameter string   // of the query, names the site of a call
	// Header goes out with every request, by canonical names.
	Header map[string]string
	// SlashBeforeQuery is for services that write /things/?limit=1, and /things without a query.
	SlashBeforeQuery bool
	// LooseScalars also takes numbers and truth values for text, and text for truth values: for services that
	// have no types of their own.
	LooseScalars bool
	// LooseLists also takes an object for the list that has it as its only element.
	LooseLists bool
	// ScopeParameter is the parameter of paths that names what a client is for as a whole, such as a project, and
	// Scope its value; calls do not give it. Both are empty for services without such a thing.
	ScopeParameter, Scope string
	// Elsewhere is for a client whose service has more than one address: Endpoint may be left to the session,
	// as Scope may, and WithPlainHTTP may be meant for another one.
	Elsewhere bool
	// Sign signs a request as it is about to leave, with its body, instead of a session: each attempt anew.
	Sign func(request *http.Request, body []byte) error
	// Beside is another client of the same user's client: both keep one rate limit.
	Beside *Client
	// Codec is how bodies are written and read; the zero Codec is JSON.
	Codec Codec
	// Accept returns the media type to ask for, of a file to download or of anything else; version is empty
	// unless an option names one.
	Accept  func(version string, file bool) string
	Session Session
	// DecodeError reads an error answer. It returns false for what is not in the service's own format,
	// such as a proxy's page.
	DecodeError func(status int, body []byte) (ServiceError, bool)
	// Window is how long a service counts requests for before it begins anew; 0 if that is not known. After a 429
	// that does not say how long to wait, the pauses of a call take as long together, within the caps of its retries.
	Window   time.Duration
	Secrets  []drkit.Secret // values that must not show in errors and observed answers
	LogQuery []string       // names of query parameters whose values may be logged
	Options  []drkit.Option
}

// ServiceError is what a service says in an error answer.
type ServiceError struct {
	Code    string // empty for a service, or an answer, without codes
	Message string
	Args    []string
	Stack   string
	// RequestID is the service's own name for the request, where no header has it.
	RequestID string
	Kind      error // sentinel, or what wraps one; nil leaves it to the status
}

// Client sends the calls of one service client. It is safe for concurrent use.
type Client struct {
	config    Config
	settings  settings.Settings
	codec     Codec
	place     *place
	attempts  *attempts
	retry     *retryablehttp.Client
	pace      *pace
	session   *session
	deadlines deadlines
	underWay  underWay
	shared    flights
	resources resources
	accept    string
	file      string // what downloads accept
	// The header names in canonical form, as net/http keeps them.
	traceHeader, tokenHeader string
	logQuery                 map[string]bool
	ownPool                  *http.Transport // nil where the connections are the user's

	life  context.Context // ends with Close
	close context.CancelCauseFunc

	hiddenMu sync.RWMutex
	hidden   []drkit.Secret // what must not show

	closing atomic.Bool
	closed  chan struct{} // closed when the first Close is over
}

// New returns a Client. It sends nothing.
func New(config Config) (*Client, error) {
	s := settings.Settings{}
	for _, option := range config.Options {
		if option == nil {
			return nil, errors.New("option is nil")
		}
		if err := option.Apply(&s); err != nil {
			return nil, err
		}
	}
	if err := s.Validate(); err != nil {
		return nil, err
	}
	where, err := newPlace(config, s)
	if err != nil {
		return nil, err
	}
	c := &Client{config: config, settings: s.WithDefaults(), place: where, logQuery: map[string]bool{}, closed: make(chan struct{})}
	c.underWay.nobody = make(chan struct{})
	c.codec = config.Codec.orJSON(looseness{config.LooseScalars, config.LooseLists})
	c.accept, c.file = config.Accept(s.APIVersion, false), config.Accept(s.APIVersion, true)
	c.traceHeader = http.CanonicalHeaderKey(config.TraceHeader)
	c.tokenHeader = http.CanonicalHeaderKey(config.Session.Header)
	for _, name := range config.LogQuery {
		c.logQuery[name] = true
	}
	if c.pace = newPace(s); config.Beside != nil {
		c.pace = config.Beside.pace
	}
	c.Hide(config.Secrets...)
	c.deadlines.limit = c.settings.AttemptTimeout
	c.life, c.close = context.WithCancelCause(context.Background())
	c.shared = flights{life: c.life, timeout: 4 * c.settings.AttemptTimeout}
	c.session = newSession(c.life, config.Session, c.settings.AttemptTimeout)
	c.session.place, c.session.failed = where, c.logRenewal
	c.attempts = &attempts{client: c, next: c.newChain()}
	c.retry = c.newRetry()
	return c, nil
}

// newChain stacks what one attempt goes through, from the innermost out.
func (c *Client) newChain() http.RoundTripper {
	var chain http.RoundTripper
	chain, c.ownPool = baseTransport(c.settings)
	chain = &wire{next: chain}
	for i := len(c.settings.Middleware) - 1; i >= 0; i-- {
		chain = c.settings.Middleware[i](chain)
	}
	return chain
}

// Polling returns the schedule for the pollers of this client.
func (c *Client) Polling() drkit.PollingOption {
	return drkit.WithPolling(drkit.PollPolicy(c.settings.Polling))
}

// Schedule returns how often waits look, and what they put up with.
func (c *Client) Schedule() settings.Polling { return c.settings.Polling }

// BetweenLooks lets as much time pass as there is between the first two looks of a wait: for an end that has to be seen
// twice, by a poller of which nobody may take another look. Where that is cut short, the look that follows says why.
func (c *Client) BetweenLooks(ctx context.Context) { _ = c.sleep(ctx, c.settings.Polling.MinInterval) }

// Share runs do once for all who ask for it under the same key at the same time, on a context of its own, and
// returns how it has ended. It takes no longer than four attempts may.
func (c *Client) Share(ctx context.Context, key string, do func(context.Context) error) error {
	return c.shared.do(ctx, key, do)
}

// Name makes sure that ctx carries an operation ID, and returns it: who follows up on a call needs to
// know the ID that it went out with.
func (c *Client) Name(ctx context.Context) (context.Context, string, error) {
	id, err := drkit.OperationID(ctx)
	if err != nil || id != "" {
		return ctx, id, err
	}
	id = newOperationID()
	return drkit.WithOperationID(ctx, id), id, nil
}

// Logger returns the user's logger, never nil.
func (c *Client) Logger() *slog.Logger { return c.settings.Logger }

// Prefetch reports whether lists fetch the next page while the caller works on this one.
func (c *Client) Prefetch() bool { return !c.settings.NoPrefetch }

// ParallelPages returns how many pages of a list may be fetched at a time.
func (c *Client) ParallelPages() int { return max(1, c.settings.ParallelPages) }

// Hide takes secrets that must not show in errors and observed answers, beside those of the Config.
func (c *Client) Hide(secrets ...drkit.Secret) {
	c.hiddenMu.Lock()
	defer c.hiddenMu.Unlock()
	for _, secret := range secrets {
		known := func(s drkit.Secret) bool { return s.Reveal() == secret.Reveal() }
		if !slices.ContainsFunc(c.hidden, known) {
			c.hidden = append(c.hidden, secret)
		}
	}
}

// Closed returns a channel that is closed with the client.
func (c *Client) Closed() <-chan struct{} { return c.life.Done() }

// Close ends calls that are under way with ErrClosed, lets them return, signs out of a session that this client
// began, and closes idle connections that are its own. A later Close waits for the first to end and does nothing.
func (c *Client) Close(ctx context.Context) error {
	if c.closing.Swap(true) {
		select {
		case <-c.closed:
			return nil
		case <-ctx.Done():
			return endOf(ctx)
		}
	}
	defer close(c.closed)
	c.underWay.close()
	c.close(drkit.ErrClosed)
	c.deadlines.endAll(drkit.ErrClosed)
	c.underWay.wait(ctx)
	var err error
	if !c.config.Session.Outlives {
		err = c.session.end(ctx)
	}
	c.closeIdle()
	gone := errors.Is(err, drkit.ErrUnauthorized) || errors.Is(err, drkit.ErrNotFound)
	if err == nil || gone { // a session that was gone already is what Close is for
		return nil
	}
	return err
}

// SignIn makes sure that there is a session, under the operation ID and the observer of ctx, and tries credentials again that were refused before.
func (c *Client) SignIn(ctx context.Context) error {
	if err := c.enter(false); err != nil {
		return err
	}
	defer c.leave()
	id, err := drkit.OperationID(ctx)
	if err != nil {
		return err
	}
	c.session.forgive()
	if c.config.Sign != nil {
		return nil // there is no session: the next call shows
	}
	_, _, err = c.session.get(ctx, 0, func(signIn context.Context) context.Context {
		if id != "" {
			signIn = drkit.WithOperationID(signIn, id)
		}
		return context.WithValue(signIn, settings.ObserverKey{}, ctx.Value(settings.ObserverKey{}))
	})
	return err
}

// unnamed leaves a sign-in that a call causes without the name of that call: it serves others, too.
func unnamed(signIn context.Context) context.Context { return signIn }

// SignOut ends the session; the next call begins a new one.
func (c *Client) SignOut(ctx context.Context) error {
	if c.life.Err() != nil {
		return drkit.ErrClosed
	}
	if c.session.given() {
		return errors.New("the session token was given to this client, so it is not this client's to end")
	}
	return c.session.end(ctx)
}

// enter refuses calls of a client that is closed. Those under way are ended by their attempts, or in the
// pause between two. The call of the last moment, sign-out, outlives the client.
func (c *Client) enter(last bool) error {
	if !c.underWay.enter(last) {
		return drkit.ErrClosed
	}
	return nil
}

// leave ends a call and, once the client is closed, the dials that net/http goes on with after their requests
// have given up.
func (c *Client) leave() {
	if c.underWay.leave() {
		c.closeIdle()
	}
}

// alive returns a context that also ends when the client closes.
func (c *Client) alive(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.life, func() { cancel(drkit.ErrClosed) })
	return ctx, func() { stop(); cancel(nil) }
}

func (c *Client) closeIdle() {
	if c.ownPool != nil {
		c.ownPool.CloseIdleConnections()
	}
}

// parseEndpoint checks a base URL; mixed allows https beside WithPlainHTTP.
func parseEndpoint(endpoint string, s settings.Settings, mixed bool) (*url.URL, error) {
	base, err := url.Parse(strings.TrimSpace(endpoint))
	if err != nil {
		return nil, errors.New("endpoint is not a URL") // the parser's error repeats it, password and all
	}
	switch {
	case base.User != nil:
		return nil, errors.New("endpoint holds a user name: credentials go into their own parameter")
	case base.Host == "" || base.Opaque != "":
		return nil, fmt.Errorf("endpoint %q is not a URL with a host, such as https://appliance.example.com", endpoint)
	case base.RawQuery != "" || base.Fragment != "":
		return nil, fmt.Errorf("endpoint %q must not have a query or a fragment", endpoint)
	case base.Scheme == "http" && !s.PlainHTTP:
		return nil, fmt.Errorf("endpoint %q would send credentials in the clear: use https, or WithPlainHTTP", endpoint)
	case base.Scheme == "https" && s.PlainHTTP && !mixed:
		return nil, fmt.Errorf("WithPlainHTTP contradicts the endpoint %q", endpoint)
	case base.Scheme != "https" && base.Scheme != "http":
		return nil, fmt.Errorf("endpoint %q must begin with https://", endpoint)
	}
	base.Path = strings.TrimRight(base.Path, "/")
	base.RawPath = strings.TrimRight(base.RawPath, "/")
	return base, nil
}
