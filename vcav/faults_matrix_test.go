package vcav_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// faultMatrix says for each fault and each class of operation how many requests arrive at the far end of the
// connection, how often the appliance does the work, and what the caller ends up with: "2/1 done" are two
// requests, of which one was worked on. A fault strikes the first request of the operation, and those that
// follow unless it is lasting; what goes before it, as the note of a failover, is left alone. The ends are
//
//	done       the answer came
//	adopted    the answer was lost and the task was found: its poller came in place of the answer
//	recovered  the error said that the outcome is unknown, and Recover found the task
//	untouched  the error, or Recover, says that no task came of it and that the resource is as it was
//
// and all others name the error. Whether a new connection is used that has been reset by then is up to net/http,
// which over HTTP/2 may notice in time and take another. What a read is, and what is replaceable, is in [classes].
const faultMatrix = `
fault                                                | read             | replaceable      | once
-----------------------------------------------------+------------------+------------------+----------------
none                                                 | 1/1 done         | 1/1 done         | 1/1 done
dial refused                                         | 1/1 done         | 1/1 done         | 1/1 done
dial refused, lasting                                | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable
TLS fails                                            | 1/1 done         | 1/1 done         | 1/1 done
TLS fails, lasting                                   | 0/0 unavailable  | 0/0 unavailable  | 0/0 unavailable
reset before the request                             | 1/1 done         | 1/1 done         | 0/0 untouched or 1/1 done
reset mid-request                                    | 2/1 done         | 2/1 done         | 1/0 untouched
reset after the request, before the work             | 2/1 done         | 2/1 done         | 1/0 untouched
reset after the request, after the work              | 2/2 done         | 2/2 done         | 1/1 adopted
answer truncated, before the work                    | 2/1 done         | 2/1 done         | 1/0 untouched
answer truncated, after the work                     | 2/2 done         | 2/2 done         | 1/1 adopted
answer past the attempt's time-out, without the work | 2/1 done         | 2/1 done         | 1/0 untouched
answer past the attempt's time-out, after the work   | 2/2 done         | 2/2 done         | 1/1 adopted
answer past the attempt's time-out, work after it    | 2/2 done         | 2/2 done         | 1/1 adopted
answer past the caller's context, without the work   | 1/0 canceled     | 1/0 canceled     | 1/0 untouched
answer past the caller's context, after the work     | 1/1 canceled     | 1/1 canceled     | 1/1 recovered
answer past the caller's context, work after it      | 1/1 canceled     | 1/1 canceled     | 1/1 recovered
401 of the appliance, before the work                | 2/1 done         | 2/1 done         | 2/1 done
401 of a proxy, before the work                      | 1/0 unauthorized | 1/0 unauthorized | 1/0 untouched
401 of a proxy, after the work                       | 1/1 unauthorized | 1/1 unauthorized | 1/1 adopted
403 of the appliance, before the work                | 1/0 forbidden    | 1/0 forbidden    | 1/0 forbidden
403 of a proxy, before the work                      | 1/0 forbidden    | 1/0 forbidden    | 1/0 untouched
403 of a proxy, after the work                       | 1/1 forbidden    | 1/1 forbidden    | 1/1 adopted
429 with Retry-After, before the work                | 2/1 done         | 2/1 done         | 1/0 untouched
429 with Retry-After, after the work                 | 2/2 done         | 2/2 done         | 1/1 adopted
500, before the work                                 | 1/0 status 500   | 1/0 status 500   | 1/0 untouched
500, after the work                                  | 1/1 status 500   | 1/1 status 500   | 1/1 adopted
502, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched
502, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted
503, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched
503, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted
503, before the work, lasting                        | 4/0 unavailable  | 4/0 unavailable  | 1/0 untouched
503, after the work, lasting                         | 4/4 unavailable  | 4/4 unavailable  | 1/1 adopted
504, before the work                                 | 2/1 done         | 2/1 done         | 1/0 untouched
504, after the work                                  | 2/2 done         | 2/2 done         | 1/1 adopted
HTML 200 of a proxy, before the work                 | 1/0 unusable     | 1/0 unusable     | 1/0 untouched
HTML 200 of a proxy, after the work                  | 1/1 unusable     | 1/1 unusable     | 1/1 adopted
malformed JSON, before the work                      | 1/0 unusable     | 1/0 unusable     | 1/0 untouched
malformed JSON, after the work                       | 1/1 unusable     | 1/1 unusable     | 1/1 adopted
`

// TestFaultMatrix holds every cell of the matrix, over HTTP/1.1 and HTTP/2, on sockets. With -v it prints what
// it has found. With -short it leaves HTTP/2 out.
func TestFaultMatrix(t *testing.T) {
	t.Parallel()
	header, rows := cellsOf(t, faultMatrix)
	require.Len(t, rows, len(breakdowns), "a row for each fault")
	for _, protocol := range []string{"HTTP 1.1", "HTTP 2"} {
		t.Run(protocol, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && protocol == "HTTP 2" {
				t.Skip("the long tests do that, too")
			}
			found := newFindings(header, len(rows))
			t.Cleanup(func() { t.Logf("over %s, requests that arrived/times the work was done:\n%s", protocol, found) })
			for row, wanted := range rows {
				for column, class := range header[1:] {
					t.Run(wanted[0]+"/"+class, func(t *testing.T) {
						t.Parallel()
						if testing.Short() && breakdowns[wanted[0]].impatient {
							t.Skip("real time would pass")
						}
						got := breakDown(t, breakdowns[wanted[0]], class, protocol)
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

// String returns the table, in the form of [faultMatrix].
func (f *findings) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var table strings.Builder
	for _, row := range append([][]string{f.header}, f.rows...) {
		if row[0] == "" {
			continue // left out
		}
		fmt.Fprintf(&table, "%-52s | %-16s | %-16s | %s\n", row[0], row[1], row[2], row[3])
	}
	return table.String()
}
