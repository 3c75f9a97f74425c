package unitrends_test

import (
	"encoding/hex"
	"errors"
	"maps"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

var variables = map[string]string{
	"UNITRENDS_URL": appliance, "UNITRENDS_USER": `EXAMPLE\ops`, "UNITRENDS_PASSWORD": "correct horse",
	"UNITRENDS_THUMBPRINT": "SHA-256:" + hex.EncodeToString(make([]byte, 32)),
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
	setenv(t, map[string]string{"UNITRENDS_URL": appliance + "/", "UNITRENDS_THUMBPRINT": ""})
	s := newService(t)
	s.signsIn(givenToken)
	client, err := unitrends.FromEnv(drkit.WithTransport(s.Mock))
	require.NoError(t, err)
	assert.Empty(t, s.Lines())
	require.NoError(t, client.Sessions.SignIn(wire(t)))
	assert.JSONEq(t, testdata(t, "sessions_sign_in.request"), s.Only().Body)
	require.NoError(t, client.Close(wire(t)))
}

func TestFromEnvNamesWhatIsMissing(t *testing.T) {
	for name, tc := range map[string]struct {
		change map[string]string
		want   string // empty: nothing is wrong
	}{
		"nothing":                   {nil, ""},
		"no URL":                    {map[string]string{"UNITRENDS_URL": ""}, "unitrends: UNITRENDS_URL is not set"},
		"no user":                   {map[string]string{"UNITRENDS_USER": ""}, "unitrends: UNITRENDS_USER is not set"},
		"no password":               {map[string]string{"UNITRENDS_PASSWORD": ""}, "unitrends: UNITRENDS_PASSWORD is not set"},
		"no thumbprint":             {map[string]string{"UNITRENDS_THUMBPRINT": ""}, ""},
		"a thumbprint that is none": {map[string]string{"UNITRENDS_THUMBPRINT": "AB:CD"}, `"AB:CD" is not a SHA-256 thumbprint`},
		"a URL in the clear":        {map[string]string{"UNITRENDS_URL": "http://harbor.example.com"}, "in the clear"},
	} {
		t.Run(name, func(t *testing.T) {
			all := setenv(t, tc.change)
			client, err := unitrends.FromEnv()
			if tc.want == "" {
				require.NoError(t, err)
				require.NoError(t, client.Close(wire(t)))
				return
			}
			require.ErrorContains(t, err, tc.want)
			assert.Equal(t, all["UNITRENDS_URL"] == "", errors.Is(err, unitrends.ErrNoEndpoint))
			assert.NotContains(t, err.Error(), "correct horse")
			assert.Nil(t, client)
		})
	}
}

// The thumbprint is an option like others, and contradicts what they may contradict.
func TestFromEnvPinsTheCertificate(t *testing.T) {
	setenv(t, nil)
	_, err := unitrends.FromEnv(drkit.WithInsecureSkipVerify())
	require.ErrorContains(t, err, "WithInsecureSkipVerify and WithThumbprint contradict each other")
}
