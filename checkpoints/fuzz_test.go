package checkpoints

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Whatever an identity service answers, the life is never negative, and the address is one of the catalogue's, for
// the project and nothing else.
func FuzzTokenAnswer(f *testing.F) {
	f.Add(`{"token":{"issued_at":"2026-11-21T16:44:48.000000Z","expires_at":"2026-11-21T16:44:52.000000Z","project":{"id":"p"},
		"catalog":[{"type":"cbr","endpoints":[{"interface":"public","region_id":"r","url":"https://cbr.example.com/v3/p"}]}]}}`, "r")
	f.Add(`{"token":{"issued_at":"0001-01-01T00:00:00","expires_at":"9999-12-31T23:59:59.9+14:00","catalog":null}}`, "")
	f.Add(`{"token":{"project":{"id":"/"},"catalog":[{"type":"cbr","endpoints":[{"interface":"public","region":"*","url":"/v3//"}]}]}}`, "r")
	f.Fuzz(func(t *testing.T, text, region string) {
		var said struct {
			Token tokenMessage `json:"token"`
		}
		if json.Unmarshal([]byte(text), &said) != nil {
			return
		}
		assert.GreaterOrEqual(t, said.Token.life(), time.Duration(0))
		base, err := endpointOf(said.Token.Catalog, Identity{Region: region}, said.Token.Project.ID)
		if err != nil {
			assert.Empty(t, base)
			return
		}
		found := false
		for _, service := range said.Token.Catalog {
			for _, e := range service.Endpoints {
				found = found || service.Type == "cbr" && e.Interface == "public" && e.in(region) &&
					strings.HasPrefix(strings.TrimSpace(e.URL), base)
			}
		}
		assert.True(t, found)
		assert.NotContains(t, base, "/v3/")
	})
}

func FuzzDecodeError(f *testing.F) {
	f.Add(401, `{"unauthorized":{"code":"401","message":"Malformed request url"}}`)
	f.Add(401, `{"error":{"code":401,"message":"The request you have made requires authentication.","title":"Unauthorized"}}`)
	f.Add(400, `{"error_code":"BackupService.6105","error_msg":"x","request_id":"y"}`)
	f.Add(502, `<html>`)
	f.Fuzz(func(t *testing.T, status int, text string) {
		said, own := decodeError(status, []byte(text))
		if own {
			require.True(t, json.Valid([]byte(text)))
			assert.NotEmpty(t, said.Code+said.Message)
			return
		}
		assert.Empty(t, said)
	})
}
