package vspheretest

import "github.com/drkit-go/drkit"

// Options returns what a client needs to reach and trust the server: the transport in memory, else the certificate as
// root. A client of the other site needs those of the other server.
func (s *Server) Options() []drkit.Option {
	if s.pair.world.config.inMemory {
		return []drkit.Option{drkit.WithTransport(s.Transport())}
	}
	return []drkit.Option{drkit.WithRootCAs(s.CertPool())}
}
