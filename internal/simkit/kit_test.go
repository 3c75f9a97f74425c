package simkit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/simkit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// kitchen is a made-up service with a little of everything that contracts have.
func kitchen() api.Table {
	return api.Table{
		Operations: []api.Operation{
			{Name: "Pots.List", Method: "GET", Class: api.Read, Path: "/pots", Query: []string{"site", "color", "size"}, Statuses: []int{200}},
			{Name: "Pots.Create", Method: "POST", Path: "/pots", Body: "Pot", BodyRequired: true, Statuses: []int{201}},
			{Name: "Pots.Poll", Method: "POST", Class: api.Read, Path: "/pots/poll", Body: "Names", BodyRequired: true, Statuses: []int{200}},
			{Name: "Pots.Get", Method: "GET", Class: api.Read, Path: "/pots/{potId}", Query: []string{"site"}, Statuses: []int{200}},
			{Name: "Pots.Boil", Method: "POST", Path: "/pots/{potId}/boil", Query: []string{"site"}, Statuses: []int{202}},
			{Name: "Pots.Heat", Method: "PUT", Path: "/pots/{potId}/heat", Body: "Heat", BodyRequired: true, Statuses: []int{204}},
			{Name: "Lids.Get", Method: "GET", Class: api.Read, Path: "/pots/{potId}/lids/{lidId}", Statuses: []int{200}},
			{Name: "Pots.Pour", Method: "GET", Path: "/pots/{potId}/soup", Query: []string{"spoon"}, Statuses: []int{200, 206}},
			{Name: "Pots.Smash", Method: "DELETE", Path: "/pots/{potId}", Statuses: []int{204}},
		},
		Schemas: map[string]api.Schema{
			"Pot": {Name: "Pot", Type: "object", Members: []api.Member{
				{Name: "name", Type: "string", Required: true},
				{Name: "liters", Type: "integer", Required: true},
				{Name: "price", Type: "number"},
				{Name: "clean", Type: "boolean"},
				{Name: "note", Type: "string", Nullable: true},
				{Name: "material", Type: "string", Enum: []string{"STEEL", "CLAY"}},
				{Name: "lids", Type: "array", Schema: "Lids"},
				{Name: "heat", Schema: "Heat"},
				{Name: "labels", Schema: "Labels"},
				{Name: "anything"},
			}},
			"Lid":    {Name: "Lid", Type: "object", Open: true, Members: []api.Member{{Name: "width", Type: "integer", Required: true}}},
			"Lids":   {Name: "Lids", Type: "array", Items: &api.Member{Schema: "Lid"}},
			"Names":  {Name: "Names", Type: "array", Items: &api.Member{Type: "string"}},
			"Labels": {Name: "Labels", Type: "object", Values: &api.Member{Type: "string"}},
			"Heat": {Name: "Heat", Discriminator: "type", Cases: map[string]string{
				"gas": "Gas", "electric": "Electric",
			}},
			"Gas":      {Name: "Gas", Type: "object", Members: []api.Member{{Name: "flame", Type: "integer", Required: true}}},
			"Electric": {Name: "Electric", Type: "object", Members: []api.Member{{Name: "type", Type: "string", Required: true}, {Name: "watts", Type: "integer"}}},
		},
	}
}

// problem is the made-up service's error format.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"msg"`
}

const kitchenType = "application/vnd.kitchen+json"

// soup is longer than what any buffer on the way holds.
var soup = func() string {
	var b strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&b, "%7d ", i)
	}
	return b.String()
}()

// newKitchen starts a server whose handlers answer {"pots":["tall","flat"]} or nothing.
func newKitchen(t testing.TB, changes ...func(*simkit.Config)) *simkit.Server {
	t.Helper()
	done := func(call *simkit.Call) simkit.Answer {
		if call.Operation.Statuses[0] == http.StatusNoContent {
			return simkit.Answer{Status: http.StatusNoContent}
		}
		if call.Resource == "missing" {
			return simkit.JSON(http.StatusNotFound, kitchenType, problem{Code: "NoPot", Message: "there is no such pot"})
		}
		return simkit.JSON(call.Operation.Statuses[0], kitchenType, map[string]any{"pots": []string{"tall", "flat"}})
	}
	config := simkit.Config{
		Table: kitchen(), Handlers: map[string]simkit.Handler{},
		Error: func(status int, code, message string) simkit.Answer {
			return simkit.JSON(status, kitchenType, problem{Code: code, Message: message})
		},
		CheckHeader: func(_ api.Operation, header http.Header) string {
			if header.Get("Accept") == "text/plain" {
				return `Accept is "text/plain"`
			}
			return ""
		},
		Forms:         map[string][]string{"Pots.Boil": {"site"}},
		RequiredQuery: map[string][]string{"Pots.Pour": {"spoon"}},
		RepeatedQuery: map[string][]string{"Pots.List": {"size"}},
		SiteParameter: "site", TraceHeader: "Trace-Me",
		SecretHeaders: []string{"X-Kitchen-Key"}, SecretParameters: []string{"spoon"},
	}
	for _, operation := range config.Table.Operations {
		config.Handlers[operation.Name] = done
	}
	config.Handlers["Pots.Pour"] = func(call *simkit.Call) simkit.Answer {
		beyond := config.Error(http.StatusRequestedRangeNotSatisfiable, "Empty", "")
		return simkit.Download(call.Header, http.Header{"Content-Type": {"text/soup"}}, strings.NewReader(soup), int64(len(soup)), beyond)
	}
	for _, change := range changes {
		change(&config)
	}
	server, err := simkit.New(config)
	require.NoError(t, err)
	t.Cleanup(server.Close)
	return server
}

func inMemory(c *simkit.Config) { c.InMemory = true }

// reply is what a plain request came to.
type reply struct {
	Status int
	Header http.Header
	Body   string
	Proto  string
}

func (r reply) problem(t testing.TB) problem {
	t.Helper()
	var p problem
	require.NoError(t, json.Unmarshal([]byte(r.Body), &p), r.Body)
	return p
}

func client(server *simkit.Server) *http.Client {
	return &http.Client{
		Transport:     server.Transport(),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// ask sends a plain request. Headers are given as name and value in turn; a body makes it JSON. An error of
// the body comes with what was read of it.
func ask(ctx context.Context, server *simkit.Server, method, path, body string, headers ...string) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, server.URL+path, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client(server).Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	return reply{Status: response.StatusCode, Header: response.Header, Body: string(got), Proto: response.Proto}, err
}

func mustAsk(t testing.TB, server *simkit.Server, method, path, body string, headers ...string) reply {
	t.Helper()
	got, err := ask(t.Context(), server, method, path, body, headers...)
	require.NoError(t, err)
	return got
}
