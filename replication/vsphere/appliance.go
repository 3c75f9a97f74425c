package vsphere

import (
	"context"

	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// Appliance is what answers.
type Appliance struct{ at place }

// Info returns the management server of this site: what it is, and how it is. It is safe to repeat.
//
// Source: vSphere Replication REST API reference, "Management server info".
func (a *Appliance) Info(ctx context.Context) (VRMSInfo, error) {
	var info VRMSInfo
	err := a.at.do(ctx, transport.Call{Operation: &contract.ApplianceInfo}, &info)
	return info, err
}

// owner asks the appliance who it is and who is signed in.
func (c *Client) owner(ctx context.Context) (transport.Owner, error) {
	info, err := c.Appliance.Info(ctx)
	if err != nil {
		return transport.Owner{}, err
	}
	if err := needs("management server", "id", info.ID); err != nil {
		return transport.Owner{}, err
	}
	session, err := c.Sessions.Get(ctx)
	return transport.Owner{Appliance: info.ID, User: session.Username}, err
}
