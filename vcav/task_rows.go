package vcav

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
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
	reader := rowReader{columns: len(table.PropertyNames), layout: newLayout(table.PropertyNames)}
	tasks := make(taskRows, len(table.Values))
	for i, row := range table.Values {
		if err := reader.read(row, &tasks[i]); err != nil {
			return fmt.Errorf("row %d of %d tasks: %w", i+1, len(table.Values), err)
		}
	}
	*r = tasks
	return nil
}

// rowReader reads the rows of one table. Its buffers serve all rows.
type rowReader struct {
	columns int
	layout  layout
	values  []json.RawMessage
	object  []byte
}

func (r *rowReader) read(row json.RawMessage, task *Task) error {
	if bytes.HasPrefix(bytes.TrimSpace(row), []byte("{")) {
		return r.readObject(row, task)
	}
	if err := json.Unmarshal(row, &r.values); err != nil {
		return err
	}
	if len(r.values) != r.columns {
		return fmt.Errorf("%d values for %d columns", len(r.values), r.columns)
	}
	return r.decode(r.layout, r.values, task)
}

// readObject reads a row that names its members itself.
func (r *rowReader) readObject(row json.RawMessage, task *Task) error {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal(row, &members); err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(members))
	values := make([]json.RawMessage, len(names))
	for i, name := range names {
		values[i] = members[name]
	}
	return r.decode(newLayout(names), values, task)
}

func (r *rowReader) decode(layout layout, values []json.RawMessage, task *Task) error {
	r.object = layout.write(r.object[:0], values)
	if err := transport.Unmarshal(r.object, task); err != nil {
		return err
	}
	if task.ID == "" {
		return errors.New("a task without an id")
	}
	return nil
}

// layout says where the values of a row belong in a task.
type layout []member

// member is one of a task. Columns with dotted names, as "workflowInfo.type", are members inside of it.
type member struct {
	name   string
	key    []byte // the name as JSON, with its colon
	column int
	inside layout
}

func newLayout(names []string) layout {
	var all layout
	for column, name := range names {
		outer, inner, dotted := strings.Cut(name, ".")
		place := all.place(outer)
		if dotted {
			all[place].inside[all[place].inside.place(inner)].column = column
		} else {
			all[place].column = column
		}
	}
	return all
}

// place returns where a member of that name is, putting it there if it is new.
func (l *layout) place(name string) int {
	if known := slices.IndexFunc(*l, func(m member) bool { return m.name == name }); known >= 0 {
		return known
	}
	key, _ := json.Marshal(name) // a string: it cannot fail
	*l = append(*l, member{name: name, key: append(key, ':')})
	return len(*l) - 1
}

// write appends a task as JSON.
func (l layout) write(to []byte, values []json.RawMessage) []byte {
	to = append(to, '{')
	for i, m := range l {
		if i > 0 {
			to = append(to, ',')
		}
		to = append(to, m.key...)
		if m.inside != nil {
			to = m.inside.write(to, values)
		} else {
			to = append(to, values[m.column]...)
		}
	}
	return append(to, '}')
}
