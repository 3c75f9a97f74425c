package checkpoints

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/step"
	"github.com/drkit-go/drkit/internal/transport"
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
	methodShare           = "Members.Add"
	methodSync            = "Checkpoints.Sync"
	methodCreateOrgPolicy = "OrganizationPolicies.Create"
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
	return resume[T](client, token, followingBy(options))
}

func resume[T any](client *Client, text string, by following) (*drkit.Poller[T], error) {
	return transport.Resume(client.transport, text, func(token step.Token) (*drkit.Poller[T], error) {
		return pollerOf[T](client, token, by)
	})
}

func pollerOf[T any](client *Client, token step.Token, by following) (*drkit.Poller[T], error) {
	var about subject
	if err := token.About(&about); err != nil {
		return nil, err
	}
	if about.ID == "" && about.Vault == "" {
		return nil, errors.New("it does not say what to look for")
	}
	r := resumption{client: client, token: token}
	if about.Ordered { // Vaults.CreatePrepaid, which shares its operation with Create
		return resumed[T](r, client.Vaults.ordered(about.Vault, about.Order))
	}
	switch token.Operation {
	case methodCreate:
		return resumed[T](r, &checkpointRun{
			client: client, id: about.ID, vault: about.Vault, created: about.From, skipped: about.Skipped,
		})
	case methodReplicate:
		return resumed[T](r, allCopies{about.copying(client, by)})
	case methodReplicateBackup:
		return resumed[T](r, oneCopy{about.copying(client, by)})
	case methodRestore:
		return resumed[T](r, about.restoring(client))
	case methodDeleteBackup:
		return resumed[T](r, client.leavingBackup(about.ID))
	case methodDeleteVault:
		return resumed[T](r, client.leavingVault(about.ID))
	case methodCreateVault, methodAddResources, methodRemoveResources, methodMigrate:
		return resumed[T](r, &changingVault{
			client: client, id: about.ID, method: token.Operation, resources: about.Resources, source: about.Vault,
			born: time.Now(),
		})
	case methodCreatePolicy:
		return resumed[T](r, client.Policies.pursuit(about.ID, nil))
	case methodCreateOrgPolicy:
		return resumed[T](r, client.OrganizationPolicies.pursuit(about.ID, nil))
	case methodShare:
		return resumed[T](r, newMembers{client, about.ID, about.Projects}.pursuit(nil))
	case methodSync:
		return resumed[T](r, &synchronizing{client: client, vault: about.Vault, task: about.Task})
	default:
		return nil, fmt.Errorf("%s has no poller", transport.Plain(token.Operation))
	}
}

// resumption is what pollers that are resumed share.
type resumption struct {
	client *Client
	token  step.Token
}

// resumed returns the poller of work that another process has begun.
func resumed[T, R any](r resumption, of pursuit[R]) (*drkit.Poller[T], error) {
	f := &follower[R]{
		client: r.client, method: r.token.Operation, operationID: r.token.OperationID, pursuit: of, token: r.token,
	}
	return transport.PollerAs[T](f.source(), r.client.transport.Polling())
}

// subject is what a resume token says of work: which members it has is the matter of its operation.
type subject struct {
	ID        string             `json:"id,omitzero"`
	Vault     string             `json:"vault,omitzero"`
	Task      string             `json:"task,omitzero"`
	Target    string             `json:"target,omitzero"`
	Resources []string           `json:"resources,omitzero"`
	Projects  []string           `json:"projects,omitzero"`
	Ordered   bool               `json:"ordered,omitzero"`
	Order     *OrderResult       `json:"order,omitzero"`
	Skipped   []SkippedResource  `json:"skipped,omitzero"`
	To        destination        `json:"to,omitzero"`
	Copies    []ReplicatedBackup `json:"copies,omitzero"`
	Several   bool               `json:"several,omitzero"`
	Auto      bool               `json:"auto,omitzero"`
	From      Time               `json:"from,omitzero"`
	Newest    Time               `json:"newest,omitzero"`
	Before    []string           `json:"before,omitzero"`
	Unnoted   bool               `json:"unnoted,omitzero"`
}

// String writes the subject as JSON.
func (s subject) String() string {
	text, _ := json.Marshal(s) // text, truth values and times: it cannot fail
	return string(text)
}

func (s subject) copying(client *Client, by following) *copying {
	c := &copying{
		client: client, by: by, backup: s.ID, to: s.To, auto: s.Auto, born: time.Now(), vault: s.Vault, from: s.From,
		wanted: s.Copies, several: s.Several, before: noted{first: s.Unnoted, newest: s.Newest.Time, last: s.Before},
	}
	c.before.ids = make(map[string]bool, len(s.Before))
	for _, id := range s.Before {
		c.before.ids[id] = true
	}
	return c
}

func (s subject) restoring(client *Client) *restoring {
	r := &restoring{client: client, backup: s.ID, target: s.Target, task: s.Task}
	if !s.Unnoted {
		r.before = make(map[string]bool, len(s.Before))
		for _, id := range s.Before {
			r.before[id] = true
		}
	}
	return r
}
