package vcav

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/drkit-go/drkit/internal/transport"
)

// taskRows reads the columnar answer of POST /tasks/poll into tasks, by the names of the columns and never
// by their order.
type taskRows []Task

// UnmarshalJSON reads the table. Rows are arrays in the order of the names; the guide shows none, so rows
// that are objects are taken, too.
func (r *taskRows) UnmarshalJSON(data []byte) error {
	var table TaskTable
	if err := json.Unmarshal(data, &table); err != nil {
		return err
	}
	if len(table.PropertyNames) == 0 {
		return errors.New("a table of tasks without the names of its columns")
	}
	tasks := make(taskRows, 0, len(table.Values))
	for i, row := range table.Values {
		task, err := taskOfRow(table.PropertyNames, row)
		if err != nil {
			return fmt.Errorf("row %d of %d tasks: %w", i+1, len(table.Values), err)
		}
		tasks = append(tasks, task)
	}
	*r = tasks
	return nil
}

func taskOfRow(names []string, row json.RawMessage) (Task, error) {
	members := map[string]json.RawMessage{}
	if bytes.HasPrefix(bytes.TrimSpace(row), []byte("{")) {
		if err := json.Unmarshal(row, &members); err != nil {
			return Task{}, err
		}
	} else {
		var values []json.RawMessage
		if err := json.Unmarshal(row, &values); err != nil {
			return Task{}, err
		}
		if len(values) != len(names) {
			return Task{}, fmt.Errorf("%d values for %d columns", len(values), len(names))
		}
		for i, name := range names {
			members[name] = values[i]
		}
	}
	return taskOfMembers(members)
}

// taskOfMembers builds a task from members whose names may be dotted, as "workflowInfo.type" is.
func taskOfMembers(members map[string]json.RawMessage) (Task, error) {
	nested := map[string]any{}
	for name, value := range members {
		outer, inner, dotted := strings.Cut(name, ".")
		if !dotted {
			if _, taken := nested[outer].(map[string]json.RawMessage); !taken {
				nested[outer] = value
			}
			continue
		}
		group, ok := nested[outer].(map[string]json.RawMessage)
		if !ok {
			group = map[string]json.RawMessage{}
			nested[outer] = group
		}
		group[inner] = value
	}
	data, err := json.Marshal(nested)
	if err != nil {
		return Task{}, err
	}
	var task Task
	if err := transport.Unmarshal(data, &task); err != nil {
		return Task{}, err
	}
	if task.ID == "" {
		return Task{}, errors.New("a task without an id")
	}
	return task, nil
}
