package vcav_test

import (
	"strings"
	"testing"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

const (
	siteName    = "south & co/1"
	escapedSite = "south+%26+co%2F1"
)

// Each operation, as it leaves and as it is understood.
func TestOperations(t *testing.T) {
	t.Parallel()
	for _, tc := range wireCases(t) {
		t.Run(tc.name(), func(t *testing.T) {
			t.Parallel()
			t.Run("here", func(t *testing.T) {
				t.Parallel()
				s, client := tc.layOut(t, tc.reply(t))
				tc.succeeds(t, s, here(client), "")
			})
			t.Run("refused", func(t *testing.T) {
				t.Parallel()
				s, client := tc.layOut(t, answer(t, tc.refusal.status, tc.refusal.sample))
				tc.fails(t, s, here(client))
			})
			if !takesSite(tc.operation) {
				return // a view has no such method, which TestViewsOfSites checks
			}
			t.Run("there", func(t *testing.T) {
				t.Parallel()
				s, client := tc.layOut(t, tc.reply(t))
				tc.succeeds(t, s, there(client.Site(siteName)), escapedSite)
			})
		})
	}
}

// layOut lays out the one answer of a case. Where the case needs a session of its own, it is there.
func (c wireCase) layOut(t *testing.T, reply httpmock.Responder) (*service, *vcav.Client) {
	t.Helper()
	s := newService(t)
	client := s.client()
	if c.signsIn {
		s.signsIn(givenToken)
		client = s.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")))
		_, err := client.Sessions.SignIn(wire(t))
		require.NoError(t, err)
	}
	s.forget()
	method, path, _ := strings.Cut(c.request, " ")
	s.on(method, path, reply)
	return s, client
}

func (c wireCase) succeeds(t *testing.T, s *service, r resources, site string) {
	t.Helper()
	got, err := c.run(drkit.WithOperationID(wire(t), "runbook-7/step 2"), r)
	require.NoError(t, err)
	assert.Equal(t, c.want, tidy(got))

	request := s.only()
	assert.Equal(t, c.line(site), request.line)
	assert.Equal(t, c.headers("runbook-7/step 2"), request.header)
	if c.body == "" {
		assert.Empty(t, request.body)
	} else {
		assert.JSONEq(t, testdata(t, c.body), request.body)
	}
}

func (c wireCase) fails(t *testing.T, s *service, r resources) {
	t.Helper()
	got, err := c.run(drkit.WithOperationID(wire(t), "op-1"), r)
	require.Error(t, err)
	assert.Empty(t, got)
	assert.Equal(t, c.refusal.errorOf(c.operation, c.request, "op-1"), answerOf(t, err))
	if c.refusal.kind != nil {
		assert.ErrorIs(t, err, c.refusal.kind)
	}
	assert.NotErrorIs(t, err, drkit.ErrOutcomeUnknown)
	for _, part := range []string{"vcav." + c.operation, c.refusal.code, c.refusal.message, c.request, "op-1"} {
		assert.Contains(t, err.Error(), part)
	}
	assert.NotContains(t, err.Error(), "com.example", "stack traces stay out of the line")
	assert.Equal(t, []string{c.line("")}, s.lines())
}
