package vcav_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/faulttest"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// world is an appliance on which a schedule runs, and those who work with it.
type world struct {
	schedule schedule
	server   *vcavtest.Server
	clients  []*vcav.Client
	began    time.Time
	wants    []*want

	mu        sync.Mutex
	forgotten map[string]vcavtest.Task // by id
}

// want is an operation that a caller wants once, and what it believes has come of it.
type want struct {
	id     string // operation ID of all requests for it
	client int
	plan   callPlan
	action action
	found  found
	err    error

	untouched bool // it was said once that no task came of it and that the resource is as it was
}

func (w *want) subject() string { return subjects[w.plan.on] }

// run lets everything happen, and returns what is wrong at the end.
func (s schedule) run(c *census) (broken []string) {
	w, err := newWorld(s)
	if err != nil {
		return []string{err.Error()}
	}
	defer w.server.Close()
	var callers, others sync.WaitGroup
	// No two things happen at the same moment, so that they happen in the same order in every run.
	for i, plan := range s.callers {
		callers.Go(func() {
			w.sleep(time.Duration(100+i) * time.Millisecond)
			w.work(i, plan)
		})
	}
	for i, fault := range s.faults {
		others.Go(func() {
			w.sleep(fault.at + time.Duration(i)*time.Millisecond)
			w.server.Inject(w.rule(fault))
		})
	}
	for i, incident := range s.incidents {
		others.Go(func() {
			w.sleep(incident.at + time.Duration(50+i)*time.Millisecond)
			incidentKinds[incident.what](w, incident)
		})
	}
	callers.Wait()
	others.Wait()
	w.clearUp()
	broken = w.judge(c)
	for _, client := range w.clients {
		if err := client.Close(context.Background()); err != nil {
			broken = append(broken, "Close: "+err.Error())
		}
	}
	return broken
}

func newWorld(s schedule) (*world, error) {
	options := []vcavtest.Option{
		vcavtest.InMemory(), vcavtest.TaskDuration(20*time.Millisecond, s.running), vcavtest.SSOUser("bob", "bob's password"),
		vcavtest.AuthenticatedAt("site1"),
	}
	for _, subject := range subjects {
		options = append(options, vcavtest.Machines(vcavtest.Machine{Name: "new-" + subject}),
			vcavtest.Protect(vcavtest.Replication{VMName: subject, Paused: subject == "paused-1"}))
	}
	server, err := vcavtest.Start(options...)
	if err != nil {
		return nil, err
	}
	w := &world{schedule: s, server: server, forgotten: map[string]vcavtest.Task{}}
	if err := w.prepare(); err != nil {
		server.Close()
		return nil, err
	}
	w.began = time.Now()
	return w, nil
}

// prepare lets the subjects be what their names say, lets in the clients and notes what callers want.
func (w *world) prepare() error {
	root := w.server.Operator("root")
	_, err := root.Do("VMReplications.TestFailover", vcavtest.ReplicationID("tested-1"), `{"type":"vcloud","powerOn":false,"sync":false}`)
	if err != nil {
		return err
	}
	if _, err := root.Do(failover, vcavtest.ReplicationID("recovered-1"), failoverBody); err != nil {
		return err
	}
	pause(w.schedule.running + time.Second)
	for _, user := range clientUsers {
		credentials := vcav.LocalUser(w.server.User, drkit.NewSecret(w.server.Password))
		if user == "bob" {
			credentials = vcav.SSO(user, drkit.NewSecret("bob's password"))
		}
		client, err := vcav.NewClient(w.server.URL, credentials, append(w.server.Options(),
			drkit.WithTimeout(10*time.Second), drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}))...)
		if err != nil {
			return err
		}
		w.clients = append(w.clients, client)
	}
	for i, caller := range w.schedule.callers {
		for j, plan := range caller.calls {
			w.wants = append(w.wants, &want{id: operationID(i, j), client: caller.client, plan: plan, action: actions[plan.action]})
		}
	}
	return nil
}

