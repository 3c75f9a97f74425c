package unitrends

import (
	"context"

	"github.com/drkit-go/drkit/internal/transport"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// Assets are what is protected.
type Assets struct{ at place }

// List returns all assets, with those below them in Children. It is safe to repeat.
//
// Source: the code of clients.
func (a *Assets) List(ctx context.Context) ([]Asset, error) {
	var answer struct{ Data rows[Asset] }
	err := a.at.do(ctx, transport.Call{Operation: &contract.AssetsList, Check: answer.Data.in("data")}, &answer)
	return answer.Data.all, err
}

// Storage is what backups and copies are kept on.
type Storage struct{ at place }

// List returns all storage areas. It is safe to repeat.
//
// Source: the code of clients.
func (s *Storage) List(ctx context.Context) ([]StorageArea, error) {
	var answer struct{ Storage rows[StorageArea] }
	err := s.at.do(ctx, transport.Call{Operation: &contract.StorageList, Check: answer.Storage.in("storage")}, &answer)
	return answer.Storage.all, err
}

// Catalog has the backups and copies that there are.
type Catalog struct{ at place }

// List returns what there are backups of, with the backups. How far back an empty query reaches is the appliance's
// choice. It is safe to repeat.
//
// Source: the code of clients; Unitrends API wiki, "Conventions", for the days.
func (c *Catalog) List(ctx context.Context, query CatalogQuery) ([]CatalogInstance, error) {
	var answer struct {
		Catalog struct{ Instances rows[CatalogInstance] }
	}
	call := transport.Call{Operation: &contract.CatalogList, Query: query, Check: answer.Catalog.Instances.in("instances")}
	err := c.at.do(ctx, call, &answer)
	return answer.Catalog.Instances.all, err
}
