package checkpoints

import (
	"encoding/json"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// faultMessage is what an error answer says, in whichever envelope.
type faultMessage struct {
	Code    text   `json:"code"`
	Message string `json:"message"`
	Title   string `json:"title"`
}

// text is a code, which may be written as a number.
type text string

// UnmarshalJSON reads text and numbers.
func (t *text) UnmarshalJSON(data []byte) error {
	var s string
	if json.Unmarshal(data, &s) == nil {
		*t = text(s)
		return nil
	}
	var n json.Number
	err := json.Unmarshal(data, &n)
	*t = text(n)
	return err
}

// decodeError reads the error answers of the service, of the gateway before it, and of the identity service:
// {"error_code", "error_msg"}, or an object within an object whose name varies.
func decodeError(status int, body []byte) (transport.ServiceError, bool) {
	var flat struct {
		Code    text   `json:"error_code"`
		Message string `json:"error_msg"`
	}
	if err := json.Unmarshal(body, &flat); err == nil && flat.Code != "" {
		return serviceError(status, string(flat.Code), flat.Message), true
	}
	var nested map[string]json.RawMessage
	if json.Unmarshal(body, &nested) != nil || len(nested) != 1 {
		return transport.ServiceError{}, false
	}
	for _, inner := range nested {
		var fault faultMessage
		if json.Unmarshal(inner, &fault) == nil && fault.Message != "" {
			return serviceError(status, string(fault.Code), fault.Message), true
		}
	}
	return transport.ServiceError{}, false
}

func serviceError(status int, code, message string) transport.ServiceError {
	said := transport.ServiceError{Code: code, Message: message}
	// An id that cannot be one is answered as if the token were bad.
	if status == 401 && strings.Contains(strings.ToLower(message), "malformed request url") {
		said.Kind = drkit.ErrNotFound
	}
	return said
}
