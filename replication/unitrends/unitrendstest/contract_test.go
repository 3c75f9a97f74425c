package unitrendstest

import (
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

func testAppliance(t *testing.T) *appliance {
	t.Helper()
	shared := newShared()
	c, err := newConfig(shared, alone, nil)
	require.NoError(t, err)
	a, err := newWorld(shared).add(c)
	require.NoError(t, err)
	require.NoError(t, a.introduce())
	return a
}

func TestSimulatorKnowsEveryOperation(t *testing.T) {
	t.Parallel()
	handlers := testAppliance(t).handlers()
	for _, operation := range contract.Table.Operations {
		assert.NotNil(t, handlers[operation.Name], operation.Name)
	}
	assert.Len(t, handlers, len(contract.Table.Operations))
}

// A parameter that the contract allows and the simulator does not know would be ignored in silence.
func TestSimulatorKnowsEveryParameter(t *testing.T) {
	t.Parallel()
	samples := map[string]string{
		"sid": "1", "include_pending": "1", "include_rejected": "0", "showFlat": "true",
		"start_date": "12/31/2029", "end_date": "01/31/2030",
	}
	for _, operation := range contract.Table.Operations {
		for _, name := range operation.Query {
			assert.Empty(t, checkQuery(operation, url.Values{name: {samples[name]}}), "%s: %s", operation.Name, name)
			assert.NotEmpty(t, checkQuery(operation, url.Values{name: {"?"}}), "%s: %s", operation.Name, name)
		}
	}
}

func TestRender(t *testing.T) {
	t.Parallel()
	given := object{"n": 1, "big": int64(2), "yes": true, "text": "x", "one": list{object{"n": 3}}, "two": list{1, 2}, "none": list{}}
	for name, tc := range map[string]struct {
		shape shape
		want  map[string]any
	}{
		"as it is": {shape{}, map[string]any{
			"n": 1, "big": int64(2), "yes": true, "text": "x", "one": []any{map[string]any{"n": 3}}, "two": []any{1, 2}, "none": []any{},
		}},
		"text": {shape{text: true}, map[string]any{
			"n": "1", "big": "2", "yes": "true", "text": "x", "one": []any{map[string]any{"n": "3"}}, "two": []any{"1", "2"}, "none": []any{},
		}},
		"single": {shape{single: true}, map[string]any{
			"n": 1, "big": int64(2), "yes": true, "text": "x", "one": map[string]any{"n": 3}, "two": []any{1, 2}, "none": []any{},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, tc.want, tc.shape.render(given))
		})
	}
}
