package vcav_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// Credentials that cannot be right fail where they are given, and show nothing of themselves.
func TestCredentialsAreChecked(t *testing.T) {
	t.Parallel()
	elliptic, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	word, none := drkit.NewSecret("Tr0ub4dor&3"), drkit.NewSecret("")
	for name, tc := range map[string]struct {
		credentials vcav.Credentials
		want        string // empty: they are good
	}{
		"local user":                       {vcav.LocalUser("root", word), ""},
		"local user without name":          {vcav.LocalUser("", word), "user is empty"},
		"local user of blanks":             {vcav.LocalUser(" \t", word), "user is empty"},
		"local user without password":      {vcav.LocalUser("root", none), "password is empty"},
		"local user with a zero password":  {vcav.LocalUser("root", drkit.Secret{}), "password is empty"},
		"SSO":                              {vcav.SSO("operator@vsphere.local", word), ""},
		"SSO of the default domain":        {vcav.SSO("operator", word), ""},
		"SSO without name":                 {vcav.SSO("", word), "user is empty"},
		"SSO without password":             {vcav.SSO("operator", none), "password is empty"},
		"Cloud Director":                   {vcav.VCDCredentials("admin@org1", word), ""},
		"Cloud Director without org":       {vcav.VCDCredentials("admin", word), `user "admin" names no organization`},
		"Cloud Director without name":      {vcav.VCDCredentials("", word), "user is empty"},
		"Cloud Director without password":  {vcav.VCDCredentials("admin@org1", none), "password is empty"},
		"bearer assertion":                 {vcav.SSOToken(word, nil), ""},
		"holder-of-key assertion":          {vcav.SSOToken(word, signingKey()), ""},
		"no assertion":                     {vcav.SSOToken(none, signingKey()), "SAML assertion is empty"},
		"ECDSA key":                        {vcav.SSOToken(word, elliptic), "RSA keys, not of *ecdsa.PublicKey"},
		"Ed25519 key":                      {vcav.SSOToken(word, edwards), "RSA keys, not of ed25519.PublicKey"},
		"Cloud Director token":             {vcav.VCDToken(word, ""), ""},
		"Cloud Director token of a member": {vcav.VCDToken(word, "org1"), ""},
		"no Cloud Director token":          {vcav.VCDToken(none, "org1"), "Cloud Director token is empty"},
		"token":                            {vcav.Token(word), ""},
		"no token":                         {vcav.Token(none), "session token is empty"},
		"nil":                              {nil, "credentials are nil"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			client, err := vcav.NewClient(appliance, tc.credentials, drkit.WithTransport(s.mock))
			if tc.want == "" {
				require.NoError(t, err)
				require.NoError(t, client.Close(wire(t)))
			} else {
				require.ErrorContains(t, err, "vcav: ")
				require.ErrorContains(t, err, tc.want)
				assert.NotContains(t, err.Error(), word.Reveal())
				assert.Nil(t, client)
			}
			assert.Empty(t, s.lines())
		})
	}
}

func TestNewClientChecksItsArguments(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		endpoint string
		options  []drkit.Option
		want     string
	}{
		"no endpoint":      {"", nil, "is not a URL with a host"},
		"plain HTTP":       {"http://vcda.example.com", nil, "in the clear"},
		"password in it":   {"https://root:Tr0ub4dor@vcda.example.com", nil, "endpoint holds a user name"},
		"query":            {"https://vcda.example.com?site=a", nil, "must not have a query"},
		"another scheme":   {"ftp://vcda.example.com", nil, "must begin with https://"},
		"nil option":       {appliance, []drkit.Option{nil}, "option is nil"},
		"bad thumbprint":   {appliance, []drkit.Option{drkit.WithThumbprint("AB:CD")}, "WithThumbprint"},
		"two that collide": {appliance, []drkit.Option{drkit.WithPlainHTTP()}, "WithPlainHTTP contradicts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client, err := vcav.NewClient(tc.endpoint, vcav.LocalUser("root", drkit.NewSecret("secret")), tc.options...)
			require.ErrorContains(t, err, "vcav: ")
			require.ErrorContains(t, err, tc.want)
			assert.NotContains(t, err.Error(), "Tr0ub4dor")
			assert.Nil(t, client)
		})
	}
}

