package simkit

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Rule breaks answers on purpose. The first group of members says which requests it hits, the second when,
// the third how; at least one of the third must be set, and those that contradict each other are refused
// by [Server.Inject]. Delay and Do go with any of them.
type Rule struct {
	Operation string // the operation's name in the table; empty: every operation
	Resource  string // the path's argument, such as a replication's id; empty: every resource
	Site      string // the site that the query names; empty: every site

	Skip  int // how many matching requests pass unharmed first
	Times int // how many are then hit; 0: all
	// After lets the work be done before the rule acts; by default nothing runs. Requests that the service
	// refuses by itself do not match then, for no work was done.
	After bool

	// AfterBytes lets this many bytes of the answer's body out before the rule strikes; Delay, Do, Drop,
	// Reset, Hang and Truncate can. A shorter body goes out whole first. Without it Truncate lets half of the
	// body out, and the others nothing, not even a status. It needs After or a Status, for else there is no
	// body.
	AfterBytes int64

	// Delay waits, by the server's clock. A client that gives up during a delay before the work leaves
	// nothing done. Alone, a delay only makes the answer late, or interrupts it.
	Delay time.Duration
	// Late lets the work be done after all, so long after the request came by the server's clock, as a queue
	// or a stuck proxy in front of the service does: whatever the client was told, and also when it has gone.
	// Only then does the service look at the session and at its state, and it may refuse; the audit shows
	// both. It goes with a rule that answers, cuts or hangs before the work. Like all that a simulator plans,
	// it is done when somebody next looks, as of the time that was planned.
	Late time.Duration
	// Do is called when the rule strikes, after its Delay, and the request waits for it: so that something
	// happens just before the work, or just after it. It may use the server, but not close it.
	Do func()
	// Hang never answers, nor closes the connection: it is the client that gives up.
	Hang bool
	// Drop closes the connection without an answer. On HTTP/2 the other requests on that connection are
	// lost with it, and the last of AfterBytes may be. Mind that net/http by itself repeats a GET that a
	// connection which it had used before swallowed.
	Drop bool
	// Reset does the same with a TCP RST: clients see "connection reset by peer", or on HTTP/2 sometimes
	// only that the connection has ended. Of AfterBytes they lose what they have not read by then.
	Reset bool
	// Truncate announces the whole answer, sends half of it and closes. Before the work it needs a Status,
	// for there is no other answer to halve.
	Truncate bool
	// EndlessBody answers 200 (or Status) with a JSON string, or an XML element, that never ends.
	EndlessBody bool
	// Redirect answers 307 (or Status) with this Location.
	Redirect string
	// Status answers this status: with Body, where that is given, else with an error in the service's own
	// format made of Code and Message, for which the service has defaults.
	Status      int
	Code        string
	Message     string
	Body        string
	ContentType string        // of Body; "text/html;charset=UTF-8" by default, as proxies answer
	RetryAfter  time.Duration // sent in whole seconds, rounded up
	Header      http.Header   // more headers of the answer
}

// validate reports the first thing about the rule that makes no sense.
func (r Rule) validate() error {
	cuts := 0
	for _, set := range []bool{r.Hang, r.Drop, r.Reset, r.Truncate, r.EndlessBody, r.Redirect != ""} {
		if set {
			cuts++
		}
	}
	answers := r.Status != 0 || r.EndlessBody || r.Redirect != ""
	switch {
	case r.Skip < 0 || r.Times < 0 || r.AfterBytes < 0 || r.Delay < 0 || r.Late < 0 || r.RetryAfter < 0:
		return errors.New("a negative Skip, Times, AfterBytes, Delay, Late or RetryAfter makes no sense")
	case cuts > 1:
		return errors.New("only one of Hang, Drop, Reset, Truncate, EndlessBody and Redirect can happen")
	case r.Late > 0 && (r.After || !r.acts()):
		return errors.New("work is Late only after a rule that answers, cuts or hangs before it")
	case !r.acts() && r.Delay == 0 && r.Do == nil:
		return errors.New("the rule does nothing: set Delay, Do, Hang, Drop, Reset, Truncate, EndlessBody, Redirect or Status")
	case r.AfterBytes > 0 && (r.EndlessBody || r.Redirect != "" || (cuts == 0 && r.Delay == 0 && r.Do == nil)):
		return errors.New("AfterBytes is where a Delay, Do, Hang, Drop, Reset or Truncate strikes")
	case r.AfterBytes > 0 && !r.After && r.Status == 0:
		return errors.New("AfterBytes before the work need a Status: there is no other answer to break")
	case r.silent() && r.Status != 0:
		return errors.New("no Status goes out when the connection is dropped, reset or left hanging")
	case r.Truncate && !r.After && r.Status == 0:
		return errors.New("a Truncate before the work needs a Status: there is no other answer to halve")
	case r.Status != 0 && (r.Status < 200 || r.Status > 599):
		return fmt.Errorf("status %d is not a final HTTP status", r.Status)
	case r.Status == 0 && (r.Code != "" || r.Message != "" || r.Body != ""):
		return errors.New("a Code, Message or Body needs a Status")
	case !answers && (r.RetryAfter != 0 || len(r.Header) > 0):
		return errors.New("a RetryAfter or Header needs an answer of the rule's own")
	case r.Body == "" && r.ContentType != "":
		return errors.New("the ContentType describes Body, which is empty")
	case r.Body != "" && (r.Code != "" || r.Message != ""):
		return errors.New("a Body replaces Code and Message")
	}
	return nil
}

