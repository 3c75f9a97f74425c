package vcav_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

const boardPassword = "correct horse battery staple"

// board is an appliance that does nothing but show tasks: what waiting needs, and fast enough for a hundred
// thousand waits. It is an http.RoundTripper for tests in synctest, and an http.Handler for benchmarks.
type board struct {
	instance string // identity of the appliance
	// task shows a task at a site, or nothing. The site of tasks at the local site is empty.
	task func(site, id string) (state string, visible bool)
	// before is asked before anything is answered; a status other than 0 is the answer. It may block.
	before func(r *http.Request, ids []string) (status int)
	limit  atomic.Int64 // of the rows in an answer for several, of which it says nothing; 0 is none

	mu      sync.Mutex
	signIns int
	token   string
	lines   map[string]int // requests by method and path
	polls   []boardPoll
}

// boardPoll is a request for tasks.
type boardPoll struct {
	at    time.Time
	site  string
	tasks int
}

func newBoard(task func(site, id string) (state string, visible bool)) *board {
	return &board{instance: "d04e7a19-6c82-4f3b-95b1-a8f2c63e70d5", task: task, lines: map[string]int{}}
}

// client returns a client that signs in at the board as root.
func (b *board) client(t testing.TB, options ...drkit.Option) *vcav.Client {
	t.Helper()
	return b.clientAs(t, "root", options...)
}

func (b *board) clientAs(t testing.TB, user string, options ...drkit.Option) *vcav.Client {
	t.Helper()
	client, err := vcav.NewClient(appliance, vcav.LocalUser(user, drkit.NewSecret(boardPassword)),
		append([]drkit.Option{drkit.WithTransport(b)}, options...)...)
	require.NoError(t, err)
	return client
}

// expire ends the session.
func (b *board) expire() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.token = ""
}

// count returns how many requests there were of a method and path.
func (b *board) count(line string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.lines[line]
}

// ticks returns how many requests asked for tasks at each moment, and how many tasks they asked for.
func (b *board) ticks() (ticks []boardTick) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, poll := range b.polls {
		if last := len(ticks) - 1; last < 0 || !ticks[last].at.Equal(poll.at) {
			ticks = append(ticks, boardTick{at: poll.at})
		}
		ticks[len(ticks)-1].requests++
		ticks[len(ticks)-1].tasks += poll.tasks
	}
	return ticks
}

type boardTick struct {
	at              time.Time
	requests, tasks int
}

// RoundTrip answers a request as a network would.
func (b *board) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	status, header, body := b.answer(r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)), Request: r,
	}, nil
}

// ServeHTTP answers a request as a server.
func (b *board) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status, header, body := b.answer(r)
	for name := range header {
		w.Header().Set(name, header.Get(name))
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

func (b *board) answer(r *http.Request) (status int, header http.Header, body []byte) {
	var sent []byte
	if r.Body != nil {
		sent, _ = io.ReadAll(r.Body)
	}
	var ids []string
	if r.URL.Path == pollPath {
		_ = json.Unmarshal(sent, &ids)
	} else if id, one := strings.CutPrefix(r.URL.Path, "/tasks/"); one {
		ids = []string{id}
	}
	b.note(r, len(ids))
	header = http.Header{"Content-Type": {mediaType}}
	if b.before != nil {
		if status := b.before(r, ids); status != 0 {
			return status, header, []byte(`{"code":"Trouble","msg":"Trouble."}`)
		}
	}
	status, answered := b.reply(r, header, sent, ids)
	body, _ = json.Marshal(answered)
	return status, header, body
}

func (b *board) note(r *http.Request, tasks int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines[r.Method+" "+r.URL.Path]++
	if tasks > 0 {
		b.polls = append(b.polls, boardPoll{time.Now(), r.URL.Query().Get("site"), tasks})
	}
}

func (b *board) reply(r *http.Request, header http.Header, sent []byte, ids []string) (status int, answer any) {
	if r.Method == http.MethodPost && r.URL.Path == "/sessions" {
		return b.signIn(header, sent)
	}
	b.mu.Lock()
	token := b.token
	b.mu.Unlock()
	site := r.URL.Query().Get("site")
	switch {
	case token == "" || r.Header.Get("X-Vcav-Auth") != token:
		return 401, vcav.APIError{Code: vcav.CodeNotAuthenticated, Msg: "Sign in first."}
	case r.Method == http.MethodDelete:
		b.expire()
		return 204, nil
	case r.URL.Path == "/diagnostics/about":
		return 200, map[string]string{"serviceType": "CLOUD", "instanceId": b.instance}
	case r.URL.Path == pollPath:
		return 200, map[string]any{"propertyNames": columns, "values": b.rows(site, ids)}
	default:
		task := b.show(site, ids[0])
		if task == nil {
			return 404, vcav.APIError{Code: "TaskNotFound", Msg: "There is no task " + ids[0] + "."}
		}
		return 200, task
	}
}

func (b *board) signIn(header http.Header, sent []byte) (status int, answer any) {
	var credentials struct{ LocalUser, LocalPassword string }
	if err := json.Unmarshal(sent, &credentials); err != nil || credentials.LocalPassword != boardPassword {
		return 401, vcav.APIError{Code: vcav.CodeNotAuthenticated, Msg: "No."}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.signIns++
	b.token = fmt.Sprintf("dG9rZW4t%d", b.signIns)
	header.Set("X-Vcav-Auth", b.token)
	return 200, map[string]string{"user": credentials.LocalUser}
}

// rows shows the tasks that there are as a table does.
func (b *board) rows(site string, ids []string) [][]any {
	rows := make([][]any, 0, len(ids))
	if limit := int(b.limit.Load()); limit > 0 {
		ids = ids[:min(limit, len(ids))]
	}
	for _, id := range ids {
		if task := b.show(site, id); task != nil {
			row := make([]any, len(columns))
			for i, column := range columns {
				row[i] = cell(task, column)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func (b *board) show(site, id string) map[string]any {
	state, visible := b.task(site, id)
	if !visible {
		return nil
	}
	task := map[string]any{"id": id, "state": state, "progress": 50, "endTime": -1, "warnings": []any{}}
	if state == "FAILED" {
		task["error"] = vcav.APIError{Code: "NoSpace", Msg: "Full."}
	}
	return task
}

// endingAfter shows all tasks as running until that time has passed.
func endingAfter(d time.Duration) func(site, id string) (state string, visible bool) {
	start := time.Now()
	return func(string, string) (string, bool) {
		if time.Since(start) < d {
			return "RUNNING", true
		}
		return "SUCCEEDED", true
	}
}
