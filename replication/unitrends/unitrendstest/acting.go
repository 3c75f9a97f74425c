package unitrendstest

import (
	"fmt"
	"slices"
	"time"
)

// ReceiveRequest lets another appliance, which is no server, ask this one to become its target, and returns the
// id of the request. Nothing keeps an appliance from asking twice.
func (s *Server) ReceiveRequest(source string) (requestID int) {
	a := s.lock()
	defer a.mu.Unlock()
	if source == "" || source == a.name {
		return 0
	}
	return a.known(source).ask(a).id
}

// TargetDecides lets the person at a target that is no server accept this appliance's oldest pending request, or
// reject it with a message.
func (s *Server) TargetDecides(target string, accept bool, message string) error {
	a := s.lock()
	defer a.mu.Unlock()
	for _, r := range a.requests {
		switch {
		case r.source != a || r.target.name != target || r.state != pending:
		case r.target.kit != nil:
			return fmt.Errorf("unitrendstest: TargetDecides: %s is a server: ask its Operator", target)
		case accept:
			r.message = message
			r.target.finish(r.target.accept(r, 0))
			return nil
		default:
			r.target.reject(r, message)
			return nil
		}
	}
	return fmt.Errorf("unitrendstest: TargetDecides: %s has no pending request of %s", target, a.name)
}

// SetSettling changes what [Settling] has set, for decisions yet to come.
func (s *Server) SetSettling(d time.Duration) {
	a := s.lock()
	defer a.mu.Unlock()
	a.settling = max(d, 0)
}

// StallAcceptances keeps sources that are accepted from completing their configuration, at all appliances that
// know this one, until it is called with false.
func (s *Server) StallAcceptances(stall bool) {
	a := s.lock()
	defer a.mu.Unlock()
	a.stalled = stall
	if !stall {
		a.resume()
	}
}

// SetCopying changes what [Copying] has set, for copies yet to begin.
func (s *Server) SetCopying(d time.Duration) {
	a := s.lock()
	defer a.mu.Unlock()
	a.copying = max(d, 0)
}

// HoldCopies keeps the copies of this source from beginning and from ending, until it is called with false. It
// is how a test gets a queue that stays as it is.
func (s *Server) HoldCopies(hold bool) {
	a := s.lock()
	defer a.mu.Unlock()
	if hold {
		a.held = true
		return
	}
	a.release()
}

// FinishCopies ends the copies under way at once, well or as [Server.FailCopy] wants it, and returns how many.
// Those that wait then begin.
func (s *Server) FinishCopies() int {
	a := s.lock()
	defer a.mu.Unlock()
	var active []*queueItem
	for _, item := range a.queue {
		if item.job != 0 {
			active = append(active, item)
		}
	}
	for _, item := range active {
		a.end(item)
	}
	return len(active)
}

// FailCopy lets the next copy of a backup of this asset fail with a message.
func (s *Server) FailCopy(asset, message string) {
	a := s.lock()
	defer a.mu.Unlock()
	if a.assetNamed(asset) == nil {
		s.kit.Complain("FailCopy: there is no asset %q", asset)
		return
	}
	a.failures[asset] = message
}

// AddBackup makes a backup of an asset, and returns its id. It joins the queue if an enabled order copies the
// asset and the strategy is not Manual.
func (s *Server) AddBackup(asset string) (id int, err error) {
	a := s.lock()
	defer a.mu.Unlock()
	of := a.assetNamed(asset)
	if of == nil || of.parent == nil {
		return 0, fmt.Errorf("unitrendstest: AddBackup: there is no asset %q", asset)
	}
	made := a.addBackup(of, a.now)
	for _, o := range a.orders {
		if o.enabled && a.settings.scheme != schemeManual && slices.Contains(o.instances, of) {
			a.enqueue(o)
		}
	}
	return made.id, nil
}
