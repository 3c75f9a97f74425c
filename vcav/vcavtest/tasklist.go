package vcavtest

import (
	"net/http"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// taskListing is the list of tasks at a moment, as the guide describes its parameters.
func (a *appliance) taskListing(now time.Time) listing[*task] {
	start := func(t *task) time.Time { return t.start }
	state := func(t *task) string { return t.state(now) }
	user := func(t *task) string { return t.user }
	return listing[*task]{
		limit: a.config.pageLimit,
		filters: []filter[*task]{
			anyOf("ids", func(t *task) string { return t.id }),
			equal("sourceOrg", func(t *task) string { return t.sourceOrg }),
			forAdmins(equal("destinationOrg", func(t *task) string { return t.destinationOrg })),
			forAdmins(equal("user", user)),
			oneOf("state", []string{stateQueued, stateRunning, stateSucceeded, stateFailed}, state),
			before("startTimeBefore", start),
			after("startTimeAfter", start),
			before("endTimeBefore", (*task).end),
			after("endTimeAfter", (*task).end),
			equal("type", func(t *task) string { return t.kind }),
			equal("resourceId", func(t *task) string { return t.resourceID }),
			equal("resourceName", func(t *task) string { return t.resourceName }),
			equal("resourceType", func(t *task) string { return t.resourceType }),
		},
		orders: map[string]func(x, y *task) int{
			"startTime": ascending(func(t *task) int64 { return millis(t.start) }),
			"state":     ascending(state),
			"endTime":   ascending(func(t *task) int64 { return millis(t.end()) }),
			"user":      ascending(user),
		},
	}
}

func (a *appliance) listTasks(call *simkit.Call, v *visit) (any, error) {
	if call.Query.Has("destinationOrg") && call.Query.Has("user") {
		return nil, refuse(http.StatusBadRequest, CodeBadRequest, "Filtering by user is not supported together with destinationOrg.")
	}
	now := a.now
	list := a.taskListing(now)
	newestFirst := slices.Clone(a.tasks) // they are created in the order of their start times
	slices.Reverse(newestFirst)
	if err := list.sort(newestFirst, call.Query.Get("sort")); err != nil {
		return nil, err
	}
	tasks, page, err := list.page(call, v, newestFirst, func(t *task) bool { return t.visible(v) })
	if err != nil {
		return nil, err
	}
	bodies := []taskBody{}
	for _, t := range tasks {
		bodies = append(bodies, t.body(now, v.admin))
	}
	page.Items = bodies
	return page, nil
}
