package vcav

import (
	"context"
	"errors"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// Diagnostics tells what an appliance is, and how it is.
type Diagnostics struct{ at place }

// About returns product, version and identity of the appliance. It is safe to repeat.
//
// Roles: EVERYONE.
// Source: Cloud Director Availability API guide, "Get product information".
func (d *Diagnostics) About(ctx context.Context) (About, error) {
	var about About
	err := d.at.do(ctx, transport.Call{Operation: &contract.DiagnosticsAbout}, &about)
	return about, err
}

// Health makes the appliance check what it depends on, and returns once the check has begun; the result has
// an error for each part that cannot be reached. A part that is broken does not fail the task. Appliances
// before version 4.1 answer with the health itself: the poller has then ended already. It is safe to repeat.
//
// Roles: ADMINISTRATORS, VRADMINISTRATORS.
// Source: Cloud Director Availability API guide, "Get Health Information".
func (d *Diagnostics) Health(ctx context.Context) (*drkit.Poller[CloudHealth], error) {
	return startAs[CloudHealth](ctx, d.at, transport.Call{Operation: &contract.DiagnosticsHealth}, &healthTask{})
}

// IsConfigured reports whether the first configuration of the appliance is done. It is safe to repeat.
//
// Source: Cloud Director Availability API guide, "Operation IDs"; the guide shows the request, and other
// clients the answer.
func (d *Diagnostics) IsConfigured(ctx context.Context) (bool, error) {
	var answer struct{ IsConfigured *bool }
	call := transport.Call{Operation: &contract.DiagnosticsIsConfigured, Check: func() error {
		if answer.IsConfigured == nil {
			return errors.New("a state without isConfigured")
		}
		return nil
	}}
	if err := d.at.do(ctx, call, &answer); err != nil {
		return false, err
	}
	return *answer.IsConfigured, nil
}
