package cloudreplica_test

import (
	"encoding/hex"
	"errors"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/cloudreplica"
)

var variables = map[string]string{
	"CLOUDREPLICA_URL": manager, "CLOUDREPLICA_USER": `HARBOR\ops`, "CLOUDREPLICA_PASSWORD": "correct horse",
	"CLOUDREPLICA_THUMBPRINT": "SHA-256:" + hex.EncodeToString(make([]byte, 32)),
}

// setenv sets what FromEnv reads, but for a change.
func setenv(t *testing.T, change map[string]string) map[string]string {
	t.Helper()
	all := maps.Clone(variables)
	maps.Copy(all, change)
	for name, value := range all {
		t.Setenv(name, value)
	}
	return all
}

func TestFromEnvSignsIn(t *testing.T) {
	for _, tenant := range []string{"", "Tidewater"} {
		setenv(t, map[string]string{
			"CLOUDREPLICA_URL": manager + "/api", "CLOUDREPLICA_THUMBPRINT": "",
			"CLOUDREPLICA_TENANT": tenant, "CLOUDREPLICA_TENANT_PASSWORD": "pier <9> & quay",
		})
		s := newService(t, inXML)
		s.signsIn("sessions_sign_in.answer", givenToken)
		s.On("DELETE", "/api/logonSessions/"+logonID, s.answers(204, ""))
		client, err := cloudreplica.FromEnv(drkit.WithTransport(s.Mock))
		require.NoError(t, err)
		assert.Empty(t, s.Lines())
		_, err = client.Sessions.SignIn(sending(t))
		require.NoError(t, err)
		assert.Equal(t, basic(`HARBOR\ops`, "correct horse"), s.Only().Header["Authorization"])
		if tenant == "" {
			assert.Empty(t, s.Only().Body)
		} else {
			s.sameBody("sessions_sign_in.tenant.request", s.Only().Body)
		}
		require.NoError(t, client.Close(sending(t)))
	}
}

func TestFromEnvNamesWhatIsMissing(t *testing.T) {
	for name, tc := range map[string]struct {
		change map[string]string
		want   string // empty: nothing is wrong
	}{
		"nothing":                   {nil, ""},
		"no URL":                    {map[string]string{"CLOUDREPLICA_URL": ""}, "cloudreplica: CLOUDREPLICA_URL is not set"},
		"no user":                   {map[string]string{"CLOUDREPLICA_USER": ""}, "cloudreplica: CLOUDREPLICA_USER is not set"},
		"no password":               {map[string]string{"CLOUDREPLICA_PASSWORD": ""}, "cloudreplica: CLOUDREPLICA_PASSWORD is not set"},
		"no password of the tenant": {map[string]string{"CLOUDREPLICA_TENANT": "Tidewater", "CLOUDREPLICA_TENANT_PASSWORD": ""}, "password of the tenant is empty"},
		"no thumbprint":             {map[string]string{"CLOUDREPLICA_THUMBPRINT": ""}, ""},
		"a thumbprint that is none": {map[string]string{"CLOUDREPLICA_THUMBPRINT": "AB:CD"}, `"AB:CD" is not a SHA-256 thumbprint`},
		"a URL in the clear":        {map[string]string{"CLOUDREPLICA_URL": "http://em.example.com:9399"}, "in the clear"},
	} {
		t.Run(name, func(t *testing.T) {
			all := setenv(t, tc.change)
			client, err := cloudreplica.FromEnv()
			if tc.want == "" {
				require.NoError(t, err)
				require.NoError(t, client.Close(sending(t)))
				return
			}
			require.ErrorContains(t, err, tc.want)
			assert.Equal(t, all["CLOUDREPLICA_URL"] == "", errors.Is(err, cloudreplica.ErrNoEndpoint))
			assert.NotContains(t, err.Error(), "correct horse")
			assert.Nil(t, client)
		})
	}
}

// The thumbprint is an option like others, and contradicts what they may contradict.
func TestFromEnvPinsTheCertificate(t *testing.T) {
	setenv(t, nil)
	_, err := cloudreplica.FromEnv(drkit.WithInsecureSkipVerify())
	require.ErrorContains(t, err, "WithInsecureSkipVerify and WithThumbprint contradict each other")
}
