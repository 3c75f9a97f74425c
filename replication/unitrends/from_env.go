package unitrends

import (
	"errors"
	"fmt"
	"os"

	"github.com/drkit-go/drkit"
)

// ErrNoEndpoint is what [FromEnv] returns where UNITRENDS_URL is not set, for programs that then do something
// else, such as starting the simulator.
var ErrNoEndpoint = errors.New("UNITRENDS_URL is not set")

// FromEnv returns a client as the environment describes it, with options after that:
//
//   - UNITRENDS_URL: the endpoint
//   - UNITRENDS_USER: a user of the appliance, or domain\user
//   - UNITRENDS_PASSWORD: the password
//   - UNITRENDS_THUMBPRINT: SHA-256 thumbprint of the appliance's certificate; optional
//
// It is the only place in this package that reads the environment.
//
// Errors: [ErrNoEndpoint], and those of [NewClient].
func FromEnv(options ...drkit.Option) (*Client, error) {
	endpoint := os.Getenv("UNITRENDS_URL")
	if endpoint == "" {
		return nil, fmt.Errorf("unitrends: %w", ErrNoEndpoint)
	}
	if thumbprint := os.Getenv("UNITRENDS_THUMBPRINT"); thumbprint != "" {
		options = append([]drkit.Option{drkit.WithThumbprint(thumbprint)}, options...)
	}
	user, password := os.Getenv("UNITRENDS_USER"), drkit.NewSecret(os.Getenv("UNITRENDS_PASSWORD"))
	switch {
	case user == "":
		return nil, errors.New("unitrends: UNITRENDS_USER is not set")
	case password.IsZero():
		return nil, errors.New("unitrends: UNITRENDS_PASSWORD is not set")
	default:
		return NewClient(endpoint, Login(user, password), options...)
	}
}
