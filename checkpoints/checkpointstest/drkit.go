package checkpointstest

import "github.com/drkit-go/drkit"

// Options returns what a client needs to reach and trust the server and its identity service: the transport in
// memory, else the certificates as roots.
func (s *Server) Options() []drkit.Option {
	if s.region.config.inMemory {
		return []drkit.Option{drkit.WithTransport(s.Transport())}
	}
	return []drkit.Option{drkit.WithRootCAs(s.CertPool())}
}
