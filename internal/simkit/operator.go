package simkit

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// Order is what an operator wants done.
type Order struct {
	Operation string   // name in the table
	Arguments []string // of the path, in its order
	Query     url.Values
	Header    http.Header
	Body      []byte
	User      string // for the audit
	Session   any    // for Admit
}

// NewOrder returns an order on a resource, which is what the path names, with slashes between where that is more than
// one thing, and with a body of JSON. Both are empty where there is none.
func NewOrder(user, operation, resource, body string) Order {
	order := Order{Operation: operation, Query: url.Values{}, Header: http.Header{}, Body: []byte(body), User: user}
	if resource != "" {
		order.Arguments = strings.Split(resource, "/")
	}
	if body != "" {
		order.Header.Set("Content-Type", "application/json")
	}
	return order
}

// Operate does what somebody wants who is not the client: in process, checked and done like a request, but
// not struck by rules. The answer's body is not read where it is a stream. An error says that the order could
// not be given at all.
func (s *Server) Operate(order Order) (Answer, error) {
	if !s.calls.enter() {
		return Answer{}, errors.New("the server is closed")
	}
	defer s.calls.leave()
	call, path, err := s.call(order)
	if err != nil {
		return Answer{}, err
	}
	problems := s.check(call, order.Query.Encode())
	entry := s.audit.add(Request{
		Operation: order.Operation, Method: call.Operation.Method, Path: path, Query: s.redactQuery(order.Query),
		Header: s.redact(order.Header), Resource: call.Resource, Site: call.Site,
		OperationID: order.Header.Get(s.config.TraceHeader), User: order.User, Operator: true, Time: call.Time,
	})
	if len(problems) > 0 {
		return s.refuse(call, entry, problems), nil
	}
	if s.outage.covers(call.Time) {
		return Answer{}, errors.New("the server is down")
	}
	answer, _ := s.work(call, entry)
	s.audit.answered(entry, answer.Status)
	return answer, nil
}

// call makes the call of an order, and the path that a request would have.
func (s *Server) call(order Order) (*Call, string, error) {
	operation, known := s.router.named(order.Operation)
	if !known {
		return nil, "", fmt.Errorf("the table has no operation %q", order.Operation)
	}
	path, err := fill(operation.Path, order.Arguments)
	if err != nil {
		return nil, "", err
	}
	base := s.config.newestBase()
	found, problem := s.router.find(operation.Method, path, operation.Action)
	if problem != "" || found.operation.Name != order.Operation {
		return nil, "", fmt.Errorf("%s %s is not %s", operation.Method, path, order.Operation)
	}
	return &Call{
		Context: s.stopping, Operation: operation, Arguments: found.arguments, Resource: found.first,
		Path: base + path, Base: base, Query: order.Query, Header: order.Header, Body: order.Body, Time: s.config.Clock.Now(),
		User: order.User, Session: order.Session, Unattended: true, clock: s.config.Clock,
	}, base + path, nil
}
