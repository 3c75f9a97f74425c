package cloudreplicatest

import "github.com/drkit-go/drkit"

// Options returns what a client needs to reach and trust the server: the transport in memory, else the certificate as
// root.
func (s *Server) Options() []drkit.Option {
	if s.enterprise.config.inMemory {
		return []drkit.Option{drkit.WithTransport(s.Transport())}
	}
	return []drkit.Option{drkit.WithRootCAs(s.CertPool())}
}
