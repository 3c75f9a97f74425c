package cloudreplicatest_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// failoverShown is a failover session.
type failoverShown struct {
	ref
	JobType            string
	CreationTimeUTC    time.Time
	EndTimeUTC         string
	State              string
	Result             string
	Progress           int
	FailureMessage     string
	CloudFailoverTasks struct {
		CloudFailoverTasks []struct {
			VmName             string `xml:",attr"`
			VmReplicaPointLink linked
			State              string
			Result             string
			Progress           int
			FailureMessage     string
		}
	}
}

func (f failoverShown) outcomes() map[string]string {
	found := map[string]string{}
	for _, vm := range f.CloudFailoverTasks.CloudFailoverTasks {
		found[vm.VmName] = vm.State + " " + vm.Result
	}
	return found
}

func (g guest) startBody() string {
	if g.encoding == asJSON {
		return `{"StartNow":true}`
	}
	return startNow
}

const plans = "/cloud/cloudFailoverPlans/"

func TestFailover(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		done := g.task(t, clock, "POST", plans+acmeAll+"?action=start", g.startBody())
		assert.Equal(t, "StartCloudFailoverPlan", done.Operation)
		assert.True(t, done.Result.Success)
		assert.Equal(t, "Ok", done.Result.Message)
		address := link(t, done.Links, "Related", "CloudFailoverSession").Href

		var run failoverShown
		entity(t, g, address, &run)
		assert.Equal(t, "acme all", run.Name)
		assert.Equal(t, "FailoverPlan", run.JobType)
		assert.Equal(t, noon().Add(time.Second), run.CreationTimeUTC)
		assert.Equal(t, "Working None 0", fmt.Sprint(run.State, " ", run.Result, " ", run.Progress))
		assert.Empty(t, run.EndTimeUTC)
		assert.Equal(t, map[string]string{"db-1": "Working None", "web-1": "Starting None"}, run.outcomes())
		clock.Advance(11 * time.Second)
		entity(t, g, address, &run)
		assert.Equal(t, map[string]string{"db-1": "Stopped Success", "web-1": "Working None"}, run.outcomes())
		assert.Equal(t, 50, run.Progress)
		clock.Advance(10 * time.Second)
		entity(t, g, address, &run)
		assert.Equal(t, "Stopped Success 100", fmt.Sprint(run.State, " ", run.Result, " ", run.Progress))
		assert.Equal(t, "2030-06-01T12:00:22Z", run.EndTimeUTC)
		assert.Equal(t, map[string]string{"db-1": "Stopped Success", "web-1": "Stopped Success"}, run.outcomes())
		used := run.CloudFailoverTasks.CloudFailoverTasks[0].VmReplicaPointLink
		assert.Equal(t, "CloudVmReplicaPointReference", used.Type)

		var point pointShown
		entity(t, g, used.Href+"?format=Entity", &point)
		assert.Equal(t, "Ready", point.State, "the database does not know yet")
		g.server.Collect()
		entity(t, g, used.Href+"?format=Entity", &point)
		assert.Equal(t, "Failover", point.State)

		done = g.task(t, clock, "POST", plans+acmeAll+"?action=undo", "")
		assert.Equal(t, "UndoCloudFailoverPlan", done.Operation)
		assert.True(t, done.Result.Success)
		assert.Len(t, done.Links, 1, "nothing is related")
		g.server.Collect()
		entity(t, g, used.Href+"?format=Entity", &point)
		assert.Equal(t, "Ready", point.State)
		audit := g.server.Audit()
		assert.Equal(t, cloudreplicatest.PlanAudit{
			Plan: acmeAll, Name: "acme all", Started: 1, Undone: 1, Succeeded: 1,
			VMs: []cloudreplicatest.VMAudit{{Name: "db-1", FailedOver: 1, Undone: 1}, {Name: "web-1", FailedOver: 1, Undone: 1}},
		}, audit.Plan(acmeAll), audit)
		assert.Equal(t, 1, audit.Operation("FailoverPlans.Start", acmeAll).Succeeded)
	})
}

