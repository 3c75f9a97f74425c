package checkpoints

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// Sentinels for [errors.Is], beside those of drkit. They go by the code of an answer, since nearly all refusals
// have the same status.
var (
	// ErrBusy: the state that forbids it passes by itself, so that a later try may do. It is a
	// [drkit.ErrConflict], too.
	ErrBusy = fmt.Errorf("busy: %w", drkit.ErrConflict)
	// ErrQuota: there is as much, or as many, as there may be.
	ErrQuota = errors.New("quota used up")
	// ErrInvalid: the request cannot be right as it is, whatever the state.
	ErrInvalid = errors.New("invalid")
)

// ErrorCode is a code of an error answer. errors.Is finds it in the errors of calls, as in
// errors.Is(err, checkpoints.CodeVaultFull), and with it the sentinel that it stands for. Codes that are not among
// the constants are found in the Code of [drkit.Error] only.
type ErrorCode string //nolint:errname // it is a code, and not the error that has it

// Error returns the code.
func (c ErrorCode) Error() string { return string(c) }

// Unwrap returns the sentinel that the code stands for: [drkit.ErrNotFound], [ErrBusy], [drkit.ErrConflict],
// [ErrQuota], [ErrInvalid], [drkit.ErrForbidden], [drkit.ErrUnauthorized], [drkit.ErrThrottled] or
// [drkit.ErrUnavailable]. It is nil for a code that drkit does not know.
func (c ErrorCode) Unwrap() error { return c.group() }

// requestIDs are the headers in which the gateway and the identity service name a request.
var requestIDs = []string{"X-Request-Id", "X-Iam-Trace-Id"}

// decodeError reads an error answer in any of the shapes that the service, the gateway before it and the identity
// service write. What is none of them is not theirs.
func decodeError(status int, body []byte) (transport.ServiceError, bool) {
	var text string
	if json.Unmarshal(body, &text) == nil && text != "" {
		return transport.ServiceError{Message: text}, true // of a feature that is not known
	}
	var flat struct {
		Code      Text   `json:"error_code"`
		Message   string `json:"error_msg"`
		RequestID string `json:"request_id"`
		Details   []struct {
			Code    Text   `json:"error_code"`
			Message string `json:"error_msg"`
		} `json:"details"`
	}
	if json.Unmarshal(body, &flat) == nil && flat.Code != "" {
		said := transport.ServiceError{
			Code: string(flat.Code), Message: flat.Message, RequestID: flat.RequestID, Kind: kindOf(string(flat.Code)),
		}
		for _, detail := range flat.Details {
			said.Args = append(said.Args, strings.TrimSpace(string(detail.Code)+" "+detail.Message))
		}
		return said, true
	}
	return decodeNested(status, body)
}

// decodeNested reads an error that is an object within an object, as in {"error": {"code": 401, "message": "…"}}.
func decodeNested(status int, body []byte) (transport.ServiceError, bool) {
	var outer map[string]json.RawMessage
	if json.Unmarshal(body, &outer) != nil || len(outer) != 1 {
		return transport.ServiceError{}, false
	}
	for _, inner := range outer {
		var fault struct {
			Code    Text
			Message string
			Title   string
		}
		if !bytes.HasPrefix(inner, []byte("{")) || json.Unmarshal(inner, &fault) != nil || fault.Message == "" && fault.Code == "" {
			break
		}
		said := transport.ServiceError{Code: string(fault.Code), Message: fault.Message, Kind: kindOf(string(fault.Code))}
		if said.Message == "" {
			said.Message = fault.Title
		}
		if status == unauthorized && isMalformed(said.Message) {
			said.Kind = drkit.ErrNotFound
		}
		return said, true
	}
	return transport.ServiceError{}, false
}

const unauthorized = 401

// isMalformed reports whether a 401 is about an identifier in the path, and not about a token.
func isMalformed(message string) bool {
	return strings.Contains(strings.ToLower(message), "malformed request url")
}

// kindOf returns what errors.Is finds for a code, or nil if the status must tell.
func kindOf(code string) error {
	if rest, older := strings.CutPrefix(code, "APIG."); older {
		code = "APIGW." + rest // the same codes under an older name
	}
	known := ErrorCode(code)
	if known.group() == nil {
		return nil
	}
	return known
}
