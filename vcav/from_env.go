package vcav

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/drkit-go/drkit"
)

// ErrNoEndpoint is what [FromEnv] returns where VCAV_URL is not set, for programs that then do something
// else, such as starting the simulator.
var ErrNoEndpoint = errors.New("VCAV_URL is not set")

// FromEnv returns a client as the environment describes it, with options after that:
//
//   - VCAV_URL: the endpoint
//   - VCAV_USER: "root" for the appliance's own user, or "user@org" for a user of Cloud Director
//   - VCAV_PASSWORD: the password
//   - VCAV_THUMBPRINT: SHA-256 thumbprint of the appliance's certificate; optional
//
// It is the only place in this package that reads the environment. Users of vSphere Single Sign-On look
// like users of Cloud Director; they need [NewClient] with [SSO].
//
// Errors: [ErrNoEndpoint], and those of [NewClient].
func FromEnv(options ...drkit.Option) (*Client, error) {
	endpoint := os.Getenv("VCAV_URL")
	if endpoint == "" {
		return nil, fmt.Errorf("vcav: %w", ErrNoEndpoint)
	}
	if thumbprint := os.Getenv("VCAV_THUMBPRINT"); thumbprint != "" {
		options = append([]drkit.Option{drkit.WithThumbprint(thumbprint)}, options...)
	}
	user, password := os.Getenv("VCAV_USER"), drkit.NewSecret(os.Getenv("VCAV_PASSWORD"))
	switch {
	case user == "":
		return nil, errors.New("vcav: VCAV_USER is not set")
	case password.IsZero():
		return nil, errors.New("vcav: VCAV_PASSWORD is not set")
	case strings.Contains(user, "@"):
		return NewClient(endpoint, VCDCredentials(user, password), options...)
	default:
		return NewClient(endpoint, LocalUser(user, password), options...)
	}
}
