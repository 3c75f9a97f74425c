package unitrends

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// Sources are the appliances whose copies come to this one, which is a target.
type Sources struct{ at place }

// Acceptance is what a target tells a source that it accepts. Its zero value leaves all to the target.
//
// Source: Unitrends API wiki, "(POST) /replication/source".
type Acceptance struct {
	// Message for the source.
	Message drkit.Opt[string]
	// StorageID is the storage for the copies of this source, one of [Storage.List].
	StorageID drkit.Opt[ID]
}

// sourceDecision is the body of both decisions.
type sourceDecision struct {
	RequestID ID                `json:"request_id"`
	Accept    bool              `json:"accept"`
	Message   drkit.Opt[string] `json:"message,omitzero"`
	StorageID drkit.Opt[ID]     `json:"storage_id,omitzero"`
}

// Pending returns the requests of sources that wait for a decision. [Systems.List] shows the name and the asset
// tag of each. It is safe to repeat.
//
// Experimental: of the answer only the identifiers are documented; what else there is, is in Extra.
//
// Source: Unitrends API wiki, "GET /replication/pending", which is named there without its page.
func (s *Sources) Pending(ctx context.Context) ([]PendingRequest, error) {
	var answer struct{ Pending rows[PendingRequest] }
	call := transport.Call{Operation: &contract.SourcesPending, Check: answer.Pending.in("pending")}
	err := s.at.do(ctx, call, &answer)
	return answer.Pending.all, err
}

// Accept accepts a pending request. It returns once the target has taken the decision; the source then finishes
// its configuration by itself, which the poller waits for: the result is the source as a system that replicates,
// once two looks in a row have shown it the same. Where the first Poll finds it so, as that of a poller which was
// resumed, it takes the second look as well, after the MinInterval of [drkit.PollPolicy]. Copies flow once a job order
// of the source names them. If somebody rejects the request meanwhile, the wait fails.
//
// The request is sent at most once. Where its answer is lost, or is an error that alone proves nothing, such as
// the 500 of an ordinary refusal, the systems are looked at: an acceptance that is to be seen is adopted, and
// where nothing has changed within the grace of [drkit.PollPolicy] an error answer stands: an ordinary refusal takes
// that long.
//
// Two who accept one request at the same moment: the first makes the terms, and the second adopts that acceptance
// although the service has refused its own, because the lists say neither who has decided nor on which terms. So
// where [drkit.Poller.Adopted] is true and the storage matters, set it with [Sources.Update] once the wait has
// ended, which may be repeated; the message is that of the first. Who comes later gets [drkit.ErrConflict] or the
// service's refusal, and can wait with [Sources.Settled].
//
// Errors: [drkit.ErrConflict] if the request is accepted already and its source is being configured;
// [drkit.ErrOutcomeUnknown] if what became of it cannot be told. Of the wait: those of [drkit.Poller.Wait], among
// them [drkit.ErrTaskGone] where the source has vanished from the lists, as one that somebody has removed.
//
// Source: Unitrends API wiki, "(POST) /replication/source"; "(GET) /systems".
func (s *Sources) Accept(ctx context.Context, requestID ID, terms Acceptance) (*drkit.Poller[System], error) {
	return s.decide(ctx, s.at.acceptance(requestID, ""), sourceDecision{
		RequestID: requestID, Accept: true, Message: terms.Message, StorageID: terms.StorageID,
	})
}

// Settled returns a poller that waits until a request is accepted and its source is configured, whoever accepts it:
// for a request that [Sources.Accept] has found accepted already, or that somebody else is to decide on. Its result
// is that of Accept, and if the request is rejected, the wait fails. Nothing is sent before the first look, which must
// find the request: once its source is configured the target no longer says whose request it was, and the wait ends
// with [drkit.ErrTaskGone]. So take the resume token after a Poll: one from before does not know the source either.
//
// Errors: an empty id.
//
// Source: Unitrends API wiki, "(GET) /systems".
func (s *Sources) Settled(requestID ID) (*drkit.Poller[System], error) {
	c := s.at.acceptance(requestID, "")
	c.method = methodSettled
	if err := checkID("the request", requestID); err != nil {
		return nil, fmt.Errorf("%s.%s: %w", service, c.method, err)
	}
	return c.poller(new(follower[System])), nil
}

// Reject rejects a pending request with a message, which the service asks for: an empty one is refused before
// anything is sent. It returns once the target has taken the decision; the poller waits until the request is no
// longer pending, and its result is the request as [Systems.List] shows it among the rejected ones. If somebody
// accepts the request meanwhile, the wait fails.
//
// The request is sent at most once, as that of [Sources.Accept].
//
// Errors: [drkit.ErrOutcomeUnknown] if what became of it cannot be told.
//
// Source: Unitrends API wiki, "(POST) /replication/source"; "(GET) /systems".
func (s *Sources) Reject(ctx context.Context, requestID ID, message string) (*drkit.Poller[System], error) {
	if strings.TrimSpace(message) == "" {
		return nil, errors.New("unitrends.Sources.Reject: the message is empty, and the service asks for one")
	}
	return s.decide(ctx, s.at.rejection(requestID), sourceDecision{RequestID: requestID, Message: drkit.Some(message)})
}

func (s *Sources) decide(ctx context.Context, change *change[System], body sourceDecision) (*drkit.Poller[System], error) {
	if err := cmp.Or(checkID("the request", body.RequestID), checkStorage(body.StorageID)); err != nil {
		return nil, fmt.Errorf("%s.%s: %w", service, change.method, err)
	}
	return begin(ctx, change, transport.Call{Operation: &contract.SourcesDecide, Body: body})
}

// Update changes what the target knows of a source, which is named by its system id: [System.ID]. It is safe to
// repeat.
//
// Source: Unitrends API wiki, "(PUT) /replication/source".
func (s *Sources) Update(ctx context.Context, systemID ID, update SourceUpdate) (Result, error) {
	if err := cmp.Or(checkID("the source", systemID), checkStorage(update.StorageID)); err != nil {
		return nil, fmt.Errorf("unitrends.Sources.Update: %w", err)
	}
	return s.at.apply(ctx, transport.Call{Operation: &contract.SourcesUpdate, Body: update, Query: struct {
		System ID `url:"sid"`
	}{systemID}})
}

// Delete ends replication from a source, which is named by its system id: [System.ID]. The poller waits until the
// source is gone, or no longer replicates; its result is the system as it was seen last. What becomes of its
// copies is not documented. The request is sent at most once, as that of [Sources.Accept].
//
// Errors: [drkit.ErrOutcomeUnknown] if what became of it cannot be told.
//
// Source: Unitrends API wiki, "(DELETE) /replication/source".
func (s *Sources) Delete(ctx context.Context, systemID ID) (*drkit.Poller[System], error) {
	call := transport.Call{Operation: &contract.SourcesDelete, Path: []string{string(systemID)}}
	return begin(ctx, s.at.removal(systemID), call)
}

// checkID refuses an id that cannot be one.
func checkID(what string, id ID) error {
	if strings.TrimSpace(string(id)) == "" {
		return errors.New("the id of " + what + " is empty")
	}
	return nil
}

// checkStorage refuses a storage that cannot be one. To name none is another thing.
func checkStorage(id drkit.Opt[ID]) error {
	if named, set := id.Get(); set {
		return checkID("the storage", named)
	}
	return nil
}
