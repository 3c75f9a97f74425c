package vspheretest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// Operator is somebody else who works at one site, as in its user interface: see [Server.Operator].
type Operator struct {
	server *Server
	user   string
	query  url.Values
}

// OperatorError is what an operator is answered whom the appliance refuses.
type OperatorError struct {
	Status  int    // as a client would see it
	Code    string // one of the codes of this package; empty for a 401 and a 404
	Message string // in words; empty for a 401 and a 404
}

// Error returns the status, and the code and the message where there are some.
func (e *OperatorError) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	}
	return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message)
}

// Operator returns somebody who works at this site while clients do. They need no password and no sign-in: their
// session never ends, is signed in to the remote site and does not count for the rate limiter.
func (s *Server) Operator(user string) Operator { return Operator{server: s, user: user} }

// With returns the same operator, whose operations have these query parameters as well.
func (o Operator) With(name, value string) Operator {
	query := url.Values{}
	for known, values := range o.query {
		query[known] = slices.Clone(values)
	}
	query.Add(name, value)
	o.query = query
	return o
}

// Do asks for an operation as its name in the contract says, on a resource such as the id of a replication, with a body
// of JSON; both are empty where there is none. Where the path takes more arguments than the pairing, which is filled
// in, a slash is between them. It happens at once and in process, and so no [Fault] strikes it, but everything is
// checked as in a request: a refusal is an [OperatorError], and what the contract does not allow is a violation as
// well. The id is that of the task which was started, the first if there are several; empty if the answer has none.
func (o Operator) Do(operation, resource, body string) (id string, err error) {
	order := o.order(operation, resource, body)
	answer, err := o.server.kit.Operate(order)
	if err == nil {
		id, err = outcome(answer)
	}
	if err != nil {
		return "", fmt.Errorf("vspheretest: %s: %s: %w", o.user, operation, err)
	}
	return id, nil
}

func (o Operator) order(operation, resource, body string) simkit.Order {
	order := simkit.NewOrder(o.user, operation, resource, body)
	order.Session = &session{user: o.user, operator: true, remote: map[string]string{}}
	if o.query != nil {
		order.Query = o.query
	}
	if namesPairing(operation) {
		order.Arguments = append([]string{o.server.PairingID()}, order.Arguments...)
	}
	return order
}

func namesPairing(operation string) bool {
	return slices.ContainsFunc(contract.Table.Operations, func(known api.Operation) bool {
		return known.Name == operation && strings.HasPrefix(known.Path, "/pairings/{")
	})
}

// outcome reads what an operator is answered.
func outcome(answer simkit.Answer) (id string, err error) {
	var body struct {
		ID      string `json:"id"`
		Code    string `json:"error_code"`
		Message string `json:"message"`
		List    []struct {
			ID string `json:"id"`
		} `json:"list"`
	}
	_ = json.Unmarshal(answer.Body, &body) // empty answers have nothing
	switch {
	case answer.Status >= http.StatusBadRequest:
		return "", &OperatorError{Status: answer.Status, Code: body.Code, Message: body.Message}
	case body.ID == "" && len(body.List) > 0:
		return body.List[0].ID, nil
	default:
		return body.ID, nil
	}
}
