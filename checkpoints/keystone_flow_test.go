package checkpoints

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// A real Keystone: one sign-in for 50 goroutines, whether the token is the first, is renewed ahead of its end, has
// ended while nobody looked, or was revoked behind the client's back.
func TestRealKeystone(t *testing.T) {
	c := newRealCloud(t)
	backup := c.make("service", "services", `{"type":"cbr","name":"cbr"}`)
	c.make("endpoint", "endpoints", `{"service_id":"`+backup+`","interface":"public","region_id":"RegionOne","url":"`+c.backup.URL+`/v3/$(project_id)s"}`)
	c.addOps()
	at := Identity{URL: c.proxy.URL + "/v3", Region: "RegionOne", Project: Project{Name: "admin"}}
	admin := User{Name: "admin", Domain: Domain{ID: "default"}}
	login := Password(at, admin, drkit.NewSecret("s3cret"))

	t.Run("life of a token", func(t *testing.T) { c.lifeOfAToken(t, login) })
	t.Run("wrong password", func(t *testing.T) {
		client := c.client(Password(at, admin, drkit.NewSecret("guess")))
		for range 5 {
			require.ErrorIs(t, list(t.Context(), client), drkit.ErrUnauthorized)
		}
		signIns, _, _ := c.tally()
		assert.Equal(t, 1, signIns, "accounts get locked")
	})
	t.Run("region that is not there", func(t *testing.T) {
		elsewhere := at
		elsewhere.Region = "RegionTwo"
		require.ErrorContains(t, list(t.Context(), c.client(Password(elsewhere, admin, drkit.NewSecret("s3cret")))), `not in "RegionTwo"`)
	})
	t.Run("project that is not there", func(t *testing.T) {
		elsewhere := at
		elsewhere.Project.Name = "nothing"
		require.ErrorIs(t, list(t.Context(), c.client(Password(elsewhere, admin, drkit.NewSecret("s3cret")))), drkit.ErrUnauthorized)
	})
	t.Run("token for token", func(t *testing.T) { c.exchange(t, at, admin) })
	t.Run("end of a session", func(t *testing.T) {
		client := c.client(login)
		_, err := client.Sessions.SignIn(t.Context())
		require.NoError(t, err)
		token := client.token.Reveal()
		assert.Equal(t, http.StatusOK, c.ask(http.MethodGet, "/v3/auth/tokens", token, "").StatusCode)
		require.NoError(t, client.Sessions.End(t.Context()))
		assert.Equal(t, http.StatusUnauthorized, c.ask(http.MethodGet, "/v3/auth/tokens", token, "").StatusCode)
	})
	t.Run("passcode", func(t *testing.T) { c.secondFactor(t, at) })
}

func (c *realCloud) lifeOfAToken(t *testing.T, login Credentials) {
	client := c.client(login)
	many(t, 50, client, list)
	signIns, served, refused := c.tally()
	t.Logf("50 at once, no token yet: %d sign-in, %d served, %d refused", signIns, served, refused)
	assert.Equal(t, []int{1, 50, 0}, []int{signIns, served, refused})
	session, err := client.Sessions.SignIn(t.Context())
	require.NoError(t, err)
	assert.Equal(t, c.life, session.ExpiresAt.Sub(session.IssuedAt))
	assert.Equal(t, c.backup.URL, session.Endpoint)
	assert.Equal(t, "admin", session.Project.Name)

	began := time.Now()
	for time.Since(began) < 3*c.life {
		many(t, 50, client, list)
		pass(time.Second / 2)
	}
	signIns, served, refused = c.tally()
	t.Logf("50 at a time for %s, tokens of %s: %d sign-ins, %d served, %d refused", 3*c.life, c.life, signIns, served, refused)
	assert.Zero(t, refused, "renewed ahead of its end")
	assert.InDelta(t, 4, signIns, 1)

	pass(c.life + time.Second)
	many(t, 50, client, create)
	signIns, served, refused = c.tally()
	t.Logf("50 at once, the token has ended meanwhile: %d sign-in, %d served, %d refused", signIns, served, refused)
	assert.Equal(t, []int{1, 50, 0}, []int{signIns, served, refused})

	require.Equal(t, http.StatusNoContent, c.ask(http.MethodDelete, "/v3/auth/tokens", client.token.Reveal(), "").StatusCode)
	pass(time.Second / 2) // what the backup service remembers of the token
	many(t, 50, client, create)
	signIns, served, refused = c.tally()
	t.Logf("50 at once, the token was revoked: %d sign-in, %d served, %d refused", signIns, served, refused)
	assert.Equal(t, 1, signIns)
	assert.Equal(t, 50, served)
	assert.NotZero(t, refused)
}