func TestTestingAPlanChangesNothing(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		done := g.task(t, clock, "POST", plans+acmeAll+"?action=test", "")
		assert.Equal(t, "StartCloudFailoverPlan", done.Operation, "it is called like a start")
		clock.Advance(time.Minute)
		var run failoverShown
		entity(t, g, link(t, done.Links, "Related", "CloudFailoverSession").Href, &run)
		assert.Equal(t, "FailoverPlan", run.JobType)
		assert.Equal(t, "Success", run.Result)
		for _, point := range g.server.Points("db-1") {
			assert.Equal(t, cloudreplicatest.StateReady, point.State)
		}
		done = g.task(t, clock, "POST", plans+acmeAll+"?action=undo", "")
		assert.False(t, done.Result.Success)
		assert.Contains(t, done.Result.Message, "has not been failed over")
		audit := g.server.Audit().Plan(acmeAll)
		assert.Equal(t, []int{0, 1, 0}, []int{audit.Started, audit.Tested, audit.Undone})
		assert.Equal(t, 1, audit.VM("web-1").Tested)
	})
}

// Some VMs fail: the session ends with a warning, and the others are failed over.
func TestPartialFailover(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	g.server.FailVM(acmeAll, "db-1", "No power")
	g.server.WarnVM(acmeAll, "web-1", "Slow disks")
	g.server.SlowVM(acmeAll, "", time.Hour)
	done := g.task(t, clock, "POST", plans+acmeAll+"?action=start", startNow)
	clock.Advance(time.Minute)
	g.ask(t, http.StatusOK, "GET", "/tasks", "", nil)
	var run failoverShown
	entity(t, g, link(t, done.Links, "Related", "CloudFailoverSession").Href, &run)
	assert.Equal(t, "Stopped Warning", run.State+" "+run.Result)
	assert.Equal(t, "1 of 2 VMs have failed", run.FailureMessage)
	assert.Equal(t, map[string]string{"db-1": "Stopped Failed", "web-1": "Stopped Warning"}, run.outcomes())
	assert.Equal(t, "No power", run.CloudFailoverTasks.CloudFailoverTasks[0].FailureMessage)
	assert.Equal(t, cloudreplicatest.StateReady, g.server.Points("db-1")[0].State)
	assert.Equal(t, cloudreplicatest.StateFailover, g.server.Points("web-1")[0].State)
	audit := g.server.Audit().Plan(acmeAll)
	assert.Equal(t, 1, audit.Warned)
	assert.Equal(t, cloudreplicatest.VMAudit{Name: "db-1", Failed: 1}, audit.VM("db-1"))

	done = g.task(t, clock, "POST", plans+acmeAll+"?action=start", startNow)
	assert.False(t, done.Result.Success)
	assert.Contains(t, done.Result.Message, "failed over already")
	g.task(t, clock, "POST", plans+acmeAll+"?action=undo", "")
	g.server.ClearFaults()
	g.server.SetState("web-1", "Failback")
	g.server.FailVM(acmeAll, "", "Nothing works")
	done = g.task(t, clock, "POST", plans+acmeAll+"?action=start", startNow)
	clock.Advance(time.Minute)
	entity(t, g, link(t, done.Links, "Related", "CloudFailoverSession").Href, &run)
	assert.Equal(t, "Failed", run.Result)
	assert.Contains(t, run.CloudFailoverTasks.CloudFailoverTasks[1].FailureMessage, "Failback")
	done = g.task(t, clock, "POST", plans+acmeAll+"?action=undo", "")
	assert.False(t, done.Result.Success, "nothing was failed over")
}

