package faulttest

import (
	"net/http"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Fault is what strikes the first request of an operation.
type Fault struct {
	connection simkit.Breakage // of the request's connection; 0: it is sound
	request    simkit.ProxyFault
	lasting    bool // it strikes all requests of the operation, and not only the first
	impatient  bool // one attempt may take a moment only
	abandoned  bool // the caller's context ends once the request has arrived
}

// worked reports whether the service does the work although its answer is lost.
func (f Fault) worked() bool { return f.request.After || f.request.How == simkit.HoldRequest }

// Answer is an error in a service's own words.
type Answer struct {
	Status int
	Type   string // media type
	Body   string
}

// Answers are the errors of a service, in its own words.
type Answers struct {
	Unauthorized Answer // 401: the session has ended
	Forbidden    Answer // 403
	Throttled    Answer // 429; Retry-After is added
	Failed       Answer // 500
	Overloaded   Answer // 503
	Malformed    Answer // 200 with half a document
}

// LoginPage is what a proxy shows to whom it does not know.
const LoginPage = "<!DOCTYPE html><html><body>Sign in to continue</body></html>"

// Faults returns all faults by name.
func Faults(own Answers) map[string]Fault {
	faults := map[string]Fault{
		"none":                     {},
		"dial refused":             {connection: simkit.RefuseDial},
		"dial refused, lasting":    {connection: simkit.RefuseDial, lasting: true},
		"TLS fails":                {connection: simkit.CutHandshake},
		"TLS fails, lasting":       {connection: simkit.CutHandshake, lasting: true},
		"reset before the request": {connection: simkit.ResetUnused},
		"reset mid-request":        {request: simkit.ProxyFault{How: simkit.CutUpload}},

		"reset after the request, before the work": {request: simkit.ProxyFault{How: simkit.ResetConnection}},
		"reset after the request, after the work":  {request: simkit.ProxyFault{How: simkit.ResetConnection, After: true}},
		"answer truncated, before the work": {request: simkit.ProxyFault{
			How: simkit.TruncateAnswer, Status: http.StatusServiceUnavailable, Body: LoginPage,
		}},
		"answer truncated, after the work": {request: simkit.ProxyFault{How: simkit.TruncateAnswer, After: true}},

		"answer past the attempt's time-out, without the work": {request: simkit.ProxyFault{How: simkit.HoldAnswer}, impatient: true},
		"answer past the attempt's time-out, after the work":   {request: simkit.ProxyFault{How: simkit.HoldAnswer, After: true}, impatient: true},
		"answer past the attempt's time-out, work after it":    {request: simkit.ProxyFault{How: simkit.HoldRequest}, impatient: true},
		"answer past the caller's context, without the work":   {request: simkit.ProxyFault{How: simkit.HoldAnswer}, abandoned: true},
		"answer past the caller's context, after the work":     {request: simkit.ProxyFault{How: simkit.HoldAnswer, After: true}, abandoned: true},
		"answer past the caller's context, work after it":      {request: simkit.ProxyFault{How: simkit.HoldRequest}, abandoned: true},

		"401 of the appliance, before the work": answered(own.Unauthorized),
		"403 of the appliance, before the work": answered(own.Forbidden),
		"503, before the work, lasting":         lasting(answered(page(http.StatusServiceUnavailable))),
		"503, after the work, lasting":          lasting(afterTheWork(answered(page(http.StatusServiceUnavailable)))),
	}
	for name, fault := range map[string]Fault{
		"401 of a proxy":        answered(page(http.StatusUnauthorized)),
		"403 of a proxy":        answered(page(http.StatusForbidden)),
		"429 with Retry-After":  throttled(own.Throttled),
		"500":                   answered(own.Failed),
		"502":                   answered(page(http.StatusBadGateway)),
		"503":                   answered(own.Overloaded),
		"504":                   answered(page(http.StatusGatewayTimeout)),
		"HTML 200 of a proxy":   answered(page(http.StatusOK)),
		"malformed answer, 200": answered(own.Malformed),
	} {
		faults[name+", before the work"] = fault
		faults[name+", after the work"] = afterTheWork(fault)
	}
	return faults
}

// page is what a proxy answers in place of the service.
func page(status int) Answer { return Answer{status, "text/html;charset=UTF-8", LoginPage} }

// FromProxy is the fault of a [simkit.Proxy] that answers a page in place of the service.
func FromProxy(status int) simkit.ProxyFault { return answered(page(status)).request }

func answered(answer Answer) Fault {
	return Fault{request: simkit.ProxyFault{
		How: simkit.AnswerItself, Status: answer.Status, Header: http.Header{"Content-Type": {answer.Type}}, Body: answer.Body,
	}}
}

func throttled(answer Answer) Fault {
	fault := answered(answer)
	fault.request.Header.Set("Retry-After", "1")
	return fault
}

func afterTheWork(fault Fault) Fault {
	fault.request.After = true
	return fault
}

func lasting(fault Fault) Fault {
	fault.lasting = true
	return fault
}
