package checkpoints

import (
	"encoding/json"
	"errors"

	"github.com/drkit-go/drkit"
)

// BackupOutcomesOf returns what became of each resource where [Checkpoints.Create] has backed up none: the error of
// such work is a [*drkit.TaskError], and the result that goes with it is empty. It is nil for every other error. A
// later run of a program, which finds the error in its journal, gets the same outcomes.
func BackupOutcomesOf(err error) []BackupOutcome {
	return outcomesOf(err, methodCreate, func(o BackupOutcome) string { return o.ResourceID })
}

// CopyOutcomesOf returns what became of each backup where [Checkpoints.Replicate] has copied none: the error of such
// work is a [*drkit.TaskError], and the result that goes with it is empty. It is nil for every other error. A later
// run of a program, which finds the error in its journal, gets the same outcomes.
func CopyOutcomesOf(err error) []CopyOutcome {
	return outcomesOf(err, methodReplicate, func(o CopyOutcome) string { return o.BackupID })
}

// outcomesOf reads the warnings of the error of a method, all of which are outcomes, each about something.
func outcomesOf[T any](err error, method string, about func(T) string) []T {
	var failed *drkit.TaskError
	if !errors.As(err, &failed) || failed.Operation != service+"."+method {
		return nil
	}
	var outcomes []T
	for _, warning := range failed.Warnings {
		var outcome T
		if json.Unmarshal(warning, &outcome) != nil || about(outcome) == "" {
			return nil
		}
		outcomes = append(outcomes, outcome)
	}
	return outcomes
}

// warningOf writes an outcome for the warnings of an error.
func warningOf(outcome any) json.RawMessage {
	text, _ := json.Marshal(outcome) // text alone: it cannot fail
	return text
}
