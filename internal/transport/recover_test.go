package transport_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// Who asks for a poller of another type gets none: what was found stays to be had, and is not sent again.
func TestRecoverOfAnotherType(t *testing.T) {
	for name, before := range map[string]func(t *testing.T, y *yard, client *transport.Client){
		"found by this": func(*testing.T, *yard, *transport.Client) {},
		"found by somebody else": func(t *testing.T, y *yard, client *transport.Client) {
			_, err := y.start(t.Context(), client, &shakeThing, "7", nil)
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, y *yard) {
				y.breaks("move", stuck)
				client := y.client(t)
				lost := y.giveUp(t, client)
				before(t, y, client)
				recoversNothing := func(remembered int) {
					_, err := drkit.Recover[int](t.Context(), lost)
					require.ErrorContains(t, err, "was found, but leads to a *drkit.Poller[string] and not to a *drkit.Poller[int]")
					assert.Equal(t, remembered, client.Remembered())
				}
				recoversNothing(1)
				recoversNothing(1)
				poller, err := drkit.Recover[string](t.Context(), lost)
				require.NoError(t, err)
				assert.Equal(t, "job-1", poller.ID())
				recoversNothing(0) // somebody has it
			})
		})
	}
	t.Run("called again", func(t *testing.T) {
		bubble(t, func(t *testing.T, y *yard) {
			y.breaks("move", stuck)
			client := y.client(t)
			_, err := drkit.Recover[int](t.Context(), y.giveUp(t, client))
			require.ErrorContains(t, err, "was found, but leads to")
			poller, err := y.move(t.Context(), client)
			require.NoError(t, err)
			assert.Equal(t, "job-1", poller.ID())
			assert.True(t, poller.Adopted())
			assert.Equal(t, 1, y.count("POST"))
		})
	})
}
