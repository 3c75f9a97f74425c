package vspheretest

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Kinds of tasks on replication mappings.
var (
	kindMap      = kind{"vspheretest.createMappings", "Create replication mappings"}
	kindMeasured = kind{"vspheretest.testMappings", "Test replication mappings"}
)

// mapping joins hosts or clusters of the two sites.
type mapping struct {
	endpoints
	tested     time.Time // zero: never
	throughput bool      // whether that was measured, too
}

// endpoints names the two ends of a mapping, as requests do.
type endpoints struct {
	Source string `json:"source_object_id"`
	Target string `json:"target_object_id"`
}

// ends finds both ends, which can be had only with the remote site.
func (v *visit) ends(p endpoints) (source, target place, err error) {
	source, known := v.site.itemWithID(p.Source)
	target, alsoKnown := v.pairing.remote.itemWithID(p.Target)
	if !known || !alsoKnown || !source.runsMachines() || !target.runsMachines() {
		return source, target, badRequest("'%s' and '%s' are no hosts or clusters of the two sites.", p.Source, p.Target)
	}
	return source, target, nil
}

func (w *world) listMappings(call *simkit.Call, v *visit) (any, error) {
	s, err := v.atServer(call)
	if err != nil {
		return nil, err
	}
	var items []item
	for _, m := range s.mappings {
		items = append(items, item{row: m.row(w)})
	}
	return v.list(call, items)
}

func (m *mapping) row(w *world) object {
	row := object{"source_object_id": m.Source, "target_object_id": m.Target, "connection_status": "NA"}
	for _, s := range w.sites() {
		if p, known := s.itemWithID(m.Source); known {
			row["source_object_name"] = p.name
		}
		if p, known := s.itemWithID(m.Target); known {
			row["target_object_name"] = p.name
		}
	}
	if m.tested.IsZero() {
		return row
	}
	row["test_completion_time"], row["connection_status"] = m.tested.UnixMilli(), "OK"
	row["max_latency"], row["latency_units"] = 12, "ms"
	if m.throughput {
		row["min_throughput"], row["throughput_units"] = 940, "Mbps"
	}
	return row
}

func (w *world) createMappings(call *simkit.Call, v *visit) (any, error) {
	s, err := v.atServer(call)
	if err != nil {
		return nil, err
	}
	var pairs []endpoints
	if err := json.Unmarshal(call.Body, &pairs); err != nil || len(pairs) == 0 {
		return nil, badRequest("There are no mappings to create.")
	}
	for _, p := range pairs {
		if _, _, err := v.ends(p); err != nil {
			return nil, err
		}
	}
	return w.begin(call, v, &task{kind: kindMap, entity: s.vrms, entityName: s.host(), effect: func(time.Time) *failure {
		for _, p := range pairs {
			if s.mapping(p) != nil {
				return fail("There is a mapping of '%s' to '%s' already.", p.Source, p.Target)
			}
		}
		for _, p := range pairs {
			s.mappings = append(s.mappings, &mapping{endpoints: p})
		}
		return nil
	}}).answer(v), nil
}

func (s *site) mapping(p endpoints) *mapping {
	for _, m := range s.mappings {
		if m.endpoints == p {
			return m
		}
	}
	return nil
}

// calculateMappings joins the clusters behind the datastores.
func (w *world) calculateMappings(call *simkit.Call, v *visit) (any, error) {
	if _, err := v.atServer(call); err != nil {
		return nil, err
	}
	var body struct {
		Sources []string `json:"source_datastore_ids"`
		Targets []string `json:"target_datastore_ids"`
	}
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return nil, badRequest("The datastores do not decode: %s", err)
	}
	for _, id := range body.Sources {
		if v.site.datastore(id) == nil {
			return nil, badRequest("There is no datastore '%s'.", id)
		}
	}
	for _, id := range body.Targets {
		if v.pairing.remote.datastore(id) == nil {
			return nil, badRequest("There is no datastore '%s'.", id)
		}
	}
	if len(body.Sources) == 0 || len(body.Targets) == 0 {
		return list{}, nil
	}
	source, target := v.site.item(clusterName), v.pairing.remote.item(clusterName)
	return list{{row: object{
		"source_object_id": source.id, "source_object_name": source.name, "source_host_count": 1,
		"target_object_id": target.id, "target_object_name": target.name, "target_host_count": 1,
	}}}, nil
}

func (w *world) testMappings(call *simkit.Call, v *visit) (any, error) {
	s, err := v.atServer(call)
	if err != nil {
		return nil, err
	}
	var body struct {
		Pairs      []endpoints `json:"replication_mappings_specs"`
		Throughput bool        `json:"run_throughput_test"`
	}
	if err := json.Unmarshal(call.Body, &body); err != nil {
		return nil, badRequest("The test does not decode: %s", err)
	}
	for _, p := range body.Pairs {
		if s.mapping(p) == nil {
			return nil, badRequest("There is no mapping of '%s' to '%s'.", p.Source, p.Target)
		}
	}
	return w.begin(call, v, &task{kind: kindMeasured, entity: s.vrms, entityName: s.host(), effect: func(at time.Time) *failure {
		for _, m := range s.mappings {
			if len(body.Pairs) == 0 || slices.Contains(body.Pairs, m.endpoints) {
				m.tested, m.throughput = at, body.Throughput
			}
		}
		return nil
	}}).answer(v), nil
}
