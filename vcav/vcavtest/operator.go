package vcavtest

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

// Operator is somebody else who works on the same appliance, as in its user interface: see [Server.Operator].
type Operator struct {
	server *Server
	user   string
	site   string // empty: none is named
}

// OperatorError is what an operator is answered whom the appliance refuses.
type OperatorError struct {
	Status  int    // as a client would see it
	Code    string // one of the codes of this package
	Message string // in words
}

// Error returns the status, the code and the message.
func (e *OperatorError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// Operator returns somebody who works on the appliance while clients do: "root", a user that [SSOUser] has added,
// or any Cloud Director user of an organization of the local site, as in "olga@System" for one more administrator
// and "ann@org2" for a tenant. They need no password and no sign-in: their session is not among those that
// [Server.Sessions] counts, never ends and is authenticated where [AuthenticatedAt] says.
func (s *Server) Operator(user string) Operator { return Operator{server: s, user: user} }

// At returns the same operator, whose operations name this site.
func (o Operator) At(site string) Operator {
	o.site = site
	return o
}

// Do asks for an operation as its name in the contract says, on a resource such as the id of a replication, with
// a body of JSON; both are empty where there is none. Where the path takes two arguments a slash is between them.
// It happens at once and in process, and so no [Fault] strikes it, but everything is checked as in a request:
// a refusal of the appliance is an [OperatorError], and what the contract does not allow is a violation as well.
// The id is that of the task which was started, or of what was made; empty if the answer has none.
func (o Operator) Do(operation, resource, body string) (id string, err error) {
	order, err := o.order(operation, resource, body)
	if err != nil {
		return "", fmt.Errorf("vcavtest: %s: %s: %w", o.user, operation, err)
	}
	answer, err := o.server.kit.Operate(order)
	if err == nil {
		id, err = outcome(answer)
	}
	if err != nil {
		return "", fmt.Errorf("vcavtest: %s: %s: %w", o.user, operation, err)
	}
	return id, nil
}

// order puts down what a request would say, in the newest version of the API.
func (o Operator) order(operation, resource, body string) (simkit.Order, error) {
	a := o.server.lock()
	defer a.mu.Unlock()
	session, err := a.operatorSession(o.user)
	if err != nil {
		return simkit.Order{}, err
	}
	order := simkit.NewOrder(o.user, operation, resource, body)
	order.Session = session
	if o.site != "" {
		order.Query.Set("site", o.site)
	}
	order.Header.Set("Accept", a.config.newest.mediaType(formatOf(api.Operation{Name: operation})))
	return order, nil
}

// operatorSession is made for each operation, so that it is never too old.
func (a *appliance) operatorSession(user string) (*session, error) {
	if user == "root" || a.local().accounts[user].sso {
		return a.newSession(user, systemOrg), nil
	}
	if err := a.local().checkUser(user); err != nil {
		return nil, err
	}
	return a.newSession(user, orgOf(user)), nil
}

// outcome reads what an operator is answered.
func outcome(answer simkit.Answer) (id string, err error) {
	if answer.Status >= http.StatusBadRequest {
		var wrong errorBody
		if err := json.Unmarshal(answer.Body, &wrong); err != nil {
			return "", fmt.Errorf("the error does not decode: %w", err)
		}
		return "", &OperatorError{Status: answer.Status, Code: wrong.Code, Message: wrong.Message}
	}
	var made struct {
		ID string `json:"id"`
	}
	_ = json.Unmarshal(answer.Body, &made) // lists and empty answers have none
	return made.ID, nil
}
