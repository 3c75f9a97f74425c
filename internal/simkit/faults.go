package simkit

import (
	"fmt"
	"sync"
)

// faults holds the rules of a server, in the order in which they were injected.
type faults struct {
	mu    sync.Mutex
	rules []*armedRule
}

type armedRule struct {
	rule Rule
	seen int // matching requests so far
}

// Inject adds a rule. Rules are tried in the order in which they were added; for each request at most one
// acts before the work and one after it. A rule that contradicts itself, or names an operation that the
// table does not have, is refused.
func (s *Server) Inject(rule Rule) error {
	if err := rule.validate(); err != nil {
		return fmt.Errorf("fault rule: %w", err)
	}
	if rule.Operation != "" && !s.router.knows(rule.Operation) {
		return fmt.Errorf("fault rule: the table has no operation %q", rule.Operation)
	}
	rule.Header = rule.Header.Clone()
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = append(s.faults.rules, &armedRule{rule: rule})
	return nil
}

// ClearFaults removes all rules. Requests that a rule has hit already are not saved by it.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.rules = nil
}

// due returns the rule that hits this call at this moment. Rules whose Skip it uses up let it pass to the
// next one.
func (f *faults) due(call *Call, after bool) (Rule, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, armed := range f.rules {
		if !armed.rule.matches(call, after) || armed.spent() {
			continue
		}
		armed.seen++
		if armed.seen > armed.rule.Skip {
			return armed.rule, true
		}
	}
	return Rule{}, false
}

func (a *armedRule) spent() bool { return a.rule.Times > 0 && a.seen >= a.rule.Skip+a.rule.Times }
