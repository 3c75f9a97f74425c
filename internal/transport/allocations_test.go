package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// TestAllocations holds how much more a call allocates than the same call through bare net/http and encoding/json.
// That is the same on every machine, busy or not. It does not run beside others, whose allocations would count.
func TestAllocations(t *testing.T) {
	findThings := api.Operation{Name: "Things.Find", Method: http.MethodPost, Path: "/things/{thingId}/find", Class: api.Read}
	asNetHTTP := roundTripper(func(req *http.Request) (*http.Response, error) {
		_, cancel := context.WithCancel(req.Context()) // as the transport of net/http does with that of each request
		defer cancel()
		return answers(200, `{"id":"7"}`)(req)
	})
	client := newClient(t, "https://fake.example.com", drkit.WithTransport(asNetHTTP))
	plain := &http.Client{Transport: asNetHTTP}
	for name, tc := range map[string]struct {
		operation *api.Operation
		body      any
		more      float64
	}{
		"read":                 {&readThing, nil, 3},
		"read with a body":     {&findThings, thing{"8"}, 3},
		"what must not repeat": {&moveThing, thing{"8"}, 9},
	} {
		t.Run(name, func(t *testing.T) {
			path := "/things/7" + tc.operation.Path[len("/things/{thingId}"):]
			bare := testing.AllocsPerRun(100, func() {
				assert.NoError(t, plainCall(t.Context(), plain, tc.operation.Method, path, tc.body))
			})
			ours := testing.AllocsPerRun(100, func() {
				var out thing
				_, err := client.Do(t.Context(), transport.Call{Operation: tc.operation, Path: []string{"7"}, Body: tc.body}, &out)
				assert.NoError(t, err)
			})
			t.Logf("%v allocations, %v of them through bare net/http", ours, bare)
			assert.LessOrEqual(t, ours, bare+tc.more)
		})
	}
}

// plainCall does what a call does for who has no client.
func plainCall(ctx context.Context, client *http.Client, method, path string, body any) error {
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, "https://fake.example.com"+path, content)
	if err != nil {
		return err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("X-Token", "given-token")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	var out thing
	return json.Unmarshal(text, &out)
}
