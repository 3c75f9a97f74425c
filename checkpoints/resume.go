package checkpoints

import (
	"fmt"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
)

// The methods whose pollers can be resumed.
const (
	methodCreate          = "Checkpoints.Create"
	methodReplicate       = "Checkpoints.Replicate"
	methodReplicateBackup = "Backups.Replicate"
	methodRestore         = "Backups.Restore"
	methodDeleteBackup    = "Backups.Delete"
	methodCreateVault     = "Vaults.Create"
	methodDeleteVault     = "Vaults.Delete"
	methodAddResources    = "Vaults.AddResources"
	methodRemoveResources = "Vaults.RemoveResources"
	methodMigrate         = "Vaults.MigrateResources"
	methodCreatePolicy    = "Policies.Create"
)

// Resume returns the poller that a resume token stands for, which may have been made by another process, with other
// credentials for the same project, or for another address of the service. T is the type of the result that the
// poller has which the token is from; json.RawMessage serves for any. Tokens hold no clients: a poller that was to
// follow copies at their destination needs its [FollowAt] again. Nothing is sent before the first Poll or Wait, which
// also find out whether the token belongs to this project.
//
// Errors: [drkit.ErrToken] if it is no token, one of another service, or of an operation with another result;
// Poll and Wait return it for another project.
func Resume[T any](client *Client, token string, options ...FollowOption) (*drkit.Poller[T], error) {
	poller, err := resume[T](client, token, followingBy(options))
	if err != nil {
		return nil, fmt.Errorf("checkpoints.Resume: %w: %w", drkit.ErrToken, err)
	}
	return poller, nil
}

func resume[T any](client *Client, text string, by following) (*drkit.Poller[T], error) {
	_, err := step.ParseToken(text)
	return nil, err
}
