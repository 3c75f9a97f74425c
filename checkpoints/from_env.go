package checkpoints

import (
	"errors"
	"fmt"
	"os"

	"github.com/drkit-go/drkit"
)

var (
	// ErrNoCloud is what [FromEnv] returns where the environment names no cloud, for programs that then do something
	// else, such as starting the simulator.
	ErrNoCloud = errors.New("neither OS_AUTH_URL nor OS_CBR_ENDPOINT_OVERRIDE is set")
	// ErrCloudsFile is what [FromEnv] returns where OS_CLOUD names a cloud of clouds.yaml, which FromEnv of package
	// clouds reads: this package does without YAML.
	ErrCloudsFile = errors.New("OS_CLOUD names a cloud of clouds.yaml: use FromEnv of package clouds")
)

// variables are what FromEnv reads. Where two mean the same, the later one counts.
var variables = []string{
	"AUTH_TYPE", "AUTH_URL", "REGION_NAME", "ENDPOINT_TYPE", "INTERFACE", "CBR_ENDPOINT_OVERRIDE", "CACERT", "INSECURE",
	"USERNAME", "USER_ID", "PASSWORD", "PASSCODE", "USER_DOMAIN_ID", "USER_DOMAIN_NAME",
	"DEFAULT_DOMAIN", "DOMAIN_ID", "DOMAIN_NAME",
	"TENANT_ID", "TENANT_NAME", "PROJECT_ID", "PROJECT_NAME", "PROJECT_DOMAIN_ID", "PROJECT_DOMAIN_NAME",
	"AUTH_TOKEN", "TOKEN", "ACCESS_KEY", "SECRET_KEY", "SECURITY_TOKEN",
	"AGENCY_NAME", "AGENCY_DOMAIN_NAME", "AGENCY_DOMAIN_ID", "DELEGATED_PROJECT",
	"APPLICATION_CREDENTIAL_ID", "APPLICATION_CREDENTIAL_NAME", "TRUST_ID", "SYSTEM_SCOPE", "CERT",
}

// FromEnv returns a client as the environment describes it, by the conventions of OpenStack, with options after that:
//
//   - OS_AUTH_URL: the identity service; OS_AUTH_TYPE: how to sign in, if it is not plain from the rest
//   - OS_USERNAME or OS_USER_ID, OS_PASSWORD, OS_USER_DOMAIN_NAME or _ID, OS_PASSCODE
//   - OS_TOKEN: a token instead of them; OS_ACCESS_KEY, OS_SECRET_KEY and OS_SECURITY_TOKEN: a key
//   - OS_PROJECT_ID, or OS_PROJECT_NAME and OS_PROJECT_DOMAIN_NAME or _ID; OS_TENANT_… means the same
//   - OS_DOMAIN_NAME or _ID, OS_DEFAULT_DOMAIN: account of both user and project
//   - OS_REGION_NAME and OS_INTERFACE: which address of the catalogue; OS_CBR_ENDPOINT_OVERRIDE: that address
//   - OS_AGENCY_NAME, OS_AGENCY_DOMAIN_NAME, OS_DELEGATED_PROJECT: the account to act for
//   - OS_CACERT: file of certificates to verify by; OS_INSECURE: verify nothing
//
// Nothing else in this package reads the environment, except [SettingsFromEnv].
//
// Errors: [ErrNoCloud]; [ErrCloudsFile] where OS_CLOUD is set; those of [Settings.NewClient].
func FromEnv(options ...drkit.Option) (*Client, error) {
	s, err := SettingsFromEnv()
	if err != nil {
		return nil, err
	}
	return s.NewClient(options...)
}

// SettingsFromEnv returns what [FromEnv] makes a client of, for programs that need a second one which differs in its
// region and project.
//
// Errors: [ErrNoCloud]; [ErrCloudsFile] where OS_CLOUD is set; those of [Settings.Set].
func SettingsFromEnv() (Settings, error) {
	if os.Getenv("OS_CLOUD") != "" {
		return Settings{}, fmt.Errorf("%s: %w", service, ErrCloudsFile)
	}
	var s Settings
	for _, name := range variables {
		if err := s.Set(name, os.Getenv("OS_"+name)); err != nil {
			return Settings{}, fmt.Errorf("%s: the environment: %w", service, err)
		}
	}
	if s.AuthURL == "" && s.Endpoint == "" {
		return Settings{}, fmt.Errorf("%s: %w", service, ErrNoCloud)
	}
	return s, nil
}
