package drkit_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

func TestOperationID(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		id string
		ok bool
	}{
		"short":            {"a", true},
		"UUID":             {"2f1c7a52-6f2e-4e5a-9a3f-0c8f6f6f6f6f", true},
		"with a space":     {"failover of db-1", true},
		"punctuation":      {`~!"#$%&'()*+,-./:;<=>?@[\]^_{|}`, true},
		"as long as it is": {strings.Repeat("x", 256), true},
		"too long":         {strings.Repeat("x", 257), false},
		"empty":            {"", false},
		"blank":            {" ", false},
		"leading space":    {" a", false},
		"trailing space":   {"a ", false},
		"two lines":        {"a\r\nX-Other: b", false},
		"tab":              {"a\tb", false},
		"control":          {"a\x7f", false},
		"not ASCII":        {"übung", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := drkit.WithOperationID(t.Context(), tc.id)
			got, err := drkit.OperationID(ctx)
			if !tc.ok {
				require.ErrorContains(t, err, "operation ID")
				assertOneLine(t, err.Error())
				assert.Empty(t, got)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tc.id, got)
		})
	}
}

func TestOperationIDOfContexts(t *testing.T) {
	t.Parallel()
	got, err := drkit.OperationID(t.Context())
	require.NoError(t, err, "a context without one is fine: each call then makes its own")
	assert.Empty(t, got)

	outer := drkit.WithOperationID(t.Context(), "outer")
	inner, cancel := context.WithCancel(drkit.WithOperationID(outer, "inner"))
	cancel()
	got, err = drkit.OperationID(inner)
	require.NoError(t, err, "also of a context that has ended")
	assert.Equal(t, "inner", got)
	got, err = drkit.OperationID(outer)
	require.NoError(t, err)
	assert.Equal(t, "outer", got)

	got, err = drkit.OperationID(drkit.WithOperationID(outer, "two\nlines"))
	require.Error(t, err, "a bad one does not fall back to the one outside")
	assert.Empty(t, got)
}
