package vcav_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// setenv sets what FromEnv reads; what is not named is empty.
func setenv(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, name := range []string{"VCAV_URL", "VCAV_USER", "VCAV_PASSWORD", "VCAV_THUMBPRINT"} {
		t.Setenv(name, variables[name])
	}
}

// The kind of a user is told by its name.
func TestFromEnvSignsIn(t *testing.T) {
	for user, want := range map[string]string{
		"root":                 `{"type":"localUser","localUser":"root","localPassword":"tr0ub4dor"}`,
		"backup-admin@acme-dr": testdata(t, "sessions_sign_in.vcd_tenant.request"),
		"root@System":          testdata(t, "sessions_sign_in.vcd_provider.request"),
	} {
		t.Run(user, func(t *testing.T) {
			setenv(t, map[string]string{"VCAV_URL": appliance + "/", "VCAV_USER": user, "VCAV_PASSWORD": "tr0ub4dor"})
			s := newService(t)
			s.signsIn(givenToken)
			client, err := vcav.FromEnv(drkit.WithTransport(s.mock))
			require.NoError(t, err)
			assert.Empty(t, s.lines())
			_, err = client.Sessions.SignIn(wire(t))
			require.NoError(t, err)
			assert.JSONEq(t, want, s.only().body)
			require.NoError(t, client.Close(wire(t)))
		})
	}
}

func TestFromEnvNamesWhatIsMissing(t *testing.T) {
	all := map[string]string{
		"VCAV_URL": appliance, "VCAV_USER": "root", "VCAV_PASSWORD": "Tr0ub4dor",
		"VCAV_THUMBPRINT": "SHA-256:" + hex.EncodeToString(make([]byte, 32)),
	}
	for name, tc := range map[string]struct {
		change map[string]string
		want   string // empty: nothing is wrong
	}{
		"nothing":                   {nil, ""},
		"no URL":                    {map[string]string{"VCAV_URL": ""}, "vcav: VCAV_URL is not set"},
		"neither URL nor user":      {map[string]string{"VCAV_URL": "", "VCAV_USER": ""}, "vcav: VCAV_URL is not set"},
		"no user":                   {map[string]string{"VCAV_USER": ""}, "vcav: VCAV_USER is not set"},
		"no password":               {map[string]string{"VCAV_PASSWORD": ""}, "vcav: VCAV_PASSWORD is not set"},
		"no password of a tenant":   {map[string]string{"VCAV_USER": "a@b", "VCAV_PASSWORD": ""}, "vcav: VCAV_PASSWORD is not set"},
		"no thumbprint":             {map[string]string{"VCAV_THUMBPRINT": ""}, ""},
		"a thumbprint that is none": {map[string]string{"VCAV_THUMBPRINT": "AB:CD"}, `"AB:CD" is not a SHA-256 thumbprint`},
		"a URL in the clear":        {map[string]string{"VCAV_URL": "http://vcda.example.com"}, "in the clear"},
		"a URL that is none":        {map[string]string{"VCAV_URL": "vcda.example.com"}, "is not a URL with a host"},
		"a user of blanks":          {map[string]string{"VCAV_USER": " "}, "user is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			variables := map[string]string{}
			for name, value := range all {
				variables[name] = value
			}
			for name, value := range tc.change {
				variables[name] = value
			}
			setenv(t, variables)
			client, err := vcav.FromEnv()
			if tc.want == "" {
				require.NoError(t, err)
				require.NoError(t, client.Close(wire(t)))
				return
			}
			require.ErrorContains(t, err, tc.want)
			assert.Equal(t, variables["VCAV_URL"] == "", errors.Is(err, vcav.ErrNoEndpoint))
			assert.NotContains(t, err.Error(), "Tr0ub4dor")
			assert.Nil(t, client)
		})
	}
}

// The thumbprint is that of the server's certificate, and options come after it.
func TestFromEnvPinsTheCertificate(t *testing.T) {
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of clients that turn away
	server.StartTLS()
	t.Cleanup(server.Close)
	sum := sha256.Sum256(server.Certificate().Raw)
	right := hex.EncodeToString(sum[:])
	sum[0]++
	for thumbprint, want := range map[string]string{
		right:                      "404", // the server answers, and has nothing to say
		hex.EncodeToString(sum[:]): "has another thumbprint than the pinned one",
		"":                         "certificate",
	} {
		t.Run(want, func(t *testing.T) {
			setenv(t, map[string]string{
				"VCAV_URL": server.URL, "VCAV_USER": "root", "VCAV_PASSWORD": "secret", "VCAV_THUMBPRINT": thumbprint,
			})
			client, err := vcav.FromEnv()
			require.NoError(t, err)
			_, err = client.Diagnostics.About(wire(t))
			require.ErrorContains(t, err, want)
			require.NoError(t, client.Close(wire(t)))
		})
	}
	setenv(t, map[string]string{
		"VCAV_URL": server.URL, "VCAV_USER": "root", "VCAV_PASSWORD": "secret", "VCAV_THUMBPRINT": right,
	})
	_, err := vcav.FromEnv(drkit.WithInsecureSkipVerify())
	require.ErrorContains(t, err, "WithInsecureSkipVerify and WithThumbprint contradict each other")
}
