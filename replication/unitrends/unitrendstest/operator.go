package unitrendstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// Operator is somebody who works on an appliance, as in its user interface: see [Server.Operator].
type Operator struct {
	server *Server
	user   string
	sid    int // 0: none is named
}

// OperatorError is what an operator is answered whom the appliance refuses.
type OperatorError struct {
	Status  int    // as a client would see it
	Message string // in words
}

// Error returns the status and the message.
func (e *OperatorError) Error() string { return fmt.Sprintf("%d: %s", e.Status, e.Message) }

// Operator returns somebody who works on the appliance while clients do. They need no password and no sign-in,
// and their session is not among those that [Server.Sessions] counts.
func (s *Server) Operator(user string) Operator { return Operator{server: s, user: user} }

// At returns the same operator, whose operations name this system.
func (o Operator) At(sid int) Operator {
	o.sid = sid
	return o
}

// Do asks for an operation as its name in the contract says, on the resource that its path names, with a body of
// JSON; both are empty where there is none. It happens at once and in process, and so no [Fault] strikes it, but
// everything is checked as in a request: a refusal of the appliance is an [OperatorError], and what the contract
// does not allow is a violation as well. The id is that of what was made; empty if the answer has none.
func (o Operator) Do(operation, resource, body string) (id string, err error) {
	o.server.appliance.lateWork()
	order := simkit.NewOrder(o.user, operation, resource, body)
	order.Session = &session{user: o.user}
	if o.sid != 0 {
		order.Query.Set("sid", strconv.Itoa(o.sid))
	}
	answer, err := o.server.kit.Operate(order)
	if err == nil {
		id, err = outcome(answer)
	}
	if err != nil {
		return "", fmt.Errorf("unitrendstest: %s: %s: %w", o.user, operation, err)
	}
	return id, nil
}

// Accept accepts a pending request, with a storage for the copies of its source; 0 names none.
func (o Operator) Accept(requestID, storageID int) error {
	decision := map[string]any{"request_id": requestID, "accept": true}
	if storageID != 0 {
		decision["storage_id"] = storageID
	}
	return o.decide(decision)
}

// Reject rejects a pending request.
func (o Operator) Reject(requestID int, message string) error {
	return o.decide(map[string]any{"request_id": requestID, "accept": false, "message": message})
}

func (o Operator) decide(decision map[string]any) error {
	body, err := json.Marshal(decision)
	if err != nil {
		return fmt.Errorf("unitrendstest: %w", err)
	}
	_, err = o.Do(contract.SourcesDecide.Name, "", string(body))
	return err
}

// RequestTarget asks another appliance, by its name, to become the target of this one.
func (o Operator) RequestTarget(name string) error {
	_, err := o.Do(contract.TargetsRequest.Name, "", fmt.Sprintf(`{"host":%q}`, name))
	return err
}

// outcome reads what an operator is answered, in whatever shape the appliance answers.
func outcome(answer simkit.Answer) (id string, err error) {
	var wrapped struct {
		Result json.RawMessage `json:"result"`
	}
	_ = json.Unmarshal(answer.Body, &wrapped) // reads and bare successes have none
	type detail struct {
		ID      any    `json:"id"`
		Message string `json:"message"`
	}
	details := []detail{{}}
	if len(wrapped.Result) > 0 && json.Unmarshal(wrapped.Result, &details) != nil {
		_ = json.Unmarshal(wrapped.Result, &details[0]) // it is one or the other: it was made here
	}
	if answer.Status >= http.StatusBadRequest {
		return "", &OperatorError{Status: answer.Status, Message: details[0].Message}
	}
	if details[0].ID == nil {
		return "", nil
	}
	return fmt.Sprint(details[0].ID), nil
}
