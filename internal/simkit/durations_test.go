package simkit_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/internal/simkit"
)

func TestDurations(t *testing.T) {
	t.Parallel()
	require.NoError(t, simkit.NotNegative("Boiling", 0, time.Second))
	assert.EqualError(t, simkit.NotNegative("Boiling", time.Second, -1), "Boiling: time does not run backwards, as in -1ns")
	require.NoError(t, simkit.Positive("Boiling", 1, time.Second))
	for _, none := range []time.Duration{0, -1} {
		require.ErrorContains(t, simkit.Positive("Boiling", time.Second, none), "Boiling: "+none.String()+" is not positive")
	}
}
