package unitrendstest

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

const contentType = "application/json"

// refusal is an error answer.
type refusal struct {
	status  int
	code    int
	message string
}

// Error returns the message.
func (r *refusal) Error() string { return r.message }

// refuse makes a refusal as replication answers it: with 500, as the wiki says.
func refuse(format string, arguments ...any) error {
	return &refusal{status: http.StatusInternalServerError, code: codeRefused, message: fmt.Sprintf(format, arguments...)}
}

// notFound makes the refusal of an id in a path. Its status is not documented.
func notFound(what, id string) error {
	return &refusal{status: http.StatusNotFound, code: codeNotFound, message: fmt.Sprintf("There is no %s with the id %s.", what, id)}
}

// Codes of results. Nobody documents any: do not build on them.
const (
	codeRefused  = 5000
	codeNotFound = 4040
	codeSession  = 4010
)

// link is the made-up article of the knowledge base for a code.
func link(code int) string { return fmt.Sprintf("https://kb.drkit.test/articles/%06d", code) }

// errorAnswer is an error in the appliance's format.
func (a *appliance) errorAnswer(err error) simkit.Answer {
	var r *refusal
	if !errors.As(err, &r) {
		r = &refusal{status: http.StatusInternalServerError, code: codeRefused, message: err.Error()}
	}
	return a.failure(r.status, object{"code": r.code, "message": r.message, "link": link(r.code)})
}

func (a *appliance) failure(status int, detail object) simkit.Answer {
	shape := a.config.shape
	return simkit.JSON(status, contentType, shape.render(shape.result(detail)))
}

// wrong makes an error for a fault or for a request that the contract does not allow.
func (a *appliance) wrong(status int, code, message string) simkit.Answer {
	detail := object{"message": or(message, http.StatusText(status))}
	if number, err := strconv.Atoi(code); err == nil {
		detail["code"], detail["link"] = number, link(number)
	}
	return a.failure(status, detail)
}

// session is one signed-in user.
type session struct {
	user string
	used time.Time
}

// admit refuses what has no session.
func (a *appliance) admit(call *simkit.Call) *simkit.Answer {
	if !call.Unattended {
		if a.config.latency > 0 && a.clock.Sleep(call.Context, a.config.latency) != nil {
			return &simkit.Answer{}
		}
		// The other appliance may have late work that this one shows. Late work itself is never here: two of
		// them would wait for each other.
		a.lateWork()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle(call.Now())
	if call.Operation.Anonymous {
		return nil
	}
	s, err := a.sessionOf(call)
	if err != nil {
		answer := a.errorAnswer(err)
		return &answer
	}
	call.User = s.user
	return nil
}

// sessionOf returns the session of a call: that of its token, or the one that an operator has brought along.
func (a *appliance) sessionOf(call *simkit.Call) (*session, error) {
	if own, brought := call.Session.(*session); brought {
		return own, nil
	}
	token := call.Header.Get(authHeader)
	s, known := a.sessions[token]
	if known && a.now.Sub(s.used) >= a.config.idle {
		delete(a.sessions, token)
		known = false
	}
	if !known {
		return nil, &refusal{status: http.StatusUnauthorized, code: codeSession, message: "The session is not valid. Log in."}
	}
	s.used = a.now
	return s, nil
}

// checkHeader wants answers to be asked for as JSON, as the wiki's samples do, or not at all, as clients do.
func checkHeader(_ api.Operation, header http.Header) string {
	accept := header.Get("Accept")
	for _, part := range strings.Split(accept, ",") {
		mediaType, _, err := mime.ParseMediaType(part)
		if accept == "" || (err == nil && slices.Contains([]string{contentType, "application/*", "*/*"}, mediaType)) {
			return ""
		}
	}
	return fmt.Sprintf("Accept is %q, which does not take %s", accept, contentType)
}

// checkQuery holds the values of query parameters against what the wiki says of them.
func checkQuery(_ api.Operation, query url.Values) []string {
	var problems []string
	for name, values := range query {
		if problem := checkParameter(name, values[0]); problem != "" {
			problems = append(problems, fmt.Sprintf("query parameter %q is %q: %s", name, values[0], problem))
		}
	}
	slices.Sort(problems)
	return problems
}

// dateParameter is the layout of start_date and end_date.
const dateParameter = "01/02/2006"

func checkParameter(name, value string) string {
	switch name {
	case "sid":
		if id, err := strconv.Atoi(value); err != nil || id < 1 {
			return "not the id of a system"
		}
	case "include_pending", "include_rejected":
		if value != "0" && value != "1" {
			return "neither 0 nor 1"
		}
	case "showFlat":
		if value != "true" && value != "false" {
			return "neither true nor false"
		}
	case "start_date", "end_date":
		if _, err := time.Parse(dateParameter, value); err != nil {
			return "not like 12/31/2006"
		}
	default:
		return "the simulator does not know it"
	}
	return ""
}

// place is a system, by the id that it has at the appliance that was asked.
type place struct {
	sid int
	of  *appliance
}

// mark adds the sid, which only answers about all systems have.
func (p place) mark(o object, named bool) object {
	if !named {
		o["sid"] = p.sid
	}
	return o
}

// places are the systems that a read covers: the one that it names or, besides the appliance itself, all that
// it manages.
func (a *appliance) places(call *simkit.Call) (places []place, named bool, err error) {
	if call.Query.Has("sid") {
		chosen, err := a.chosen(call)
		if err != nil {
			return nil, true, err
		}
		return []place{chosen}, true, nil
	}
	places = []place{{localSystem, a}}
	for _, s := range a.systems {
		if s.managed {
			places = append(places, place{s.id, s.of})
		}
	}
	return places, false, nil
}

// chosen is the system that a call names, or the appliance itself. The queue of a source can also be reached
// from a target that does not manage it.
func (a *appliance) chosen(call *simkit.Call) (place, error) {
	if !call.Query.Has("sid") {
		return place{localSystem, a}, nil
	}
	id, _ := strconv.Atoi(call.Query.Get("sid")) // has been checked
	if id == localSystem {
		return place{id, a}, nil
	}
	s := a.system(id)
	remote := []string{
		contract.QueueEdit.Name, contract.QueueStrategy.Name, contract.QueueSetStrategy.Name, contract.ConfigGet.Name,
		contract.ConfigUpdate.Name, contract.JobsCancel.Name, contract.JobsActiveReplications.Name,
	}
	if s == nil || (!s.managed && (!s.replicating || !slices.Contains(remote, call.Operation.Name))) {
		return place{}, refuse("There is no system with the id %d.", id)
	}
	if s.of.isDown() {
		return place{}, refuse("The system %s cannot be reached.", s.of.name)
	}
	return place{id, s.of}, nil
}