func TestStartingFromAnEarlierPoint(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		body := func(inside string) string {
			return `<CloudFailoverPlanManagementSpec xmlns="http://www.veeam.com/ent/v1.0">` + inside + `</CloudFailoverPlanManagementSpec>`
		}
		before, both, neither := body(`<StartDate>2030-06-01T11:30:00Z</StartDate>`), body(`<StartNow>true</StartNow><StartDate>2030-06-01T11:30:00Z</StartDate>`), body("")
		never, nonsense := body(`<StartNow>false</StartNow><StartDate>2000-01-01T00:00:00</StartDate>`), body(`<StartDate>tomorrow</StartDate>`)
		if g.encoding == asJSON {
			before, both, neither = `{"StartDate":"2030-06-01T11:30:00Z"}`, `{"StartNow":true,"StartDate":"2030-06-01T11:30:00Z"}`, `{}`
			never, nonsense = `{"StartNow":false,"StartDate":"2000-01-01T00:00:00"}`, `{"StartDate":"tomorrow"}`
		}
		points := g.server.Points("db-1")
		for _, tc := range []struct{ body, point string }{{before, points[1].ID}, {both, points[2].ID}} {
			done := g.task(t, clock, "POST", plans+acmeAll+"?action=start", tc.body)
			clock.Advance(time.Minute)
			var run failoverShown
			entity(t, g, link(t, done.Links, "Related", "CloudFailoverSession").Href, &run)
			require.Equal(t, "Success", run.Result)
			assert.Contains(t, run.CloudFailoverTasks.CloudFailoverTasks[0].VmReplicaPointLink.Href, tc.point)
			g.task(t, clock, "POST", plans+acmeAll+"?action=undo", "")
		}
		done := g.task(t, clock, "POST", plans+acmeAll+"?action=start", never)
		clock.Advance(time.Second)
		var run failoverShown
		entity(t, g, link(t, done.Links, "Related", "CloudFailoverSession").Href, &run)
		assert.Equal(t, "Stopped Failed", run.State+" "+run.Result)
		assert.Contains(t, run.CloudFailoverTasks.CloudFailoverTasks[0].FailureMessage, "no restore point")
		g.refused(t, http.StatusBadRequest, "is needed", "POST", plans+acmeAll+"?action=start", neither)
		g.refused(t, http.StatusBadRequest, "no date", "POST", plans+acmeAll+"?action=start", nonsense)
	})
}

// A second start finds the plan running; what follows in one session is not told to another.
func TestTasksBelongToTheirSession(t *testing.T) {
	t.Parallel()
	everyDialect(t, func(t *testing.T, g guest, clock *cloudreplicatest.ManualClock) {
		var begun taskShown
		g.ask(t, http.StatusAccepted, "POST", plans+acmeAll+"?action=start", g.startBody(), &begun)
		assert.Equal(t, "task-1", begun.TaskId)
		clock.Advance(2 * time.Second)
		again := g.task(t, clock, "POST", plans+acmeAll+"?action=start", g.startBody())
		assert.Equal(t, "task-2", again.TaskId)
		assert.False(t, again.Result.Success)
		assert.Contains(t, again.Result.Message, "already running")
		assert.Len(t, again.Links, 1)

		other := g
		other.token = g.server.Token()
		other.refused(t, http.StatusInternalServerError, "no backup task with id [task-1] in current rest session", "GET", "/tasks/task-1", "")
		other.refused(t, http.StatusInternalServerError, "no backup task with id [task-1]", "DELETE", "/tasks/task-1", "")
		var own struct {
			Tasks []taskShown `xml:"Task"`
		}
		entity(t, other, "/tasks", &own)
		assert.Empty(t, own.Tasks)
		entity(t, g, "/tasks", &own)
		assert.Len(t, own.Tasks, 2)
		var mine taskShown
		other.ask(t, http.StatusAccepted, "POST", plans+acmeAll+"?action=undo", "", &mine)
		assert.Equal(t, "task-1", mine.TaskId, "each session counts its own")

		g.server.ForgetTasks()
		g.refused(t, http.StatusInternalServerError, "[task-1]", "GET", "/tasks/task-1", "")
		clock.Advance(time.Minute)
		var all refs
		entity(t, g, "/cloud/failoverSessions", &all)
		assert.Len(t, all.Refs, 1, "the failover has gone on")
		assert.Equal(t, 1, g.server.Audit().Plan(acmeAll).Started)
	})
}

func TestTasksThatAreDeletedOrFail(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	var begun taskShown
	g.ask(t, http.StatusAccepted, "POST", plans+acmeAll+"?action=start", startNow, &begun)
	g.ask(t, http.StatusNoContent, "DELETE", "/tasks/"+begun.TaskId, "", nil)
	clock.Advance(time.Minute)
	g.refused(t, http.StatusInternalServerError, "[task-1]", "GET", "/tasks/task-1", "")
	assert.Zero(t, g.server.Audit().Plan(acmeAll).Started)
	assert.Equal(t, 1, g.server.Audit().Operation("FailoverPlans.Start", acmeAll).Canceled)

	g.server.FailTask("FailoverPlans.Start", acmeAll, "The backup server is busy")
	done := g.task(t, clock, "POST", plans+acmeAll+"?action=start", startNow)
	assert.False(t, done.Result.Success)
	assert.Equal(t, "The backup server is busy", done.Result.Message)
	g.server.SlowTask("FailoverPlans.Start", "", time.Hour)
	g.ask(t, http.StatusAccepted, "POST", plans+acmeAll+"?action=start", startNow, &begun)
	clock.Advance(10 * time.Minute)
	g.ask(t, http.StatusOK, "GET", "/tasks/"+begun.TaskId, "", &begun)
	assert.Equal(t, "Running", begun.State)
}

