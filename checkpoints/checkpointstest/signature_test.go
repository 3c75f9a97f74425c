package checkpointstest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// signed are the headers of a GET, put together by hand as the guide says.
func signed(access, secret, date, path, query string, more ...string) []string {
	canonical := "GET\n" + path + "/\n" + query + "\nx-sdk-date:" + date + "\n\nx-sdk-date\n" + hex.EncodeToString(sum(""))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("SDK-HMAC-SHA256\n" + date + "\n" + hex.EncodeToString(sum(canonical))))
	authorization := fmt.Sprintf("SDK-HMAC-SHA256 Access=%s, SignedHeaders=x-sdk-date, Signature=%x", access, mac.Sum(nil))
	return append([]string{"X-Sdk-Date", date, "Authorization", authorization}, more...)
}

func sum(text string) []byte {
	s := sha256.Sum256([]byte(text))
	return s[:]
}

func TestSignedRequests(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	token := g.token
	g.token = ""
	s := g.server
	path := "/v3/" + g.project + "/vaults"
	date := func(off time.Duration) string { return clock.Now().Add(off).Format("20060102T150405Z") }
	list := func(headers ...string) reply {
		got, err := g.send(t.Context(), "GET", "/vaults?limit=5", "", headers...)
		assert.NoError(t, err)
		return got
	}
	good := func() reply { return list(signed(s.AccessKey, s.SecretKey, date(0), path, "limit=5")...) }
	assert.Equal(t, 200, good().status)
	assert.Equal(t, 200, list(signed(s.AccessKey, s.SecretKey, date(15*time.Minute), path, "limit=5", "X-Project-Id", g.project)...).status)
	for name, headers := range map[string][]string{
		"wrong secret": signed(s.AccessKey, "wrong", date(0), path, "limit=5"),
		"old":          signed(s.AccessKey, s.SecretKey, date(-16*time.Minute), path, "limit=5"),
		"other query":  signed(s.AccessKey, s.SecretKey, date(0), path, "limit=6"),
		"no header":    {"Authorization", "SDK-HMAC-SHA256 nonsense"},
	} {
		got := list(headers...)
		assert.Equal(t, 401, got.status, name)
		assert.Contains(t, got.body, checkpointstest.CodeSignature, name)
	}
	other := list(signed(s.AccessKey, s.SecretKey, date(0), path, "limit=5", "X-Project-Id", unknown)...)
	assert.Contains(t, other.body, checkpointstest.CodeTokenRefused)
	assert.Contains(t, list(signed("NOBODY", "x", date(0), path, "limit=5")...).body, "ak NOBODY not exist")

	// Five failures in a row lock the key for five minutes.
	assert.Equal(t, 200, good().status)
	for range 5 {
		list(signed(s.AccessKey, "wrong", date(0), path, "limit=5")...)
	}
	assert.Contains(t, good().body, "the key is locked")
	clock.Advance(5 * time.Minute)
	assert.Equal(t, 200, good().status)

	// Temporary keys have a token beside them, and an end.
	g.token = token
	made := g.ask(t, 201, "POST", strings.TrimSuffix(s.AuthURL, "/v3")+"/v3.0/OS-CREDENTIAL/securitytokens",
		`{"auth":{"identity":{"methods":["token"],"token":{"duration_seconds":900}}}}`)
	g.token = ""
	access, secret := text(t, made, "credential", "access"), text(t, made, "credential", "secret")
	assert.Equal(t, 401, list(signed(access, secret, date(0), path, "limit=5")...).status)
	withToken := func() reply {
		return list(signed(access, secret, date(0), path, "limit=5", "X-Security-Token", text(t, made, "credential", "securitytoken"))...)
	}
	assert.Equal(t, 200, withToken().status)
	clock.Advance(15 * time.Minute)
	assert.Equal(t, 401, withToken().status)
}