const failoverBody = `{"type":"vcloud","powerOn":false}`

// pause waits for a while of the bubble's time.
func pause(d time.Duration) { <-time.After(d) }

// sleep waits for a time of the schedule.
func (w *world) sleep(until time.Duration) { pause(time.Until(w.began.Add(until))) }

// work makes the calls of one caller, each of them again until it gets its work done or has had enough.
func (w *world) work(caller int, plan callerPlan) {
	for j := range plan.calls {
		for _, want := range w.wants {
			if want.id == operationID(caller, j) {
				pause(want.plan.pause)
				w.call(want)
			}
		}
	}
}

func (w *world) call(want *want) {
	for range want.plan.again + 1 {
		ctx, cancel := drkit.WithOperationID(context.Background(), want.id), func() {}
		if want.plan.cancel > 0 {
			ctx, cancel = context.WithTimeout(ctx, want.plan.cancel)
		}
		want.found, want.err = want.action.call(ctx, w.clients[want.client], want.plan.site, want.subject())
		want.note()
		cancel()
		if want.err == nil {
			return
		}
		pause(3 * time.Second)
	}
}

// note remembers what an error claims of the operation itself.
func (w *want) note() {
	var unknown *drkit.OutcomeUnknownError
	if errors.As(w.err, &unknown) && unknown.OperationID == w.id {
		w.untouched = w.untouched || unknown.Untouched
	}
}

// clearUp lets everything be well again, late work be done and tasks end, and those who do not know look again.
func (w *world) clearUp() {
	w.server.ClearFaults()
	w.server.RefuseConnections(0)
	w.server.Restart(0)
	pause(2 * time.Minute)
	for _, client := range w.clients {
		_, _ = client.Sessions.SignIn(context.Background()) // also where credentials were refused
	}
	for _, want := range w.wants {
		if isUnknown(want.err) {
			want.found, want.err = want.action.recover(context.Background(), want.err)
			want.note()
		}
	}
}

// rule is the fault for the simulator.
func (w *world) rule(f plannedFault) vcavtest.Fault {
	fault := vcavtest.Fault{Operation: f.on, Skip: f.skip, Times: f.times, After: f.after}
	if f.effect == "drop, and the task is forgotten" {
		fault.Drop, fault.Do = true, func() { w.forget(func(tasks []vcavtest.Task) []vcavtest.Task { return tasks[max(0, len(tasks)-1):] }) }
		return fault
	}
	effects[f.effect](&fault, f.length)
	return fault
}

// forget lets the appliance forget some of its tasks.
func (w *world) forget(which func([]vcavtest.Task) []vcavtest.Task) {
	for _, task := range which(w.server.Tasks()) {
		if w.server.ForgetTask(task.ID) {
			w.mu.Lock()
			w.forgotten[task.ID] = task
			w.mu.Unlock()
		}
	}
}

