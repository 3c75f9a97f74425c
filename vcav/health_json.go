package vcav

import (
	"encoding/json"

	"github.com/drkit-go/drkit/internal/transport"
)

// healthTask reads what GET /diagnostics/health answers: a task, or, before version 4.1, the health itself,
// which is then the result of a task that has ended.
type healthTask struct {
	Task
	made bool // by the client, for the health itself
}

// UnmarshalJSON tells the two apart by the members that only one of them has.
func (h *healthTask) UnmarshalJSON(data []byte) error {
	var seen struct {
		State      string `json:"state"`
		InstanceID string `json:"instanceId"`
	}
	if err := json.Unmarshal(data, &seen); err != nil {
		return err
	}
	if seen.State != "" || seen.InstanceID == "" {
		return transport.Unmarshal(data, &h.Task)
	}
	h.made = true
	h.Task = Task{
		ID: "health of " + seen.InstanceID, State: TaskStateSucceeded, Progress: 100,
		ResultType: "CloudHealthInfo", Result: append(json.RawMessage(nil), data...),
	}
	return nil
}

// nestedTask returns the task that a result is, which the health of versions 4.5 and 4.6 is.
func nestedTask(result json.RawMessage) (Task, bool) {
	var shape struct {
		WorkflowInfo *json.RawMessage `json:"workflowInfo"`
	}
	if json.Unmarshal(result, &shape) != nil || shape.WorkflowInfo == nil {
		return Task{}, false
	}
	var task Task
	return task, transport.Unmarshal(result, &task) == nil && task.State != ""
}
