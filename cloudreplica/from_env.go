package cloudreplica

import (
	"errors"
	"fmt"
	"os"

	"github.com/drkit-go/drkit"
)

// ErrNoEndpoint is what [FromEnv] returns where CLOUDREPLICA_URL is not set, for programs that then do something
// else, such as starting the simulator.
var ErrNoEndpoint = errors.New("CLOUDREPLICA_URL is not set")

// FromEnv returns a client as the environment describes it, with options after that:
//
//   - CLOUDREPLICA_URL: the endpoint
//   - CLOUDREPLICA_USER: an account of Enterprise Manager, as in DOMAIN\user
//   - CLOUDREPLICA_PASSWORD: the password
//   - CLOUDREPLICA_TENANT, CLOUDREPLICA_TENANT_PASSWORD: a standalone tenant whom the session is for; optional
//   - CLOUDREPLICA_THUMBPRINT: SHA-256 thumbprint of the certificate; optional
//
// It is the only place in this package that reads the environment.
//
// Errors: [ErrNoEndpoint], and those of [NewClient].
func FromEnv(options ...drkit.Option) (*Client, error) {
	endpoint := os.Getenv("CLOUDREPLICA_URL")
	if endpoint == "" {
		return nil, fmt.Errorf("cloudreplica: %w", ErrNoEndpoint)
	}
	if thumbprint := os.Getenv("CLOUDREPLICA_THUMBPRINT"); thumbprint != "" {
		options = append([]drkit.Option{drkit.WithThumbprint(thumbprint)}, options...)
	}
	user, password := os.Getenv("CLOUDREPLICA_USER"), drkit.NewSecret(os.Getenv("CLOUDREPLICA_PASSWORD"))
	switch {
	case user == "":
		return nil, errors.New("cloudreplica: CLOUDREPLICA_USER is not set")
	case password.IsZero():
		return nil, errors.New("cloudreplica: CLOUDREPLICA_PASSWORD is not set")
	}
	credentials := Login(user, password)
	if tenant := os.Getenv("CLOUDREPLICA_TENANT"); tenant != "" {
		credentials = TenantLogin(credentials, tenant, drkit.NewSecret(os.Getenv("CLOUDREPLICA_TENANT_PASSWORD")))
	}
	return NewClient(endpoint, credentials, options...)
}
