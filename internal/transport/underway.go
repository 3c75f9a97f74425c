package transport

import (
	"context"
	"sync"
	"time"
)

// toReturn is how long a client that closes waits for calls that it has ended. They return at once, unless a
// transport of the user's does not listen.
const toReturn = time.Second

// underWay counts calls, so that a client that closes can let them return.
type underWay struct {
	mu     sync.Mutex
	calls  int
	shut   bool
	nobody chan struct{} // closed when, once shut, nothing is under way
}

// enter reports whether a call may begin; then it must leave. The last call of all begins also after shut.
func (u *underWay) enter(last bool) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.shut && !last {
		return false
	}
	u.calls++
	return true
}

// leave ends a call, and reports whether the client has been closed.
func (u *underWay) leave() (shut bool) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.calls--
	u.settle()
	return u.shut
}

// close lets no call begin any more.
func (u *underWay) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.shut = true
	u.settle()
}

// settle announces that nothing is under way. The caller holds the lock.
func (u *underWay) settle() {
	if u.shut && u.calls == 0 && u.nobody != nil {
		close(u.nobody)
		u.nobody = nil
	}
}

// wait returns once nothing is under way, or soon.
func (u *underWay) wait(ctx context.Context) {
	u.mu.Lock()
	nobody := u.nobody
	u.mu.Unlock()
	if nobody == nil {
		return
	}
	timer := time.NewTimer(toReturn)
	defer timer.Stop()
	select {
	case <-nobody:
	case <-timer.C:
	case <-ctx.Done():
	}
}
