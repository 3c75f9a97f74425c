package cloudreplicatest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Operator is somebody else who works with the same Enterprise Manager: see [Server.Operator].
type Operator struct {
	server *Server
	name   string
}

// operatorSession lets an operator in, who has a logon session of their own.
type operatorSession struct {
	name  string
	logon *logon
}

// OperatorError is what an operator is answered whom the service refuses.
type OperatorError struct {
	Status  int    // as a client would see it
	Message string // in words
}

// Error returns the status and the message.
func (e *OperatorError) Error() string { return fmt.Sprintf("%d: %s", e.Status, e.Message) }

// Operator returns somebody who works while clients do, under any name. They need no token.
func (s *Server) Operator(name string) Operator { return Operator{server: s, name: name} }

// Do asks for an operation as its name in the contract says, on a resource such as the id of a plan, with a body of
// JSON; both are empty where there is none. Where the path takes two arguments a slash is between them. It happens at
// once and in process, and so no [Fault] strikes it, but everything is checked as in a request: a refusal of the
// service is an [OperatorError], and what the contract does not allow is a violation as well. The answer is the body
// that a client would get, in JSON.
func (o Operator) Do(operation, resource, body string) (answer []byte, err error) {
	done, err := o.do(operation, resource, body)
	if err != nil {
		return nil, fmt.Errorf("cloudreplicatest: %s: %s: %w", o.name, operation, err)
	}
	return done, nil
}

func (o Operator) do(operation, resource, body string) ([]byte, error) {
	answer, err := o.server.kit.Operate(o.order(operation, resource, body))
	if err != nil {
		return nil, err //nolint:wrapcheck // Do says what it is about
	}
	shown := bytes.TrimPrefix(answer.Body, []byte(byteOrderMark))
	if answer.Status < http.StatusBadRequest {
		return shown, nil
	}
	var wrong struct{ Message string }
	_ = json.Unmarshal(shown, &wrong) // it is ours
	return nil, &OperatorError{Status: answer.Status, Message: wrong.Message}
}

func (o Operator) order(operation, resource, body string) simkit.Order {
	defer o.server.lock().Unlock()
	e := o.server.enterprise
	order := simkit.NewOrder(o.name, operation, resource, body)
	order.Session = &operatorSession{o.name, e.operatorLogon(o.name)}
	order.Header.Set("Accept", jsonType)
	return order
}

// operatorLogon is the logon session of an operator, which no token opens.
func (e *enterprise) operatorLogon(name string) *logon {
	if e.operators == nil {
		e.operators = map[string]*logon{}
	}
	if e.operators[name] == nil {
		made := e.newSession(account{user: name})
		made.token = ""
		e.operators[name] = made
	}
	return e.operators[name]
}

// Restart restarts Enterprise Manager. Connections are cut, also under requests on their way, and for as long as it is
// down by the server's clock new ones are closed before their TLS handshake; 0 lets it be back at once. The next
// Restart replaces what is left of that time, so that Restart(0) ends it.
//
// Nobody documents what becomes of the rest: here all logon sessions are gone, and with them their tasks, while the
// backup servers go on with what they have begun. Late work of a [Fault] that comes due while the service is down is
// lost, and operators cannot reach it.
func (s *Server) Restart(down time.Duration) {
	if down < 0 {
		s.kit.Complain("Restart: time does not run backwards")
		return
	}
	s.ExpireSessions()
	s.kit.Restart(down)
}

// Replicate makes a new point of each of the VMs of these names, or of all VMs without names, as their jobs would. The
// database knows of it once it has collected.
func (s *Server) Replicate(vms ...string) {
	defer s.lock().Unlock()
	e := s.enterprise
	seen := map[string]bool{}
	for _, r := range e.really.replicas.all {
		next := r
		for at, vm := range r.vms {
			if len(vms) > 0 && !slices.Contains(vms, vm.name) {
				continue
			}
			seen[vm.name] = true
			vm.points = vm.points.with(e.now, e.config.keep)
			next = next.withVM(at, vm)
		}
		if next != r {
			e.really.replicas.put(next)
		}
	}
	for _, name := range vms {
		if !seen[name] {
			s.kit.Complain("Replicate: there is no VM %q", name)
		}
	}
}

// Collect makes the database know now what all backup servers have, without a task and without taking time. A system
// session tells of it.
func (s *Server) Collect() {
	defer s.lock().Unlock()
	e := s.enterprise
	for _, server := range e.servers {
		e.learn(server)
	}
	e.system = append(e.system, &systemSession{id: simkit.FreshID(), created: e.now, ended: e.now})
}

// AddReplica adds a replica on its backup server. The database knows of it once it has collected.
func (s *Server) AddReplica(given Replica) {
	defer s.lock().Unlock()
	if err := s.enterprise.addReplica(given); err != nil {
		s.kit.Complain("AddReplica: %v", err)
	}
}

// AddPlan adds a failover plan, as a tenant would in their console. The database knows of it once it has collected.
func (s *Server) AddPlan(given Plan) {
	defer s.lock().Unlock()
	if err := s.enterprise.addPlan(given); err != nil {
		s.kit.Complain("AddPlan: %v", err)
	}
}

// RemovePlan removes a failover plan, as a tenant would in their console, and reports whether it was there. The
// database shows it until it has collected.
func (s *Server) RemovePlan(id string) bool {
	defer s.lock().Unlock()
	_, exists := s.enterprise.really.plans.get(id)
	s.enterprise.really.plans.drop(id)
	return exists
}

// RemoveReplica does the same with a replica.
func (s *Server) RemoveReplica(id string) bool {
	defer s.lock().Unlock()
	_, exists := s.enterprise.really.replicas.get(id)
	s.enterprise.really.replicas.drop(id)
	return exists
}

// SetState lets all replicas of VMs of a name be in a state, as in "Failback". The database knows of it once it has
// collected.
func (s *Server) SetState(vm, state string) {
	defer s.lock().Unlock()
	e := s.enterprise
	found := false
	if !slices.Contains(pointStates, state) {
		s.kit.Complain("SetState: there is no state %q", state)
		return
	}
	for _, r := range e.really.replicas.all {
		if at, has := r.vm(vm); has {
			changed := r.vms[at]
			changed.state, found = state, true
			e.really.replicas.put(r.withVM(at, changed))
		}
	}
	if !found {
		s.kit.Complain("SetState: there is no VM %q", vm)
	}
}

// Point is a point as it really is on its backup server, as [Server.Points] finds it.
type Point struct {
	ID      string    // a UUID
	VM      string    // its name
	Replica string    // id of its replica
	Created time.Time // when it was made
	State   string    // of the replica, as in [StateReady]
}

// Points returns the points of all VMs of a name as they really are, the oldest first.
func (s *Server) Points(vm string) []Point {
	defer s.lock().Unlock()
	var found []Point
	for _, r := range s.enterprise.really.replicas.all {
		for _, o := range pointsOf(nil, r) {
			if held := o.machine(); held.name == vm {
				found = append(found, Point{ID: o.ident(), VM: vm, Replica: r.id, Created: o.created(), State: held.state})
			}
		}
	}
	return found
}
