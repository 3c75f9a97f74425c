package cloudreplicatest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/drkit-go/drkit/internal/simkit"
)

// refusal is an error answer.
type refusal struct {
	status  int
	message string
	header  http.Header
}

// Error returns the message.
func (r *refusal) Error() string { return r.message }

func refuse(status int, format string, arguments ...any) *refusal {
	return &refusal{status: status, message: fmt.Sprintf(format, arguments...)}
}

// failure is why a task fails, in the service's words.
func failure(format string, arguments ...any) error { return refuse(0, format, arguments...) }

// missing is the answer to an id that nobody has.
func missing(k kind, id string) error {
	return refuse(http.StatusNotFound, "%s with id [%s] was not found", k.name, id)
}

// usualMessages are what the service says where nobody has said anything better.
var usualMessages = map[int]string{
	http.StatusUnauthorized: "Authorization required",
	http.StatusForbidden:    "Access is denied",
	http.StatusNotFound:     "The resource was not found",
}

// errorFor makes an error answer, in the encoding that is asked for. The service has no error codes.
func (e *enterprise) errorFor(call *simkit.Call, status int, code, message string) simkit.Answer {
	switch {
	case code != "" && message != "":
		message = code + ": " + message
	case message == "":
		message = code
	}
	if message == "" {
		message = usualMessages[status]
	}
	if message == "" {
		message = http.StatusText(status)
	}
	shown := (&document{name: "Error"}).marked(set("Message", message), set("StatusCode", status), set("Status", nil)).
		with(set("FirstChanceExceptionMessage", nil), set("StackTrace", nil))
	return e.config.dialect.answer(status, call.Header, shown)
}

func (e *enterprise) refused(call *simkit.Call, err error) simkit.Answer {
	reason := &refusal{status: http.StatusInternalServerError, message: err.Error()}
	errors.As(err, &reason)
	answer := e.errorFor(call, reason.status, "", reason.message)
	for name, values := range reason.header {
		answer.Header[name] = values
	}
	return answer
}

// reply is what an operation answers.
type reply struct {
	status   int
	header   http.Header
	document *document // nil: no body
}

func found200(shown *document) (*reply, error) {
	return &reply{status: http.StatusOK, document: shown}, nil
}
