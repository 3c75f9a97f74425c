package cloudreplicatest

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// States of a task.
const (
	taskRunning           = "Running"
	taskOperationFinished = "OperationFinished"
	taskFinished          = "Finished"
)

// task is work on a backup server, as the logon session that started it sees it. It shows more than once how far it
// is: the work is done, and then the database knows what came of it.
type task struct {
	id, operation, state string
	failure              string // once the operation is finished; empty: it succeeded
	related              *link  // to what was made; only shown at the end
	counts               *taskCounts
	canceled             bool // before its work
}

// done is what comes of the work of a task.
type done struct {
	publish func()      // lets the database know; nil: nothing changes there
	related func() link // to what was made; nil: to nothing
}

// begin starts a task whose work is done later. An error of the work is how the task fails.
func (v *visit) begin(work func(at time.Time) (done, error)) (*reply, error) {
	s, e := v.session, v.enterprise
	s.made++
	t := &task{
		id: "task-" + strconv.Itoa(s.made), operation: taskOperations[v.call.Operation.Name], state: taskRunning,
		counts: e.deeds.begin(v.call),
	}
	s.tasks = append(s.tasks, t)
	planned, _ := e.plans.Take(v.call.Operation.Name, v.call.Resource)
	length := e.config.operating
	if planned != nil {
		length += planned.longer
	}
	e.agenda.Add(e.now.Add(length), func(at time.Time) {
		if t.canceled {
			return
		}
		var came done
		var err error
		if planned != nil && planned.message != "" {
			err = refuse(0, "%s", planned.message)
		} else {
			came, err = work(at)
		}
		t.operated(err)
		e.agenda.Add(at.Add(e.config.publishing), func(at time.Time) {
			t.finish(came)
			if t.failure == "" && came.publish != nil {
				e.agenda.Add(at.Add(e.config.lag), func(time.Time) {
					came.publish()
					e.changed()
				})
			}
		})
	})
	return &reply{status: http.StatusAccepted, document: v.printer.task("Task", t)}, nil
}

// taskOperations is what the service calls the work of an operation. A test is called like a start.
var taskOperations = map[string]string{
	"BackupServers.Collect":               "CollectingBackupServer",
	"FailoverPlans.Start":                 "StartCloudFailoverPlan",
	"FailoverPlans.Test":                  "StartCloudFailoverPlan",
	"FailoverPlans.Undo":                  "UndoCloudFailoverPlan",
	"FailoverPlans.Update":                "UpdateFailoverPlan",
	"FailoverPlans.Delete":                "DeleteCloudFailoverPlan",
	"Tenants.Create":                      "CreateCloudTenant",
	"Tenants.Update":                      "EditCloudTenant",
	"Tenants.Delete":                      "DeleteCloudTenant",
	"TenantResources.Create":              "CreateCloudTenantResource",
	"TenantResources.Delete":              "DeleteCloudTenantResource",
	"TenantComputeResources.Create":       "CreateCloudTenantResource",
	"TenantComputeResources.Delete":       "DeleteCloudTenantComputeResource",
	"TenantVCloudComputeResources.Create": "CreateCloudTenantVCloudComputeResource",
	"TenantVCloudComputeResources.Delete": "DeletevCloudTenantComputeResource",
	"Subtenants.Create":                   "AddCloudSubtenant",
	"Subtenants.Update":                   "EditCloudSubtenant",
	"Subtenants.Delete":                   "DeleteCloudSubtenant",
}

func (t *task) operated(err error) {
	t.state = taskOperationFinished
	if err != nil {
		t.failure = err.Error()
	}
}

func (t *task) finish(came done) {
	t.state = taskFinished
	t.counts.end(t.failure == "")
	if t.failure != "" {
		return
	}
	if came.related != nil {
		related := came.related()
		t.related = &related
	}
}

// task shows a task. Its result is there once the operation is finished, and then only repeats the state.
func (p *printer) task(root string, t *task) *document {
	href := p.href("tasks", t.id)
	own := links{{"Delete", "", href, ""}}
	if t.related != nil {
		own = append(own, *t.related)
	}
	var result *document
	if t.state != taskRunning {
		message := t.failure
		switch {
		case message != "":
		case t.state == taskFinished:
			message = "Ok"
		default:
			message = t.state
		}
		result = part(set("Message", message)).marked(
			set("Success", t.failure == ""), set("CredentialsNeeded", false), set("ConfirmationNeeded", false))
	}
	return resource(root, "Task", href, own).with(
		set("TaskId", t.id), set("State", t.state), set("Operation", t.operation), set("Result", result))
}

func (v *visit) listTasks() (*reply, error) {
	tasks := make([]task, len(v.session.tasks)) // as they are now, for they go on while a long list is sent
	for i, t := range v.session.tasks {
		tasks[i] = *t
	}
	return found200(collection("Tasks", listOf("Task", tasks, func(t task) *document { return v.printer.task("", &t) })))
}

func (v *visit) getTask() (*reply, error) {
	t, err := v.task()
	if err != nil {
		return nil, err
	}
	return found200(v.printer.task("Task", t))
}

// deleteTask forgets a task. One whose work has not been done yet is stopped.
func (v *visit) deleteTask() (*reply, error) {
	t, err := v.task()
	if err != nil {
		return nil, err
	}
	if t.state == taskRunning {
		t.canceled = true
		t.counts.canceled++
	}
	v.session.tasks = slices.DeleteFunc(slices.Clone(v.session.tasks), func(other *task) bool { return other == t })
	return &reply{status: http.StatusNoContent}, nil
}

// task finds the task of the path in the session that asks. One of another session is gone like one that never was.
func (v *visit) task() (*task, error) {
	id := v.call.Arguments["taskId"]
	at := slices.IndexFunc(v.session.tasks, func(t *task) bool { return t.id == id })
	if at < 0 {
		return nil, refuse(http.StatusInternalServerError, "There is no backup task with id [%s] in current rest session", id)
	}
	return v.session.tasks[at], nil
}
