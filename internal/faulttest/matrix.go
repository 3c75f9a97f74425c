package faulttest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Matrix holds every cell of a table that has a row for each fault and a column for each operation. A cell says how
// many requests arrive at the far end of the connection, how often the service does the work, and what the caller
// ends up with: "2/1 done" are two requests, of which one was worked on. A fault strikes the first request of the
// operation, and those that follow unless it is lasting; what goes before it, as its note, is left alone. The ends
// are
//
//	done       the answer came
//	adopted    the answer was lost and the work was found: its poller came in place of the answer
//	recovered  the error said that the outcome is unknown, and Recover found the work
//	untouched  the error, or Recover, says that nothing came of it and that the resource is as it was
//
// and all others name the error; " or " parts several. Whether a new connection is used that has been reset by then
// is up to net/http, which over HTTP/2 may notice in time and take another.
//
// It goes over HTTP/1.1 and HTTP/2, on sockets; with -short HTTP/2 and what takes real time are left out. With -v
// it prints what it has found. start begins a trial of the operation of a column.
func Matrix[C Client](t *testing.T, table string, faults map[string]Fault, start func(t *testing.T, column string) Trial[C]) {
	header, rows := cellsOf(t, table)
	require.Len(t, rows, len(faults), "a row for each fault")
	for _, protocol := range []string{"HTTP 1.1", "HTTP 2"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && protocol == "HTTP 2" {
				t.Skip("the long tests do that, too")
			}
			found := newFindings(header, len(rows))
			t.Cleanup(func() { t.Logf("over %s, requests that arrived/times the work was done:\n%s", protocol, found) })
			for row, wanted := range rows {
				fault, known := faults[wanted[0]]
				require.True(t, known, wanted[0])
				for column, name := range header[1:] {
					t.Run(wanted[0]+"/"+name, func(t *testing.T) {
						t.Parallel()
						if testing.Short() && fault.impatient {
							t.Skip("real time would pass")
						}
						got := breakDown(t, fault, start(t, name), protocol)
						found.note(row, wanted[0], column, got)
						assert.Contains(t, strings.Split(wanted[column+1], " or "), got)
					})
				}
			}
		})
	}
}

// cellsOf reads a table.
func cellsOf(t *testing.T, table string) (header []string, rows [][]string) {
	t.Helper()
	for i, line := range strings.Split(strings.TrimSpace(table), "\n") {
		cells := strings.Split(line, "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case i == 0:
			header = cells
		case i > 1:
			require.Len(t, cells, len(header), line)
			rows = append(rows, cells)
		}
	}
	return header, rows
}

// findings are the matrix as it has come out.
type findings struct {
	header []string

	mu   sync.Mutex
	rows [][]string
}

func newFindings(header []string, rows int) *findings {
	f := &findings{header: header, rows: make([][]string, rows)}
	for i := range f.rows {
		f.rows[i] = make([]string, len(header))
	}
	return f
}

func (f *findings) note(row int, fault string, column int, found string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rows[row][0], f.rows[row][column+1] = fault, found
}

// String returns the table, in the form that Matrix reads.
func (f *findings) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var table strings.Builder
	for _, row := range append([][]string{f.header}, f.rows...) {
		if row[0] == "" {
			continue // left out
		}
		fmt.Fprintf(&table, "%-52s", row[0])
		for _, cell := range row[1:] {
			fmt.Fprintf(&table, " | %-16s", cell)
		}
		table.WriteString("\n")
	}
	return table.String()
}
