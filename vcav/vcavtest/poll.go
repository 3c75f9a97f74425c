package vcavtest

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/drkit-go/drkit/internal/simkit"
)

// taskTableBody is a table of tasks.
type taskTableBody struct {
	PropertyNames []string `json:"propertyNames"`
	Values        []any    `json:"values"`
}

// column is one property of a task in a table.
type column struct {
	name string
	of   func(*taskBody) any
}

// pollColumns are in the order of the guide's sample.
func pollColumns() []column {
	return []column{
		{"id", func(t *taskBody) any { return t.ID }},
		{"user", func(t *taskBody) any { return t.User }},
		{"workflowInfo.type", func(t *taskBody) any { return t.WorkflowInfo.Type }},
		{"workflowInfo.resourceType", func(t *taskBody) any { return t.WorkflowInfo.ResourceType }},
		{"workflowInfo.resourceId", func(t *taskBody) any { return t.WorkflowInfo.ResourceID }},
		{"workflowInfo.resourceName", func(t *taskBody) any { return t.WorkflowInfo.ResourceName }},
		{"progress", func(t *taskBody) any { return t.Progress }},
		{"state", func(t *taskBody) any { return t.State }},
		{"lastUpdated", func(t *taskBody) any { return t.LastUpdated }},
		{"startTime", func(t *taskBody) any { return t.StartTime }},
		{"endTime", func(t *taskBody) any { return t.EndTime }},
		{"resultType", func(t *taskBody) any { return t.ResultType }},
		{"result", func(t *taskBody) any { return t.Result }},
		{"error", func(t *taskBody) any { return t.Error }},
		{"warnings", func(t *taskBody) any { return t.Warnings }},
		{"site", func(t *taskBody) any { return t.Site }},
	}
}

// PollObjects lets the rows of POST /tasks/poll be objects whose members have the names of the columns, in
// place of arrays in their order. The guide's sample has no rows, and so leaves open which they are.
//
// Source: Cloud Director Availability API guide, "Get the Details of Multiple Tasks".
func PollObjects() Option {
	return func(c *config) error {
		c.pollObjects = true
		return nil
	}
}

// PollCap lets POST /tasks/poll look at no more than the first so many ids, and say nothing of the others, as
// it says nothing of tasks that one may not see. By default it looks at all of them; nobody documents a cap.
func PollCap(ids int) Option {
	return func(c *config) error {
		if ids < 1 {
			return fmt.Errorf("PollCap: %d ids are none", ids)
		}
		c.pollCap = ids
		return nil
	}
}

// pollTasks shows many tasks as a table. Each task has one row however often it was asked for, and the rows
// are in the order in which the tasks were created, not in that of the question.
func (a *appliance) pollTasks(call *simkit.Call, v *visit) (any, error) {
	var ids []string
	if err := json.Unmarshal(call.Body, &ids); err != nil {
		return nil, fmt.Errorf("the ids do not decode: %w", err)
	}
	if a.config.pollCap > 0 {
		ids = ids[:min(len(ids), a.config.pollCap)]
	}
	var wanted []*task
	seen := map[string]bool{}
	for _, id := range ids {
		if t, known := a.taskByID[id]; known && !seen[id] && t.visible(v) && !a.omitted(id) {
			wanted = append(wanted, t)
		}
		seen[id] = true
	}
	slices.SortFunc(wanted, ascending(func(t *task) int { return t.created }))
	now, columns := a.now, pollColumns()
	table := taskTableBody{Values: []any{}}
	for _, column := range columns {
		table.PropertyNames = append(table.PropertyNames, column.name)
	}
	for _, t := range wanted {
		body := t.body(now, v.admin)
		if a.config.pollObjects {
			table.Values = append(table.Values, membersOf(columns, &body))
		} else {
			table.Values = append(table.Values, cellsOf(columns, &body))
		}
	}
	return table, nil
}

// membersOf shows one task in a table whose rows are objects.
func membersOf(columns []column, body *taskBody) any {
	members := map[string]any{}
	for _, column := range columns {
		members[column.name] = column.of(body)
	}
	return members
}

// cellsOf shows one task in a table.
func cellsOf(columns []column, body *taskBody) any {
	values := make([]any, 0, len(columns))
	for _, column := range columns {
		values = append(values, column.of(body))
	}
	return values
}
