package checkpointstest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// visit is one admitted request: who asks, and in which project.
type visit struct {
	call    *simkit.Call
	region  *region
	project *project // nil for operations without one in their path
	user    string
	userID  string
	domain  *domain
	route   route
}

// argument returns an argument of the path, without the project, counted from 0.
func (v *visit) argument(at int) string {
	names := argumentNames(v.route.rest)
	if at >= len(names) {
		return ""
	}
	return v.call.Arguments[names[at]]
}

// argumentNames are what a template has in braces, in its order.
func argumentNames(template string) []string {
	var names []string
	for segment := range strings.SplitSeq(template, "/") {
		if strings.HasPrefix(segment, "{") {
			names = append(names, strings.Trim(segment, "{}"))
		}
	}
	return names
}

// admit refuses what comes too often, from nobody or to a project that is not theirs.
func (r *region) admit(call *simkit.Call) *simkit.Answer {
	if !call.Unattended {
		r.cloud.settleLate() // also of the other regions, whose work shows here
		if r.config.latency > 0 && r.cloud.clock.Sleep(call.Context, r.config.latency) != nil {
			return &simkit.Answer{}
		}
	}
	r.cloud.mu.Lock()
	defer r.cloud.mu.Unlock()
	r.cloud.settle(call.Now())
	if wait := r.calls.over(r.now(), r.config.rateCalls, r.config.ratePer); wait > 0 && !call.Unattended {
		answer := r.refused(refuse(CodeThrottled, "The throttling threshold has been reached: policy user over ratelimit,limit:%d,time:%s", r.config.rateCalls, words(r.config.ratePer)))
		retryAfter(&answer, wait)
		return &answer
	}
	v, err := r.receive(call)
	if err != nil {
		answer := r.refused(err)
		return &answer
	}
	call.Session, call.User = v, v.user
	return nil
}

// receive finds out who asks, and for what.
func (r *region) receive(call *simkit.Call) (*visit, error) {
	v := &visit{call: call, region: r, route: r.routes[call.Operation.Name]}
	if v.route.hwc && r.config.flavour != HuaweiCloud {
		return nil, refuse(CodeRouteUnknown, "The API does not exist or has not been published in the environment")
	}
	if call.Operation.Anonymous {
		return v, nil
	}
	if err := r.identify(v); err != nil {
		return nil, err
	}
	if v.route.scope == "" {
		return v, nil
	}
	id := call.Arguments[v.route.scope]
	v.project = r.project(id)
	if v.project == nil || v.project.domain != v.domain {
		return nil, malformed()
	}
	return v, nil
}

// identify fills in who asks: the holder of a token, or of the key that signed the request, or an operator.
func (r *region) identify(v *visit) error {
	if by, brought := v.call.Session.(*operatorSession); brought {
		v.user, v.userID, v.domain = by.name, plainID("user", by.domain.name, by.name), by.domain
		return nil
	}
	value := v.call.Header.Get(tokenHeader)
	switch {
	case value == "" && v.call.Header.Get("Authorization") != "":
		key, err := r.checkSignature(v.call)
		if err != nil {
			return err
		}
		if id := v.call.Header.Get("X-Project-Id"); id != "" && v.route.scope != "" && id != v.call.Arguments[v.route.scope] {
			return refuse(CodeTokenRefused, "Incorrect IAM authentication information: x-project-id is %q", id)
		}
		v.user, v.userID, v.domain = key.user.name, key.user.id, key.domain
		return permit(key.user, v.call)
	case value == "":
		return r.unauthorized(refuse(CodeNoCredentials, "No credentials."), "x-auth-token not found")
	}
	t, err := r.cloud.iam.check(value)
	if err != nil {
		return r.unauthorized(err, "decrypt token fail")
	}
	if v.route.scope != "" && (t.project == nil || t.project.id != v.call.Arguments[v.route.scope]) {
		return malformed()
	}
	v.user, v.userID, v.domain = t.user.name, t.user.id, t.user.domain
	return permit(t.user, v.call)
}

// permit refuses what a user may not do.
func permit(by *user, call *simkit.Call) error {
	if by.may(call.Operation.Roles) {
		return nil
	}
	reason := refuse(CodeForbidden, "You are not authorized to perform the requested action: %s.", strings.Join(call.Operation.Roles, ", "))
	reason.form = detailedForm
	return reason
}

// unauthorized says in the form that the options name that credentials are not taken.
func (r *region) unauthorized(reason *refusal, gateway string) *refusal {
	switch r.config.quirks.unauthorized {
	case IAMErrors:
		return reason
	case KeystoneErrors:
		return reason.in(keystoneForm)
	default:
		return refuse(CodeTokenRefused, "Incorrect IAM authentication information: %s", gateway)
	}
}

// refused is an error answer with the header by which the gateway knows the request.
func (r *region) refused(err error) simkit.Answer {
	id := plainID(simkit.FreshID())
	answer := errorAnswer(err, id)
	answer.Header.Set(requestIDHeader, id)
	return answer
}

const requestIDHeader = "X-Request-Id"

func (r *region) errorFor(status int, code, message string) simkit.Answer {
	return r.refused(&refusal{status: status, code: or(code, usualCode(status)), message: or(message, http.StatusText(status))})
}

func retryAfter(answer *simkit.Answer, wait time.Duration) {
	answer.Header.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
}

// words writes a time as the gateway does.
func words(per time.Duration) string {
	if per%time.Minute == 0 {
		return strconv.Itoa(int(per/time.Minute)) + " minute"
	}
	return strconv.Itoa(int(per/time.Second)) + " second"
}

// window counts requests in fixed windows of time.
type window struct {
	begun time.Time
	count int
}

// over counts a request and returns how long the next has to wait where the limit was exceeded. No limit: 0.
func (w *window) over(now time.Time, limit int, per time.Duration) time.Duration {
	if limit == 0 {
		return 0
	}
	if now.Sub(w.begun) >= per {
		w.begun, w.count = now, 0
	}
	w.count++
	if w.count > limit {
		return w.begun.Add(per).Sub(now)
	}
	return 0
}
