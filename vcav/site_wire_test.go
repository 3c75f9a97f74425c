package vcav_test

import (
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/vcav"
)

// A view has what the contract lets name a site, method by method, and nothing that would quietly run at
// the local one.
func TestViewsOfSites(t *testing.T) {
	t.Parallel()
	view := reflect.TypeFor[vcav.Site]()
	assert.Zero(t, reflect.PointerTo(view).NumMethod(), "Close, for one, is the client's")
	assert.ElementsMatch(t, methodsOf(view), operationNames(func(operation api.Operation) bool { return takesSite(operation.Name) }))
}

// An empty name is not the local site.
func TestEmptySiteIsRefused(t *testing.T) {
	t.Parallel()
	for _, site := range []string{"", " ", "\t\n"} {
		for _, tc := range wireCases(t) {
			if !takesSite(tc.operation) {
				continue
			}
			t.Run(site+tc.name(), func(t *testing.T) {
				t.Parallel()
				s := newService(t)
				got, err := tc.run(wire(t), there(s.client().Site(site)))
				require.EqualError(t, err, "vcav."+tc.operation+": the name of the site is empty")
				assert.Empty(t, got)
				assert.Empty(t, s.lines())
			})
		}
	}
}

// Views share the session of their client, and end with it.
func TestViewsShareTheSession(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.signsIn(givenToken)
	s.on("GET", "/tasks/"+taskID, answer(t, 200, "tasks_get.running"))
	client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
	for _, tasks := range []*vcav.Tasks{client.Tasks, client.Site("south").Tasks, client.Site("north").Tasks} {
		_, err := tasks.Get(wire(t), taskID)
		require.NoError(t, err)
	}
	require.NoError(t, client.Close(wire(t)))
	get := "GET /tasks/" + taskID
	assert.Equal(t, []string{"POST /sessions", get, get + "?site=south", get + "?site=north", "DELETE /sessions"}, s.lines())
	_, err := client.Site("south").Tasks.Get(wire(t), taskID)
	require.ErrorIs(t, err, drkit.ErrClosed)
}

// An endpoint may have a path before the service's own.
func TestEndpointWithAPath(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.onAny(answer(t, 200, "vm_replications_get.answer"))
	client, err := vcav.NewClient(appliance+"/cloud%20A/", vcav.Token(drkit.NewSecret(givenToken)), drkit.WithTransport(s.mock))
	require.NoError(t, err)
	_, err = client.VMReplications.Get(wire(t), "a/b")
	require.NoError(t, err)
	assert.Equal(t, "GET /cloud%20A/vm-replications/a%2Fb", s.only().line)
}

func TestAPIVersion(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"4", "4.0", "4.1", "41.10"} {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			s := newService(t)
			s.signsIn(givenToken)
			s.on("GET", "/diagnostics/about", answer(t, 200, "diagnostics_about.answer"))
			client := s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")), vcav.WithAPIVersion(version))
			_, err := client.Diagnostics.About(wire(t))
			require.NoError(t, err)
			require.NoError(t, client.Close(wire(t)))
			require.Len(t, s.all(), 3)
			for _, request := range s.all() {
				want := []string{"application/vnd.vmware.h4-v" + version + "+json;charset=UTF-8"}
				assert.Equal(t, want, request.header[http.CanonicalHeaderKey("Accept")], request.line)
			}
		})
	}
	for _, version := range []string{"", "v4.1", "4.1.0", "4.", ".1", "4.1;q=1", "4.1\n", "4.1\r\nX-A: b", "٤.١", " 4.1"} {
		t.Run("refused "+version, func(t *testing.T) {
			t.Parallel()
			_, err := vcav.NewClient(appliance, vcav.Token(drkit.NewSecret(givenToken)), vcav.WithAPIVersion(version))
			require.ErrorContains(t, err, "vcav: WithAPIVersion: ")
		})
	}
}

// The operation ID of the context goes out as it is; one that cannot be a header is refused.
func TestOperationID(t *testing.T) {
	t.Parallel()
	s := newService(t)
	s.on("GET", "/diagnostics/about", answer(t, 200, "diagnostics_about.answer"))
	client := s.client()
	for range 2 {
		_, err := client.Diagnostics.About(wire(t))
		require.NoError(t, err)
	}
	first, second := s.all()[0].header.Get("operationID"), s.all()[1].header.Get("operationID")
	assert.Regexp(t, uuid, first)
	assert.Regexp(t, uuid, second)
	assert.NotEqual(t, first, second)
	for _, id := range []string{"", " a", "a\r\nX-Evil: b", "é", strings.Repeat("a", 257)} {
		ctx := drkit.WithOperationID(wire(t), id)
		_, err := client.Diagnostics.About(ctx)
		require.ErrorContains(t, err, "cannot be sent as a header")
		_, err = client.VMReplications.Sync(ctx, "C4-1")
		require.ErrorContains(t, err, "vcav.VMReplications.Sync: ")
	}
	assert.Len(t, s.lines(), 2)
}