// effects are what faults do.
var effects = map[string]func(*vcavtest.Fault, time.Duration){
	"drop":     func(f *vcavtest.Fault, _ time.Duration) { f.Drop = true },
	"reset":    func(f *vcavtest.Fault, _ time.Duration) { f.Reset = true },
	"truncate": func(f *vcavtest.Fault, _ time.Duration) { f.Truncate = true },
	"hang":     func(f *vcavtest.Fault, _ time.Duration) { f.Hang = true },
	"delay":    func(f *vcavtest.Fault, length time.Duration) { f.Delay = length + time.Second },
	"503":      func(f *vcavtest.Fault, _ time.Duration) { f.Status = http.StatusServiceUnavailable },
	"429": func(f *vcavtest.Fault, _ time.Duration) {
		f.Status, f.RetryAfter = http.StatusTooManyRequests, time.Second
	},
	"500": func(f *vcavtest.Fault, _ time.Duration) { f.Status = http.StatusInternalServerError },
	"401": func(f *vcavtest.Fault, _ time.Duration) { f.Status = http.StatusUnauthorized },
	"401 of proxy": func(f *vcavtest.Fault, _ time.Duration) {
		f.Status, f.Body = http.StatusUnauthorized, faulttest.LoginPage
	},
	"403 of proxy": func(f *vcavtest.Fault, _ time.Duration) { f.Status, f.Body = http.StatusForbidden, faulttest.LoginPage },
	"404 of proxy": func(f *vcavtest.Fault, _ time.Duration) { f.Status, f.Body = http.StatusNotFound, faulttest.LoginPage },
	"page":         func(f *vcavtest.Fault, _ time.Duration) { f.Status, f.Body = http.StatusOK, faulttest.LoginPage },
	"dropped, and done late": func(f *vcavtest.Fault, length time.Duration) {
		f.Drop, f.Late = true, length+time.Second
	},
	"503, and done late": func(f *vcavtest.Fault, length time.Duration) {
		f.Status, f.Late = http.StatusServiceUnavailable, length+time.Second
	},
	"hanging, and done late": func(f *vcavtest.Fault, length time.Duration) {
		f.Hang, f.Late = true, length+time.Second
	},
}

// A 401 of the appliance itself says that nothing was done, so that it never comes after the work.
var (
	effectsAfter = []string{
		"drop", "reset", "truncate", "hang", "delay", "503", "429", "500", "401 of proxy", "403 of proxy", "404 of proxy", "page",
		"drop, and the task is forgotten",
	}
	effectsBefore = []string{
		"drop", "reset", "hang", "delay", "503", "429", "500", "401", "401 of proxy", "403 of proxy", "404 of proxy", "page",
		"dropped, and done late", "503, and done late", "hanging, and done late",
	}
)

var incidentNames = []string{
	"sessions expire", "connections are cut", "connections are refused", "restart", "tasks are forgotten",
	"a task is left out of polls", "the next task fails", "the next task is slow", "olga fails over", "olga synchronizes",
	"root fails over",
}

// incidentKinds are what else happens.
var incidentKinds = map[string]func(*world, incident){
	"sessions expire":         func(w *world, _ incident) { w.server.ExpireSessions() },
	"connections are cut":     func(w *world, _ incident) { w.server.CloseConnections() },
	"connections are refused": func(w *world, i incident) { w.server.RefuseConnections(1 + int(i.length/time.Second)) },
	"restart":                 func(w *world, i incident) { w.server.Restart(i.length) },
	"tasks are forgotten": func(w *world, i incident) {
		w.forget(func(tasks []vcavtest.Task) []vcavtest.Task {
			return slices.DeleteFunc(tasks, func(task vcavtest.Task) bool { return task.Resource != vcavtest.ReplicationID(subjects[i.on]) })
		})
	},
	"a task is left out of polls": func(w *world, i incident) {
		for _, task := range w.server.Tasks() {
			if task.Resource == vcavtest.ReplicationID(subjects[i.on]) {
				w.server.OmitFromPolls(task.ID, 3)
			}
		}
	},
	"the next task fails": func(w *world, i incident) {
		for _, action := range actions {
			w.server.FailTask(action.operation, vcavtest.ReplicationID(subjects[i.on]), "Failure", "as planned")
		}
	},
	"the next task is slow": func(w *world, i incident) {
		for _, action := range actions {
			w.server.SlowTask(action.operation, vcavtest.ReplicationID(subjects[i.on]), 10*i.length)
		}
	},
	"olga fails over":   func(w *world, i incident) { w.operate("olga@System", failover, i, failoverBody) },
	"olga synchronizes": func(w *world, i incident) { w.operate("olga@System", "VMReplications.Sync", i, "") },
	"root fails over":   func(w *world, i incident) { w.operate("root", failover, i, failoverBody) },
}

// operate lets an operator do something, which may be refused.
func (w *world) operate(user, operation string, i incident, body string) {
	_, _ = w.server.Operator(user).Do(operation, vcavtest.ReplicationID(subjects[i.on]), body)
}
