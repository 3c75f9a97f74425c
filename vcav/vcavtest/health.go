package vcavtest

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// HealthShape is how GET /diagnostics/health answers.
type HealthShape int

// The shapes of the health. [HealthByVersion] is the default.
const (
	HealthByVersion  HealthShape = iota // what the version has that a request asks for
	HealthObject                        // the health itself, at once: before 4.1
	HealthTask                          // status 200 and a task whose result is the health: from 4.1 on
	HealthNestedTask                    // status 202 and a task whose result is another task, whose result is the health: from 4.5 on
)

// HealthAs lets GET /diagnostics/health answer in this shape, whatever version a request asks for.
//
// Source: Cloud Director Availability API guide, "Get Health Information"; for the other shapes the API
// references of 4.5 and 4.6, and clients of 3.x.
func HealthAs(shape HealthShape) Option {
	return func(c *config) error {
		if shape < HealthByVersion || shape > HealthNestedTask {
			return fmt.Errorf("HealthAs: there is no shape %d", shape)
		}
		c.healthShape = shape
		return nil
	}
}

// Component is something that the health of the appliance is about. Its value is the member that shows it.
type Component string

// The components of the Cloud Service, and of the Manager Service below it.
const (
	TunnelService        Component = "tunnelError"
	CloudDirector        Component = "vcdError"
	ManagerService       Component = "managerError" // without it there is no managerHealth either
	LookupService        Component = "lsError"
	Database             Component = "dbError"
	NTPServer            Component = "ntpError"
	ManagerLookupService Component = "managerHealth.lsError"
	ManagerDatabase      Component = "managerHealth.dbError"
	ManagerNTPServer     Component = "managerHealth.ntpError"
)

// usualFailure is the error with which the guide shows a component, in our words.
func usualFailure(of Component) (code, message string, known bool) {
	switch of {
	case TunnelService:
		return CodeTunnelNotConfigured, "There are no tunnel settings.", true
	case CloudDirector:
		return CodeCloudDirectorNotRegistered, "The Lookup Service knows no Cloud Director.", true
	case LookupService:
		return CodeLookupServiceNotConfigured, "There are no Lookup Service settings.", true
	case ManagerService, Database, ManagerLookupService:
		return CodeConnectionRefused, "The connection was refused.", true
	case NTPServer, ManagerNTPServer:
		return CodeNTPServerFailed, "The clock and the NTP server disagree.", true
	case ManagerDatabase:
		return CodeGeneralServerFailure, "An unexpected error has ended the operation.", true
	default:
		return "", "", false
	}
}

// BreakComponent lets the health show this error for a component, from the next check that ends on. Without
// a code and a message they are those of the guide's sample. Only the health shows it: everything else goes
// on, for which there are [Server.KillSite] and [Fault].
func (s *Server) BreakComponent(component Component, code, message string) {
	usualCode, usualMessage, known := usualFailure(component)
	if !known {
		s.kit.Complain("BreakComponent: there is no component %q", component)
		return
	}
	s.setComponent(component, &refusal{code: or(code, usualCode), message: or(message, usualMessage)})
}

// RepairComponent ends what [Server.BreakComponent] or [NotConfigured] has done to a component.
func (s *Server) RepairComponent(component Component) {
	if _, _, known := usualFailure(component); !known {
		s.kit.Complain("RepairComponent: there is no component %q", component)
		return
	}
	s.setComponent(component, nil)
}

// setComponent lets a component fail, or with nil be well. Checks that have ended by now show it as it was.
func (s *Server) setComponent(component Component, failure *refusal) {
	a := s.lock()
	defer a.mu.Unlock()
	a.health.broken[component] = failure
}

// SetReplicators names the Replicator Services that the manager's health shows as online and as offline. By
// default there is "replicator-1", which is online. The members of such an entry are made up, for the guide
// shows none.
func (s *Server) SetReplicators(online, offline []string) {
	a := s.lock()
	defer a.mu.Unlock()
	a.health.online, a.health.offline = slices.Clone(online), slices.Clone(offline)
}

// SetDiskUsage sets the disk usage that the health shows for the appliance, and for the manager on it.
func (s *Server) SetDiskUsage(total, usable, free int64) {
	a := s.lock()
	defer a.mu.Unlock()
	a.health.disk = diskUsageBody{Total: total, Usable: usable, Free: free}
}

// health is what there is to know of the appliance's own state.
type health struct {
	runtimeID        string
	managerID        string
	managerRuntimeID string
	broken           map[Component]*refusal
	online, offline  []string // Replicator Services
	disk             diskUsageBody
}

func newHealth(unconfigured bool) health {
	h := health{
		runtimeID: freshID(), managerID: freshID(), managerRuntimeID: freshID(),
		broken: map[Component]*refusal{}, online: []string{"replicator-1"},
		disk: diskUsageBody{Total: 32 << 30, Usable: 24 << 30, Free: 25 << 30},
	}
	if unconfigured {
		for _, missing := range []Component{TunnelService, CloudDirector, LookupService} {
			code, message, _ := usualFailure(missing)
			h.broken[missing] = &refusal{code: code, message: message}
		}
	}
	return h
}

