package vcav

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// FailoverRequest says how a machine is recovered: [CloudFailover] into a Cloud Director site, or
// [VCenterFailover] into an on-premises site.
type FailoverRequest interface {
	checker
	failover()
}

// FailoverTestRequest says how a test copy is recovered: [CloudFailoverTest] into a Cloud Director
// site, or [VCenterFailoverTest] into an on-premises site.
type FailoverTestRequest interface {
	checker
	failoverTest()
}

// checker is a request that can tell what is wrong with it before it is sent.
type checker interface{ check() error }

func (CloudFailover) failover()           {}
func (VCenterFailover) failover()         {}
func (CloudFailoverTest) failoverTest()   {}
func (VCenterFailoverTest) failoverTest() {}

func (f CloudFailover) check() error     { return checkInstance(f.InstanceID, false) }
func (f VCenterFailover) check() error   { return checkInstance(f.InstanceID, false) }
func (f CloudFailoverTest) check() error { return checkInstance(f.InstanceID, f.Sync) }
func (f VCenterFailoverTest) check() error {
	return checkInstance(f.InstanceID, f.Sync)
}

func checkInstance(instance drkit.Opt[string], sync bool) error {
	id, set := instance.Get()
	switch {
	case set && id == "":
		return errors.New("InstanceID is empty: leave it out for the latest instance")
	case set && sync:
		return errors.New("sync and InstanceID exclude each other: a sync makes a newer instance")
	}
	return nil
}

// MarshalJSON writes the request with its type.
func (f CloudFailover) MarshalJSON() ([]byte, error) {
	type members CloudFailover
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcloud", members(f)})
}

// MarshalJSON writes the request with its type.
func (f VCenterFailover) MarshalJSON() ([]byte, error) {
	type members VCenterFailover
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcenter", members(f)})
}

// MarshalJSON writes the request with its type.
func (f CloudFailoverTest) MarshalJSON() ([]byte, error) {
	type members CloudFailoverTest
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcloud", members(f)})
}

// MarshalJSON writes the request with its type.
func (f VCenterFailoverTest) MarshalJSON() ([]byte, error) {
	type members VCenterFailoverTest
	return json.Marshal(struct {
		Type string `json:"type"`
		members
	}{"vcenter", members(f)})
}

// startWith refuses a request that cannot be right, and starts the others.
func startWith(ctx context.Context, at place, call transport.Call, request checker) (*drkit.Poller[VMReplication], error) {
	if isNil(request) {
		return nil, fmt.Errorf("vcav.%s: request is nil", call.Operation.Name)
	}
	if err := request.check(); err != nil {
		return nil, fmt.Errorf("vcav.%s: %w", call.Operation.Name, err)
	}
	return start[VMReplication](ctx, at, call)
}

// isNil reports whether an interface holds nothing, or a nil pointer.
func isNil(value any) bool {
	v := reflect.ValueOf(value)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}
