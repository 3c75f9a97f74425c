package simkit

import "sync"

// gate counts the calls inside a server. After close nobody enters any more.
type gate struct {
	mu     sync.Mutex
	inside int
	shut   bool
	empty  chan struct{} // closed once shut and empty
}

func newGate() gate { return gate{empty: make(chan struct{})} }

// enter reports whether the caller may go in; then it must leave.
func (g *gate) enter() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut {
		return false
	}
	g.inside++
	return true
}

func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.inside--
	g.settle()
}

// close shuts the gate and returns once everybody has left.
func (g *gate) close() {
	g.mu.Lock()
	g.shut = true
	g.settle()
	g.mu.Unlock()
	<-g.empty
}

// settle announces that the gate is shut and empty; the caller holds the lock.
func (g *gate) settle() {
	if g.shut && g.inside == 0 && !isClosed(g.empty) {
		close(g.empty)
	}
}