type healthBody struct {
	ProductName   string             `json:"productName"`
	BuildVersion  string             `json:"buildVersion"`
	BuildDate     int64              `json:"buildDate"`
	InstanceID    string             `json:"instanceId"`
	RuntimeID     string             `json:"runtimeId"`
	CurrentTime   int64              `json:"currentTime"`
	Address       string             `json:"address"`
	TunnelError   *errorBody         `json:"tunnelError"`
	VCDError      *errorBody         `json:"vcdError"`
	ManagerError  *errorBody         `json:"managerError"`
	ManagerHealth *managerHealthBody `json:"managerHealth"`
	LSError       *errorBody         `json:"lsError"`
	DBError       *errorBody         `json:"dbError"`
	NTPError      *errorBody         `json:"ntpError"`
	DiskUsage     diskUsageBody      `json:"diskUsage"`
}

type managerHealthBody struct {
	ProductName                string           `json:"productName"`
	BuildVersion               string           `json:"buildVersion"`
	BuildDate                  int64            `json:"buildDate"`
	InstanceID                 string           `json:"instanceId"`
	RuntimeID                  string           `json:"runtimeId"`
	CurrentTime                int64            `json:"currentTime"`
	Address                    string           `json:"address"`
	OfflineReplicators         []replicatorBody `json:"offlineReplicators"`
	OnlineReplicators          []replicatorBody `json:"onlineReplicators"`
	LocalReplicatorsHealth     []any            `json:"localReplicatorsHealth"`
	LSError                    *errorBody       `json:"lsError"`
	DBError                    *errorBody       `json:"dbError"`
	NTPError                   *errorBody       `json:"ntpError"`
	LocalReplicatorsLSMismatch any              `json:"localReplicatorsLsMismatch"`
	DiskUsage                  diskUsageBody    `json:"diskUsage"`
}

type replicatorBody struct {
	ID      string `json:"id"`
	Address string `json:"address"`
}

type diskUsageBody struct {
	Total  int64 `json:"total"`
	Usable int64 `json:"usable"`
	Free   int64 `json:"free"`
}

// healthAt shows the health of this moment.
func (a *appliance) healthAt(now time.Time) healthBody {
	stacktrace := ""
	failed := func(c Component) *errorBody { return a.health.failure(c, &stacktrace) }
	body := healthBody{
		ProductName:  "drkit simulator of the Cloud Service",
		BuildVersion: a.buildVersion(), BuildDate: millis(buildDate()),
		InstanceID: a.instanceID, RuntimeID: a.health.runtimeID, CurrentTime: millis(now), Address: hostName,
		TunnelError: failed(TunnelService), VCDError: failed(CloudDirector), ManagerError: failed(ManagerService),
		LSError: failed(LookupService), DBError: failed(Database), NTPError: failed(NTPServer),
		DiskUsage: a.health.disk,
	}
	if body.ManagerError == nil {
		body.ManagerHealth = a.managerHealthAt(now)
	}
	return body
}

// managerHealthAt shows the health of the Manager Service, whose errors have no stacktrace in the sample.
func (a *appliance) managerHealthAt(now time.Time) *managerHealthBody {
	return &managerHealthBody{
		ProductName:  "drkit simulator of the Manager Service",
		BuildVersion: a.buildVersion(), BuildDate: millis(buildDate()),
		InstanceID: a.health.managerID, RuntimeID: a.health.managerRuntimeID, CurrentTime: millis(now), Address: hostName,
		OfflineReplicators: replicatorsOf(a.health.offline), OnlineReplicators: replicatorsOf(a.health.online),
		LocalReplicatorsHealth: []any{},
		LSError:                a.health.failure(ManagerLookupService, nil),
		DBError:                a.health.failure(ManagerDatabase, nil),
		NTPError:               a.health.failure(ManagerNTPServer, nil),
		DiskUsage:              a.health.disk,
	}
}

func (h *health) failure(of Component, stacktrace *string) *errorBody {
	if h.broken[of] == nil {
		return nil
	}
	return newErrorBody(h.broken[of], stacktrace)
}

func replicatorsOf(names []string) []replicatorBody {
	bodies := []replicatorBody{}
	for _, name := range names {
		bodies = append(bodies, replicatorBody{ID: name, Address: name + ".drkit.test"})
	}
	return bodies
}

// checkHealth shows the health, or starts a task that does.
func (a *appliance) checkHealth(call *simkit.Call, v *visit) (any, error) {
	shape := a.config.healthShape
	if shape == HealthByVersion {
		shape = healthShapeOf(v.version)
	}
	if shape == HealthObject {
		return a.healthAt(a.now), nil
	}
	t := &task{kind: typeHealth, resourceType: resourceCloudService, resourceID: a.instanceID, resultType: resultHealth}
	t.effect = func(at time.Time) *refusal {
		t.result = a.healthAt(at)
		if shape == HealthNestedTask {
			t.result = t.nested(at)
		}
		return nil
	}
	begun, err := a.begin(call, v, t)
	if err != nil || shape != HealthNestedTask {
		return begun, err
	}
	return simkit.JSON(http.StatusAccepted, v.version.contentType(), begun), nil
}

func healthShapeOf(version apiVersion) HealthShape {
	switch {
	case version.compare(apiVersion{4, 1}) < 0:
		return HealthObject
	case version.compare(apiVersion{4, 5}) < 0:
		return HealthTask
	default:
		return HealthNestedTask
	}
}

// nested is the task inside the result of a task, which nobody finds by its id.
func (t *task) nested(at time.Time) taskBody {
	inner := *t
	inner.id, inner.resourceType, inner.finished = freshID(), "CLOUD", true
	body := inner.body(at, true)
	body.LastUpdated = -1
	return body
}
