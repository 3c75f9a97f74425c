package checkpoints

import (
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// setenv sets what FromEnv reads; what is not named is empty.
func setenv(t *testing.T, set map[string]string) {
	t.Helper()
	for _, name := range append([]string{"CLOUD"}, variables...) {
		t.Setenv("OS_"+name, set[name])
		delete(set, name)
	}
	require.Empty(t, set)
}

func TestFromEnvSignsIn(t *testing.T) {
	const scope = `"scope":{"project":{"name":"eu-de","domain":{"name":"acme"}}}}}`
	for name, tc := range map[string]struct {
		set    map[string]string
		bodies []string
	}{
		"names": {
			map[string]string{
				"AUTH_URL": iamURL, "USERNAME": "ops", "PASSWORD": "pw", "USER_DOMAIN_NAME": "acme", "PROJECT_NAME": "eu-de",
				"REGION_NAME": "eu-de", "INTERFACE": "public", "AUTH_TYPE": "v3password",
			},
			[]string{`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ops","domain":{"name":"acme"},"password":"pw"}}},` + scope},
		},
		"older names": {
			map[string]string{"AUTH_URL": iamURL, "USERNAME": "ops", "PASSWORD": "pw", "DOMAIN_NAME": "acme", "TENANT_NAME": "eu-de", "ENDPOINT_TYPE": "publicURL"},
			[]string{`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ops","domain":{"name":"acme"},"password":"pw"}}},` + scope},
		},
		"ids": {
			map[string]string{"AUTH_URL": iamURL, "USER_ID": "u1", "USERNAME": "ops", "PASSWORD": "pw", "PROJECT_ID": project, "PROJECT_NAME": "eu-de", "PROJECT_DOMAIN_ID": "d1"},
			[]string{`{"auth":{"identity":{"methods":["password"],"password":{"user":{"id":"u1","password":"pw"}}},"scope":{"project":{"id":"` + project + `"}}}}`},
		},
		"default domain": {
			map[string]string{"AUTH_URL": iamURL, "USERNAME": "ops", "PASSWORD": "pw", "DEFAULT_DOMAIN": "default", "PROJECT_NAME": "p", "PROJECT_DOMAIN_NAME": "other"},
			[]string{`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ops","domain":{"id":"default"},"password":"pw"}}},
				"scope":{"project":{"name":"p","domain":{"name":"other"}}}}}`},
		},
		"passcode": {
			map[string]string{"AUTH_URL": iamURL, "USER_ID": "u1", "PASSWORD": "pw", "PASSCODE": "123456", "PROJECT_ID": project},
			[]string{`{"auth":{"identity":{"methods":["password","totp"],"password":{"user":{"id":"u1","password":"pw"}},
				"totp":{"user":{"id":"u1","passcode":"123456"}}},"scope":{"project":{"id":"` + project + `"}}}}`},
		},
		"passcode beside a password by type": {
			map[string]string{"AUTH_URL": iamURL, "AUTH_TYPE": "v3password", "USER_ID": "u1", "PASSWORD": "pw", "PASSCODE": "123456", "PROJECT_ID": project},
			[]string{`{"auth":{"identity":{"methods":["password","totp"],"password":{"user":{"id":"u1","password":"pw"}},
				"totp":{"user":{"id":"u1","passcode":"123456"}}},"scope":{"project":{"id":"` + project + `"}}}}`},
		},
		"token": {
			map[string]string{"AUTH_URL": iamURL, "TOKEN": "gAAAA", "AUTH_TOKEN": "older", "PROJECT_ID": project},
			[]string{`{"auth":{"identity":{"methods":["token"],"token":{"id":"gAAAA"}},"scope":{"project":{"id":"` + project + `"}}}}`},
		},
		"agency": {
			map[string]string{
				"AUTH_URL": iamURL, "USERNAME": "ops", "PASSWORD": "pw", "USER_DOMAIN_NAME": "acme",
				"AGENCY_NAME": "dr", "AGENCY_DOMAIN_NAME": "beta", "DELEGATED_PROJECT": "eu-nl",
			},
			[]string{
				`{"auth":{"identity":{"methods":["password"],"password":{"user":{"name":"ops","domain":{"name":"acme"},"password":"pw"}}}}}`,
				`{"auth":{"identity":{"methods":["assume_role"],"assume_role":{"domain_name":"beta","xrole_name":"dr"}},
					"scope":{"project":{"name":"eu-nl","domain":{"name":"beta"}}}}}`,
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, tc.set)
			c := newCloud(t)
			client, err := FromEnv(c.options()...)
			require.NoError(t, err)
			require.NoError(t, list(t.Context(), client))
			require.Len(t, c.bodies, len(tc.bodies))
			for i, want := range tc.bodies {
				assert.Equal(t, compact(t, want), c.bodies[i])
			}
			require.NoError(t, client.Close(t.Context()))
		})
	}
}

