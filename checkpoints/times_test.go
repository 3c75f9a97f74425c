package checkpoints

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestLifeOfTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		issued, expires string
		want            time.Duration
	}{
		"Keystone":       {"2026-11-21T16:44:48.000000Z", "2026-11-21T16:44:52.000000Z", 4 * time.Second},
		"IAM":            {"2026-03-05T08:57:38.411000Z", "2026-03-06T08:57:38.411000Z", 24 * time.Hour},
		"zones":          {"2026-03-05T08:00:00+08:00", "2026-03-05T08:00:00Z", 8 * time.Hour},
		"no zone":        {"2026-03-05T08:00:00.5", "2026-03-05T09:00:00.5", time.Hour},
		"backwards":      {"2026-03-05T08:00:00Z", "2026-03-05T07:00:00Z", 0},
		"never":          {"2026-03-05T08:00:00Z", "", 0},
		"no beginning":   {"", "2026-03-05T08:00:00Z", 0},
		"cannot be read": {"yesterday", "tomorrow", 0},
	} {
		assert.Equal(t, tc.want, tokenMessage{IssuedAt: tc.issued, ExpiresAt: tc.expires}.life(), name)
	}
}