func (c *realCloud) exchange(t *testing.T, at Identity, user User) {
	unscoped := c.client(Password(at, user, drkit.NewSecret("s3cret")))
	_, err := unscoped.Sessions.SignIn(t.Context())
	require.NoError(t, err)
	byName := at
	byName.Project.Domain = Domain{ID: "default"}
	client := c.client(ExchangeToken(byName, unscoped.token))
	c.tally()
	many(t, 50, client, list)
	signIns, served, refused := c.tally()
	t.Logf("50 at once, token for token: %d sign-in, %d served, %d refused", signIns, served, refused)
	assert.Equal(t, []int{1, 50, 0}, []int{signIns, served, refused})
	pass(c.life + time.Second)
	for range 5 {
		require.ErrorIs(t, list(t.Context(), client), drkit.ErrUnauthorized)
	}
	signIns, _, _ = c.tally()
	assert.Equal(t, 1, signIns, "it ends with the token that it was made from")
}

var codeKey = []byte("12345678901234567890")

// addOps makes a user who needs a one-time code beside the password.
func (c *realCloud) addOps() {
	id := c.make("user", "users", `{"name":"ops","domain_id":"default","password":"pw","options":{
		"multi_factor_auth_enabled":true,"multi_factor_auth_rules":[["password","totp"]]}}`)
	c.make("credential", "credentials", `{"type":"totp","user_id":"`+id+`","blob":"`+base32.StdEncoding.EncodeToString(codeKey)+`"}`)
	project := c.make("project", "projects", `{"name":"drill","domain_id":"default"}`)
	role := c.make("role", "roles", `{"name":"backup"}`)
	granted := c.ask(http.MethodPut, "/v3/projects/"+project+"/users/"+id+"/roles/"+role, "admin", "")
	require.Equal(c.t, http.StatusNoContent, granted.StatusCode)
}

func (c *realCloud) secondFactor(t *testing.T, at Identity) {
	at.Project.Name = "drill"
	user := User{Name: "ops", Domain: Domain{ID: "default"}}
	require.ErrorIs(t, list(t.Context(), c.client(Password(at, user, drkit.NewSecret("pw")))), drkit.ErrUnauthorized, "no code")
	wrong := func(context.Context) (drkit.Secret, error) { return drkit.NewSecret("000000"), nil }
	require.ErrorIs(t, list(t.Context(), c.client(PasswordAndPasscode(at, user, drkit.NewSecret("pw"), wrong))), drkit.ErrUnauthorized)

	client := c.client(PasswordAndPasscode(at, user, drkit.NewSecret("pw"), func(context.Context) (drkit.Secret, error) {
		return drkit.NewSecret(oneTimeCode(codeKey, time.Now())), nil
	}))
	session, err := client.Sessions.SignIn(t.Context())
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"password", "totp"}, session.Methods)
	assert.Equal(t, []string{"backup"}, session.Roles)
	require.NoError(t, list(t.Context(), client))
}

// oneTimeCode is the code of RFC 6238 with six digits, which changes every 30 seconds.
func oneTimeCode(key []byte, now time.Time) string {
	var counter [8]byte
	binary.BigEndian.PutUint64(counter[:], uint64(now.Unix()/30))
	mac := hmac.New(sha1.New, key)
	_, _ = mac.Write(counter[:])
	sum := mac.Sum(nil)
	offset := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%06d", (binary.BigEndian.Uint32(sum[offset:])&0x7fffffff)%1_000_000)
}
