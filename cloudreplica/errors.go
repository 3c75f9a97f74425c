package cloudreplica

import (
	"errors"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica/internal/wire"
	"github.com/drkit-go/drkit/internal/transport"
)

// ErrNoCloudConnect: this Enterprise Manager has no Cloud Connect resources, by the links of its logon session.
// Only one on Windows has them, and only with a backup server that has the licence of a service provider. Nothing was
// sent but the sign-in.
//
// Source: Veeam Backup Enterprise Manager REST API reference, "Cloud Connect Service".
var ErrNoCloudConnect = errors.New("Cloud Connect is not available here: the session has no link to it")

// errorAnswer is what the service says of a request that it has not done.
type errorAnswer struct {
	Message                     string `json:"Message"`
	StatusCode                  int    `json:"StatusCode"`
	FirstChanceExceptionMessage string `json:"FirstChanceExceptionMessage"`
	StackTrace                  string `json:"StackTrace"`
}

// decodeError reads an error answer. That it names its own status tells it from the JSON of a gateway.
func decodeError(status int, body []byte) (transport.ServiceError, bool) {
	var said errorAnswer
	if wire.DecodeError(body, &said) != nil || said.StatusCode != status {
		return transport.ServiceError{Message: beginning(body)}, false
	}
	refusal := transport.ServiceError{Message: said.Message, Stack: said.StackTrace}
	if inner := said.FirstChanceExceptionMessage; inner != "" && inner != said.Message {
		refusal.Message = strings.TrimSpace(said.Message + " (" + inner + ")")
	}
	if status == statusFailed && strings.Contains(said.Message, goneTask) {
		refusal.Kind = drkit.ErrNotFound
	}
	return refusal, true
}

const (
	statusNotFound = 404
	statusFailed   = 500
	// goneTask is what the service says of a task that it does not know, or not in this session. The same status
	// stands for everything else that has gone wrong.
	goneTask = "no backup task with id"
)

// mostShown is how much of an answer that is not understood goes into an error.
const mostShown = 300 // bytes

func beginning(body []byte) string {
	text := strings.ToValidUTF8(string(body[:min(len(body), mostShown)]), "")
	if len(body) > mostShown {
		text += "…"
	}
	return text
}
