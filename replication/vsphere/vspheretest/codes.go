package vspheretest

import (
	"fmt"
	"net/http"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Error codes of this simulator. The vendor publishes none: do not build on the names.
const (
	CodeBadRequest            = "BAD_REQUEST"             // 400: the request makes no sense
	CodeRecoverySiteOnly      = "RECOVERY_SITE_ONLY"      // 400: asked of the protected site
	CodeForbidden             = "FORBIDDEN"               // 403: an observer may not
	CodeRemoteSessionRequired = "REMOTE_SESSION_REQUIRED" // 403, or in _meta.errors: sign in to the remote site first
	CodeRemoteSiteDown        = "REMOTE_SITE_DOWN"        // 500, or in _meta.errors: the remote server cannot be reached
	CodeTooManyRequests       = "TOO_MANY_REQUESTS"       // 429
	CodeServiceUnavailable    = "SERVICE_UNAVAILABLE"     // 503, only by a Fault
	CodeInternal              = "INTERNAL_SERVER_ERROR"   // 500
)

const contentType = "application/json"

// usualCode is the code of errors for which nothing better is known.
func usualCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return CodeBadRequest
	case http.StatusForbidden:
		return CodeForbidden
	case http.StatusTooManyRequests:
		return CodeTooManyRequests
	case http.StatusServiceUnavailable:
		return CodeServiceUnavailable
	default:
		return CodeInternal
	}
}

// refusal is an error answer, or why a part of an answer is missing.
type refusal struct {
	status  int
	code    string
	message string
}

// Error returns the code and the message.
func (r *refusal) Error() string { return r.code + ": " + r.message }

func refuse(status int, code, format string, arguments ...any) *refusal {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, arguments...)}
}

func badRequest(format string, arguments ...any) *refusal {
	return refuse(http.StatusBadRequest, CodeBadRequest, format, arguments...)
}

// notFound is what an id in the path comes to that nothing has. Its answer has no body, and so the text is for
// operators alone.
func notFound(format string, arguments ...any) *refusal {
	return refuse(http.StatusNotFound, "", format, arguments...)
}

func notAuthenticated() *refusal {
	return refuse(http.StatusUnauthorized, "", "no session, or refused credentials")
}

// errorAnswer is an error in the service's format: 401 and 404 have no body.
func errorAnswer(status int, code, message string) simkit.Answer {
	if status == http.StatusUnauthorized || status == http.StatusNotFound {
		return simkit.Answer{Status: status}
	}
	return simkit.JSON(status, contentType, object{"error_code": code, "message": message, "op_id": simkit.FreshID()})
}

func (r *refusal) answer() simkit.Answer { return errorAnswer(r.status, r.code, r.message) }

// failure is the error of a task.
type failure struct{ message, details string }

func fail(format string, arguments ...any) *failure {
	return &failure{message: fmt.Sprintf(format, arguments...), details: "The simulator did nothing."}
}
