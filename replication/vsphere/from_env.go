package vsphere

import (
	"errors"
	"fmt"
	"os"

	"github.com/drkit-go/drkit"
)

// ErrNoEndpoint is what [FromEnv] returns where VSPHERE_REPLICATION_URL is not set, for programs that then do
// something else, such as starting the simulator.
var ErrNoEndpoint = errors.New("VSPHERE_REPLICATION_URL is not set")

// FromEnv returns a client as the environment describes it, with options after that:
//
//   - VSPHERE_REPLICATION_URL: the endpoint
//   - VSPHERE_REPLICATION_USER: a user of vCenter Single Sign-On
//   - VSPHERE_REPLICATION_PASSWORD: the password
//   - VSPHERE_REPLICATION_THUMBPRINT: SHA-256 thumbprint of the appliance's certificate; optional
//
// Nothing but it and [RemoteFromEnv] reads the environment in this package.
//
// Errors: [ErrNoEndpoint], and those of [NewClient].
func FromEnv(options ...drkit.Option) (*Client, error) {
	endpoint := os.Getenv("VSPHERE_REPLICATION_URL")
	if endpoint == "" {
		return nil, fmt.Errorf("%s: %w", service, ErrNoEndpoint)
	}
	if thumbprint := os.Getenv("VSPHERE_REPLICATION_THUMBPRINT"); thumbprint != "" {
		options = append([]drkit.Option{drkit.WithThumbprint(thumbprint)}, options...)
	}
	credentials, err := loginFromEnv("VSPHERE_REPLICATION_USER", "VSPHERE_REPLICATION_PASSWORD")
	if err != nil {
		return nil, err
	}
	return NewClient(endpoint, credentials, options...)
}

// RemoteFromEnv returns the user at the other site, for [RemoteSession.SignIn]:
//
//   - VSPHERE_REPLICATION_REMOTE_USER: a user of vCenter Single Sign-On there
//   - VSPHERE_REPLICATION_REMOTE_PASSWORD: the password
//
// Errors: one of the two is not set.
func RemoteFromEnv() (Credentials, error) {
	return loginFromEnv("VSPHERE_REPLICATION_REMOTE_USER", "VSPHERE_REPLICATION_REMOTE_PASSWORD")
}

func loginFromEnv(userName, passwordName string) (Credentials, error) {
	user, password := os.Getenv(userName), drkit.NewSecret(os.Getenv(passwordName))
	switch {
	case user == "":
		return nil, fmt.Errorf("%s: %s is not set", service, userName)
	case password.IsZero():
		return nil, fmt.Errorf("%s: %s is not set", service, passwordName)
	default:
		return Login(user, password), nil
	}
}