// silent reports whether the rule lets nothing out at all.
func (r Rule) silent() bool { return (r.Hang || r.Drop || r.Reset) && r.AfterBytes == 0 }

// breaks reports whether an answer on which the rule has struck is never finished.
func (r Rule) breaks() bool { return r.Hang || r.Drop || r.Reset || r.Truncate }

// acts reports whether the rule does something to the answer besides delaying it.
func (r Rule) acts() bool {
	return r.breaks() || r.EndlessBody || r.Redirect != "" || r.Status != 0
}

// matches reports whether the rule is about this call and this moment.
func (r Rule) matches(call *Call, after bool) bool {
	return r.After == after &&
		(r.Operation == "" || r.Operation == call.Operation.Name) &&
		(r.Resource == "" || r.Resource == call.Resource) &&
		(r.Site == "" || r.Site == call.Site)
}

// String says in a few words what the rule does, for the audit.
func (r Rule) String() string {
	var words []string
	if r.Delay > 0 {
		words = append(words, "delay "+r.Delay.String())
	}
	if r.Status != 0 {
		words = append(words, fmt.Sprintf("status %d", r.Status))
	}
	for _, effect := range []struct {
		set  bool
		word string
	}{
		{r.Do != nil, "do"},
		{r.Hang, "hang"},
		{r.Drop, "drop"},
		{r.Reset, "reset"},
		{r.Truncate, "truncate"},
		{r.EndlessBody, "endless body"},
		{r.Redirect != "", "redirect"},
	} {
		if effect.set {
			words = append(words, effect.word)
		}
	}
	if r.AfterBytes > 0 {
		words = append(words, fmt.Sprintf("after %d bytes", r.AfterBytes))
	}
	if r.Late > 0 {
		words = append(words, "work late by "+r.Late.String())
	}
	moment := "before: "
	if r.After {
		moment = "after: "
	}
	return moment + strings.Join(words, ", ")
}

// answer is what the rule answers itself, if it does; else it lets the given answer stand.
func (r Rule) answer(config *Config, call *Call, stands Answer) Answer {
	var own Answer
	switch {
	case r.Redirect != "":
		own = Answer{Status: http.StatusTemporaryRedirect, Header: http.Header{"Location": {r.Redirect}}}
	case r.Body != "":
		contentType := r.ContentType
		if contentType == "" {
			contentType = "text/html;charset=UTF-8"
		}
		own = Answer{Header: http.Header{"Content-Type": {contentType}}, Body: []byte(r.Body)}
	case r.EndlessBody:
		own = Answer{Status: http.StatusOK, Header: config.ErrorFor(call, http.StatusOK, "", "").Header.Clone()}
	case r.Status != 0:
		own = config.ErrorFor(call, r.Status, r.Code, r.Message)
		own.Header = own.Header.Clone()
	default:
		return stands
	}
	if own.Header == nil {
		own.Header = http.Header{}
	}
	if r.Status != 0 {
		own.Status = r.Status
	}
	if r.RetryAfter > 0 {
		own.Header.Set("Retry-After", fmt.Sprint(int64((r.RetryAfter+time.Second-1)/time.Second)))
	}
	for name, values := range r.Header {
		own.Header[http.CanonicalHeaderKey(name)] = values
	}
	return own
}
