package vcav

import (
	"context"

	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/vcav/internal/contract"
)

// Diagnostics tells what an appliance is.
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
