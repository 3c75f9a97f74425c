package unitrendstest

import (
	"crypto/x509"
	"testing"

	"github.com/drkit-go/drkit"
)

// Pair is two running appliances that can reach each other: see [NewPair].
type Pair struct {
	Source *Server // protects assets, and can ask the target to take in copies
	Target *Server // decides about that
}

// NewPair starts two appliances that end with the test, as [NewServer] does. The source is called branch and
// protects db-1, app-1 and web-1; the target is called vault. Neither knows the other before the source asks:
// see [Pair.Connect].
func NewPair(t testing.TB, options ...Option) *Pair {
	t.Helper()
	p, err := StartPair(options...)
	if err != nil {
		t.Fatal(err)
	}
	p.Source.watch(t)
	p.Target.watch(t)
	t.Cleanup(p.Close)
	return p
}

// StartPair starts two appliances without a test, for programs and examples. The caller closes them.
func StartPair(options ...Option) (*Pair, error) {
	shared := newShared()
	var configs []*config
	for _, at := range []part{atSource, atTarget} {
		c, err := newConfig(shared, at, options)
		if err != nil {
			return nil, err
		}
		configs = append(configs, c)
	}
	w := newWorld(shared)
	for _, c := range configs {
		if _, err := w.add(c); err != nil {
			return nil, err
		}
	}
	source, target := w.appliances[0], w.appliances[1]
	source.reachable, target.reachable = []*appliance{target}, []*appliance{source}
	for _, a := range []*appliance{source, target} {
		if err := a.introduce(); err != nil {
			return nil, err
		}
	}
	p := &Pair{}
	var err error
	if p.Source, err = source.serve(); err != nil {
		return nil, err
	}
	if p.Target, err = target.serve(); err != nil {
		p.Source.Close()
		return nil, err
	}
	return p, nil
}

// Close closes both appliances. It may be called more than once.
func (p *Pair) Close() {
	p.Source.Close()
	p.Target.Close()
}

// CertPool returns a pool that trusts both appliances.
func (p *Pair) CertPool() *x509.CertPool {
	pool := p.Source.CertPool()
	p.Target.kit.TrustIn(pool)
	return pool
}

// Options returns what clients of either appliance need to trust both. In memory, where an appliance is reached
// only by its own [Server.Options], it has none.
func (p *Pair) Options() []drkit.Option {
	if p.Source.appliance.inMemory {
		return nil
	}
	return []drkit.Option{drkit.WithRootCAs(p.CertPool())}
}

// Connect lets the source ask, the target accept and both complete their configuration at once, and returns the
// system id of the source at the target, and the id of the target at the source.
func (p *Pair) Connect() (sid, targetID int) {
	source := p.Source.lock()
	defer source.mu.Unlock()
	target := p.Target.appliance
	r := target.accept(source.ask(target), 0)
	target.complete(r)
	return r.sid, source.targetOf(target).id
}
