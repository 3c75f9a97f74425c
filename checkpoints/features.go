package checkpoints

import (
	"context"
	"encoding/json"
	"errors"
	"iter"

	"github.com/drkit-go/drkit/checkpoints/internal/contract"
	"github.com/drkit-go/drkit/internal/transport"
)

// Features are what the service can do in this region. In beta. Huawei Cloud only.
type Features struct{ resource }

// List returns the features by their keys, with values of any kind as the service wrote them. It is safe to repeat.
//
// Source: Huawei Cloud CBR API reference.
func (f *Features) List(ctx context.Context, query FeatureQuery) (map[string]json.RawMessage, error) {
	var features map[string]json.RawMessage
	err := f.do(ctx, transport.Call{Operation: &contract.FeaturesList, Query: query}, &features)
	return features, err
}

// Get returns the value of a feature as the service wrote it, as in Get(ctx, "replication.enable"). It is safe to
// repeat.
//
// Errors: a [*drkit.Error] without a code for a key that is not known, which the service answers with status 400.
//
// Source: Huawei Cloud CBR API reference.
func (f *Features) Get(ctx context.Context, key string) (json.RawMessage, error) {
	var features map[string]json.RawMessage
	err := f.do(ctx, transport.Call{
		Operation: &contract.FeaturesGet, Path: []string{key}, Check: func() error {
			if _, there := features[key]; !there {
				return errors.New("an answer without the feature")
			}
			return nil
		},
	}, &features)
	return features[key], err
}

// StorageUsage says what backups take. Huawei Cloud only.
type StorageUsage struct{ resource }

// List walks the resources that match query, with what their backups take. query.Limit is the rows a page; the walk
// goes on to the last page. It is safe to repeat.
//
// Errors: [drkit.ErrListMoved] if resources keep coming or going while the list is read.
//
// Source: the code of a client.
func (s *StorageUsage) List(ctx context.Context, query StorageUsageQuery) iter.Seq2[ResourceUsage, error] {
	return rows(ctx, s.resource, transport.List[ResourceUsage]{
		Name: "checkpoints.StorageUsage.List", Offset: query.Offset, Limit: query.Limit,
		ID: func(row *ResourceUsage) string { return row.ResourceID },
		Fetch: func(ctx context.Context, offset, limit int) (transport.Page[ResourceUsage], error) {
			query := query
			query.Offset, query.Limit = offset, limit
			var page struct {
				Count *int            `json:"resource_count"`
				Usage []ResourceUsage `json:"storage_usage"`
			}
			err := s.do(ctx, transport.Call{
				Operation: &contract.StorageUsageList, Query: query, Check: lists("storage_usage", &page.Usage, &page.Count),
			}, &page)
			return pageOf(page.Usage, page.Count), err
		},
	})
}