func TestWhatTheTaskOfAPlanFinds(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	g.server.AddPlan(cloudreplicatest.Plan{Name: "late", Tenant: "acme", VMs: []string{"db-1"}})
	late := cloudreplicatest.PlanID("late")
	g.refused(t, http.StatusNotFound, late, "GET", plans+late, "")
	g.server.Collect()
	g.ask(t, http.StatusOK, "GET", plans+late, "", nil)
	assert.True(t, g.server.RemovePlan(late))
	assert.False(t, g.server.RemovePlan(late))
	for _, action := range []string{"test", "undo"} {
		done := g.task(t, clock, "POST", plans+late+"?action="+action, "")
		assert.False(t, done.Result.Success)
		assert.Contains(t, done.Result.Message, "was not found")
	}
	update := `<CloudFailoverPlan xmlns="http://www.veeam.com/ent/v1.0"><CloudFailoverPlanOptions><PostFailoverPlanCommandEnabled>true</PostFailoverPlanCommandEnabled><PostFailoverPlanCommand>C:\after.ps1</PostFailoverPlanCommand><PreFailoverPlanCommandEnabled>false</PreFailoverPlanCommandEnabled><PreFailoverPlanCommand></PreFailoverPlanCommand></CloudFailoverPlanOptions></CloudFailoverPlan>`
	assert.False(t, g.task(t, clock, "PUT", plans+late, update).Result.Success)
	assert.False(t, g.task(t, clock, "DELETE", plans+late, "").Result.Success)

	done := g.task(t, clock, "PUT", plans+acmeAll, update)
	assert.Equal(t, "UpdateFailoverPlan", done.Operation)
	var shown struct {
		CloudFailoverPlanOptions struct {
			PostFailoverPlanCommandEnabled bool
			PostFailoverPlanCommand        string
		}
	}
	entity(t, g, plans+acmeAll+"?format=Entity", &shown)
	assert.True(t, shown.CloudFailoverPlanOptions.PostFailoverPlanCommandEnabled)
	assert.Equal(t, `C:\after.ps1`, shown.CloudFailoverPlanOptions.PostFailoverPlanCommand)
	g.task(t, clock, "POST", plans+acmeAll+"?action=start", startNow)
	assert.Contains(t, g.task(t, clock, "DELETE", plans+acmeAll, "").Result.Message, "in use")
	done = g.task(t, clock, "DELETE", plans+cloudreplicatest.PlanID("globex all"), "")
	assert.Equal(t, "DeleteCloudFailoverPlan", done.Operation)
	g.refused(t, http.StatusNotFound, "was not found", "GET", plans+cloudreplicatest.PlanID("globex all"), "")
}

func TestSessionsAreShownForAMonth(t *testing.T) {
	t.Parallel()
	g, clock := open(t, cloudreplicatest.CollectEvery(0), cloudreplicatest.IdleTimeout(100*24*time.Hour))
	var begun taskShown
	g.ask(t, http.StatusAccepted, "POST", plans+acmeAll+"?action=test", "", &begun)
	clock.Advance(1500 * time.Millisecond)
	var all refs
	entity(t, g, "/cloud/failoverSessions", &all)
	assert.Empty(t, all.Refs, "the database does not know of it before the task is finished")
	clock.Advance(500 * time.Millisecond)
	entity(t, g, "/cloud/failoverSessions", &all)
	require.Len(t, all.Refs, 1)
	clock.Advance(30*24*time.Hour - 2*time.Second)
	entity(t, g, "/cloud/failoverSessions", &all)
	clock.Advance(2 * time.Second)
	entity(t, g, "/cloud/failoverSessions", &all)
	assert.Empty(t, all.Refs)
}