func TestFromEnvWithoutSignIn(t *testing.T) {
	for name, tc := range map[string]struct {
		set  map[string]string
		want Credentials
	}{
		"token":         {map[string]string{"TOKEN": "gAAAA"}, Token(drkit.NewSecret("gAAAA"))},
		"token by type": {map[string]string{"TOKEN": "gAAAA", "AUTH_TYPE": "none", "AUTH_URL": iamURL}, Token(drkit.NewSecret("gAAAA"))},
		"older type":    {map[string]string{"TOKEN": "gAAAA", "AUTH_TYPE": "admin_token", "AUTH_URL": iamURL}, Token(drkit.NewSecret("gAAAA"))},
		"key":           {map[string]string{"ACCESS_KEY": "AK", "SECRET_KEY": "SK", "AUTH_URL": iamURL}, AccessKey("AK", drkit.NewSecret("SK"))},
		"temporary key": {map[string]string{"ACCESS_KEY": "AK", "SECRET_KEY": "SK", "SECURITY_TOKEN": "ST"}, TemporaryKey("AK", drkit.NewSecret("SK"), drkit.NewSecret("ST"))},
	} {
		t.Run(name, func(t *testing.T) {
			tc.set["CBR_ENDPOINT_OVERRIDE"], tc.set["PROJECT_ID"] = cbrURL, project
			setenv(t, tc.set)
			client, err := FromEnv()
			require.NoError(t, err)
			assert.Equal(t, tc.want, client.credentials)
			base, scope := client.transport.Place()
			assert.Equal(t, []string{cbrURL, project}, []string{base, scope})
		})
	}
}

func TestFromEnvNamesWhatIsMissing(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "ca.pem")
	require.NoError(t, os.WriteFile(empty, []byte("none"), 0o600))
	for name, tc := range map[string]struct {
		change map[string]string
		want   string // empty: nothing is wrong
		is     error
	}{
		"nothing":        {nil, "", nil},
		"no cloud":       {map[string]string{"AUTH_URL": ""}, "", ErrNoCloud},
		"a cloud's name": {map[string]string{"CLOUD": "otc"}, "", ErrCloudsFile},
		"no user":        {map[string]string{"USERNAME": ""}, "user is empty", nil},
		"no password":    {map[string]string{"PASSWORD": ""}, "password is empty", nil},
		"no domain":      {map[string]string{"USER_DOMAIN_NAME": ""}, "has no account", nil},
		"no project":     {map[string]string{"PROJECT_ID": ""}, "name a project", nil},
		"no identity":    {map[string]string{"AUTH_URL": "", "CBR_ENDPOINT_OVERRIDE": cbrURL}, "auth_url) is not set", nil},
		"odd type":       {map[string]string{"AUTH_TYPE": "v3oidcpassword"}, `"oidcpassword" is not supported`, nil},
		"app credential": {map[string]string{"APPLICATION_CREDENTIAL_ID": "x"}, "application_credential_id is not supported", nil},
		"odd truth":      {map[string]string{"INSECURE": "perhaps"}, "neither true nor false", nil},
		"no such file":   {map[string]string{"CACERT": "/nowhere/ca.pem"}, "certificates: ", nil},
		"empty file":     {map[string]string{"CACERT": empty}, "holds none", nil},
		"insecure":       {map[string]string{"INSECURE": "True", "CACERT": "/nowhere/ca.pem"}, "", nil},
		"not insecure":   {map[string]string{"INSECURE": "no"}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			set := map[string]string{"AUTH_URL": iamURL, "USERNAME": "ops", "PASSWORD": "pw", "USER_DOMAIN_NAME": "acme", "PROJECT_ID": project}
			for name, value := range tc.change {
				set[name] = value
			}
			setenv(t, set)
			_, err := FromEnv()
			switch {
			case tc.is != nil:
				require.ErrorIs(t, err, tc.is)
			case tc.want != "":
				require.ErrorContains(t, err, tc.want)
			default:
				require.NoError(t, err)
			}
			if err != nil {
				assert.ErrorContains(t, err, "checkpoints: ")
			}
		})
	}
}

func TestFromEnvTrusts(t *testing.T) {
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	file := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	require.NoError(t, os.WriteFile(file, text, 0o600))
	for set, want := range map[[2]string]string{{"CACERT", file}: "404", {"INSECURE", "1"}: "404", {"INSECURE", "0"}: "x509"} {
		setenv(t, map[string]string{"TOKEN": "gAAAA", "CBR_ENDPOINT_OVERRIDE": server.URL, "PROJECT_ID": project, set[0]: set[1]})
		client, err := FromEnv(drkit.WithRetry(drkit.RetryPolicy{Attempts: 1}))
		require.NoError(t, err)
		require.ErrorContains(t, list(t.Context(), client), want)
		require.NoError(t, client.Close(t.Context()))
	}
}

// Every variable that FromEnv reads is one that Set knows, and the documentation has those that matter.
func TestVariablesAreKnown(t *testing.T) {
	t.Parallel()
	for _, name := range variables {
		var s Settings
		err := s.Set(name, "true")
		assert.Truef(t, err != nil || s != Settings{}, "OS_%s changes nothing", name)
	}
	var s Settings
	require.NoError(t, s.Set("auth-url", "x"))
	require.NoError(t, s.Set("Auth_URL", ""))
	require.NoError(t, s.Set("no_such_thing", "x"))
	assert.Equal(t, Settings{AuthURL: "x"}, s)
}

func TestSettingsFromEnv(t *testing.T) {
	setenv(t, map[string]string{"AUTH_URL": iamURL, "USERNAME": "ops", "PASSWORD": "pw", "PROJECT_NAME": "eu-de", "REGION_NAME": "eu-de"})
	s, err := SettingsFromEnv()
	require.NoError(t, err)
	assert.Equal(t, Settings{
		AuthURL: iamURL, Username: "ops", Password: drkit.NewSecret("pw"), ProjectName: "eu-de", Region: "eu-de",
	}, s)
	t.Setenv("OS_AUTH_URL", "")
	_, err = SettingsFromEnv()
	require.ErrorIs(t, err, ErrNoCloud)
	t.Setenv("OS_CLOUD", "otc")
	_, err = SettingsFromEnv()
	require.ErrorIs(t, err, ErrCloudsFile)
}
