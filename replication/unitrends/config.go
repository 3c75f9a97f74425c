package unitrends

import (
	"context"

	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// Config are the settings of replication.
type Config struct{ at place }

// Get returns the settings, one for each system that the user may see, or those of the one that a view names. It
// is safe to repeat.
//
// Source: Unitrends API wiki, "(GET) /replication/config".
func (c *Config) Get(ctx context.Context) ([]ReplicationConfig, error) {
	var answer struct{ Config rows[ReplicationConfig] }
	err := c.at.do(ctx, transport.Call{Operation: &contract.ConfigGet, Check: answer.Config.in("config")}, &answer)
	return answer.Config.all, err
}

// Update changes the settings that update names. It is safe to repeat.
//
// Source: Unitrends API wiki, "(PUT) /replication/config".
func (c *Config) Update(ctx context.Context, update ConfigUpdate) (Result, error) {
	return c.at.apply(ctx, transport.Call{Operation: &contract.ConfigUpdate, Body: update})
}
