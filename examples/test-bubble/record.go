package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/drkit-go/drkit"
)

// record is what the journal has of the rehearsals of one replication, beside their steps. What the requests ask for
// hangs on it alone, so that every run asks for the same.
type record struct {
	ID        string    `json:"id"` // of the replication
	Name      string    `json:"name"`
	Appliance string    `json:"appliance"`
	Round     int       `json:"round"`  // of rehearsals, from 1 on
	Paused    bool      `json:"paused"` // before the rehearsal, and so after it
	Folder    string    `json:"folder"`
	Compute   string    `json:"compute"`
	PowerOn   bool      `json:"powerOn,omitzero"`
	Promote   bool      `json:"promote,omitzero"`
	Instance  string    `json:"instance,omitzero"` // that is tested
	Taken     time.Time `json:"taken,omitzero"`    // when its transfer began
	Image     string    `json:"image,omitzero"`    // that the test has made
	Result    string    `json:"result,omitzero"`   // of the test; empty: it has not come to its end
	Reason    string    `json:"reason,omitzero"`   // of a result other than passed
	Over      bool      `json:"over,omitzero"`     // the bubble is gone and the replication resumed
}

// The steps of a rehearsal.
const (
	stepPause   = "pause"
	stepTest    = "test"
	stepPromote = "promote"
	stepCleanUp = "clean-up"
	stepResume  = "resume"
)

// steps are all of them, in their order.
var steps = []string{stepPause, stepTest, stepPromote, stepCleanUp, stepResume}

// recordPrefix begins the keys of records. Steps have other keys.
const recordPrefix = "rehearsal "

// key names a step of the rehearsal in the journal.
func (r *record) key(step string) string {
	if r.Round > 1 {
		return fmt.Sprintf("%s %s #%d", step, r.ID, r.Round)
	}
	return step + " " + r.ID
}

// save puts a record into the journal, also after an interrupt.
func (r *record) save(ctx context.Context, journal drkit.Journal) error {
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	return journal.Save(context.WithoutCancel(ctx), drkit.Step{
		Version: 1, Key: recordPrefix + r.ID, State: drkit.StepSucceeded, Began: now, Ended: now, Result: text,
	})
}

// recordsOf returns the records of a journal, in the order in which they were first saved.
func recordsOf(all []drkit.Step) ([]record, error) {
	var records []record
	for _, step := range all {
		if !strings.HasPrefix(step.Key, recordPrefix) {
			continue
		}
		var one record
		if err := json.Unmarshal(step.Result, &one); err != nil {
			return nil, fmt.Errorf("%q in the journal cannot be read: %w", step.Key, err)
		}
		records = append(records, one)
	}
	return records, nil
}

// state returns how far the journal says that a step has come.
func (r *rehearsal) state(ctx context.Context, step string) (drkit.StepState, error) {
	s, err := r.journal.Load(ctx, r.record.key(step))
	if errors.Is(err, drkit.ErrNotFound) {
		return drkit.StepReady, nil
	}
	return s.State, err
}
