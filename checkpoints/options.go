package checkpoints

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
)

type identityThumbprint string

// Apply checks and sets the pin.
func (t identityThumbprint) Apply(s *settings.Settings) error {
	var pinned settings.Settings
	if err := drkit.WithThumbprint(string(t)).Apply(&pinned); err != nil {
		return fmt.Errorf("WithIdentityThumbprint: %w", err)
	}
	s.IdentityThumbprint = pinned.Thumbprint
	return nil
}

// WithIdentityThumbprint accepts only the certificate with this SHA-256 thumbprint from the identity service. It is
// written as for [drkit.WithThumbprint], which pins the certificate of the backup service.
func WithIdentityThumbprint(thumbprint string) drkit.Option { return identityThumbprint(thumbprint) }

// thumbprint replaces the pin of the options before it.
type thumbprint []byte

// Apply sets the pin, or takes it off.
func (t thumbprint) Apply(s *settings.Settings) error {
	s.Thumbprint = t
	return nil
}

// sameHost reports whether two addresses are of one server.
func sameHost(one, other string) bool {
	a, errA := url.Parse(strings.TrimSpace(one))
	b, errB := url.Parse(strings.TrimSpace(other))
	return errA == nil && errB == nil && a.Host != "" && strings.EqualFold(a.Scheme, b.Scheme) && strings.EqualFold(a.Host, b.Host)
}
