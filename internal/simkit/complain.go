package simkit

import (
	"fmt"
	"testing"
)

// Watch lets a test fail: at once for a complaint, and when it has ended for requests that the contract did not allow
// and that nobody has acknowledged. Its messages begin with name. The caller's cleanup that closes the server comes
// after this one, so that it happens before.
func (s *Server) Watch(t testing.TB, name string) {
	s.tb, s.name = t, name
	t.Cleanup(func() {
		for _, violation := range s.Violations() {
			t.Errorf("%s: %s", name, violation)
		}
	})
}

// Complain tells whoever uses the simulator wrongly: it fails the test, or without one shows among the violations.
func (s *Server) Complain(format string, arguments ...any) {
	problem := fmt.Sprintf(format, arguments...)
	if s.tb != nil {
		s.tb.Helper()
		s.tb.Errorf("%s: %s", s.name, problem)
		return
	}
	s.audit.mu.Lock()
	defer s.audit.mu.Unlock()
	s.audit.violations = append(s.audit.violations, Violation{Time: s.config.Clock.Now(), Problems: []string{problem}})
}