// samlSignIn is the body of a sign-in with an assertion.
type samlSignIn struct {
	Type      string  `json:"type"`
	SAMLToken string  `json:"samlToken"`
	Timestamp int64   `json:"timestamp"`
	Nonce     string  `json:"nonce"`
	Signature *string `json:"signature"`
}

func samlSignInOf(t *testing.T, request sent) samlSignIn {
	t.Helper()
	require.Equal(t, "POST /sessions", request.line)
	var body samlSignIn
	require.NoError(t, json.Unmarshal([]byte(request.body), &body))
	return body
}

// Each sign-in signs the assertion, its own time and a nonce of its own.
func TestSignatureOfAnAssertion(t *testing.T) {
	t.Parallel()
	key := signingKey()
	synctest.Test(t, func(t *testing.T) {
		s := newService(t)
		s.signsIn("Zmlyc3Q=", "c2Vjb25k")
		s.on("GET", "/diagnostics/about", answer(t, 200, "diagnostics_about.answer"),
			answer(t, 401, "error_not_authenticated"), answer(t, 200, "diagnostics_about.answer"))
		client := s.clientOf(vcav.SSOToken(drkit.NewSecret(assertion), key))
		var times []int64
		for range 2 {
			<-time.After(time.Hour)
			times = append(times, time.Now().UnixMilli())
			_, err := client.Diagnostics.About(wire(t))
			require.NoError(t, err)
		}
		about, in := "GET /diagnostics/about", "POST /sessions"
		require.Equal(t, []string{in, about, about, in, about}, s.lines())

		nonces := map[string]bool{}
		for i, request := range []sent{s.all()[0], s.all()[3]} {
			body := samlSignInOf(t, request)
			assert.Equal(t, "ssoToken", body.Type)
			assert.Equal(t, assertion, body.SAMLToken)
			assert.Equal(t, times[i], body.Timestamp)
			assert.GreaterOrEqual(t, len(body.Nonce), 16)
			nonces[body.Nonce] = true
			require.NotNil(t, body.Signature)
			signature, err := base64.StdEncoding.DecodeString(*body.Signature)
			require.NoError(t, err)
			digest := sha256.Sum256([]byte(assertion + strconv.FormatInt(times[i], 10) + body.Nonce))
			assert.NoError(t, rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature))
		}
		assert.Len(t, nonces, 2)
	})
}

// Who only bears an assertion has nothing to sign with: the member is not sent at all.
func TestBearerAssertion(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn(givenToken)
	_, err := s.clientOf(vcav.SSOToken(drkit.NewSecret(assertion), nil)).Sessions.SignIn(wire(t))
	require.NoError(t, err)
	assert.Nil(t, samlSignInOf(t, s.only()).Signature)
	assert.NotContains(t, s.only().body, "signature")
}

func TestTokenOfCloudDirectorWithoutOrganization(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn(givenToken)
	_, err := s.clientOf(vcav.VCDToken(drkit.NewSecret("bWFkZQ"), "")).Sessions.SignIn(wire(t))
	require.NoError(t, err)
	assert.JSONEq(t, `{"type":"vcdAccessToken","vcdAccessToken":"bWFkZQ"}`, s.only().body)
}

// brokenSigner is a key that cannot be reached, such as one in a token that was unplugged.
type brokenSigner struct{ *rsa.PrivateKey }

func (brokenSigner) Sign(io.Reader, []byte, crypto.SignerOpts) ([]byte, error) {
	return nil, errors.New("no such slot")
}

func TestSignerThatFails(t *testing.T) {
	t.Parallel()
	s := newService(t)
	client := s.clientOf(vcav.SSOToken(drkit.NewSecret(assertion), brokenSigner{signingKey()}))
	_, err := client.VMReplications.Reverse(wire(t), "C4-1")
	require.ErrorContains(t, err, "vcav.VMReplications.Reverse: signing in: signing the SAML assertion: no such slot")
	assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	assert.Empty(t, s.lines())
}
