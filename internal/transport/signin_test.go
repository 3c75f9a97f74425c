package transport

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
)

// Whoever gives up a sign-in just as it is answered leaves a session behind, which Close ends.
func TestSignInThatNobodyWaitsForIsEnded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		ended := 0
		s := newSession(context.Background(), Session{
			SignIn: func(context.Context) (Grant, error) {
				cancel()
				<-time.After(time.Second) // of the bubble: the one who waited has gone
				return Grant{Token: drkit.NewSecret("a token")}, nil
			},
			SignOut: func(context.Context) error { ended++; return nil },
		}, time.Minute)
		_, _, err := s.get(ctx, 0, unnamed)
		require.ErrorIs(t, err, context.Canceled)
		<-time.After(2 * time.Second) // of the bubble: the answer has come
		assert.Equal(t, "a token", s.current())
		require.NoError(t, s.end(t.Context()))
		assert.Equal(t, 1, ended)
	})
}
