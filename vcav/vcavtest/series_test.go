package vcavtest_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type series struct {
	Label    string `json:"label"`
	Interval string `json:"interval"`
	Start    int64  `json:"start"`
	End      int64  `json:"end"`
	Samples  []struct {
		Timestamp int64       `json:"timestamp"`
		Bytes     json.Number `json:"bytes"`
	} `json:"samples"`
}

func (g guest) series(t testing.TB, path string) series {
	t.Helper()
	return read[series](t, g.ask(t, http.StatusOK, "GET", path, ""))
}

// The guide's own question, and windows of every interval.
func TestSeries(t *testing.T) {
	t.Parallel()
	const noon = 1906545600000 // when the test begins: 2030-06-01 12:00
	const hour, day = int64(3_600_000), int64(86_400_000)
	for query, want := range map[string]struct {
		interval          string
		start, end        int64
		samples           int
		first, difference int64
	}{
		"?interval=HOUR&start=1563451200000&end=1563458400000": {"HOUR", 1563451200000, 1563458400000, 3, 1563451200000, hour},
		"":                                       {"HOUR", noon - day, noon, 25, noon - day, hour},
		"?interval=FIVE_MINUTES":                 {"FIVE_MINUTES", noon - day, noon, 289, noon - day, hour / 12},
		"?interval=DAY":                          {"DAY", noon - day, noon, 1, noon - day/2, day},
		"?start=1563451200001&end=1563458400000": {"HOUR", 1563451200001, 1563458400000, 2, 1563454800000, hour},
		fmt.Sprintf("?interval=DAY&start=%d", noon-10*day):                    {"DAY", noon - 10*day, noon, 10, noon - 19*day/2, day},
		fmt.Sprintf("?start=%d&end=%d", noon-hour+1, noon-1):                  {"HOUR", noon - hour + 1, noon - 1, 0, 0, 0},
		fmt.Sprintf("?interval=FIVE_MINUTES&start=%d&end=%d", noon, noon+day): {"FIVE_MINUTES", noon, noon + day, 1, noon, 0}, // nobody knows the future
	} {
		for _, kind := range []string{"/traffic", "/disk-usage"} {
			g, _ := open(t)
			got := g.series(t, "/vm-replications/"+db1+kind+query)
			assert.Equal(t, db1, got.Label)
			assert.Equal(t, want.interval, got.Interval)
			assert.Equal(t, want.start, got.Start)
			assert.Equal(t, want.end, got.End)
			require.Len(t, got.Samples, want.samples, query)
			for i, sample := range got.Samples {
				require.Equal(t, want.first+int64(i)*want.difference, sample.Timestamp)
				require.Contains(t, sample.Bytes.String(), ".")
				bytes, err := sample.Bytes.Float64()
				require.NoError(t, err)
				require.Positive(t, bytes)
			}
		}
	}
}

// The same question has the same answer, and the traffic of an hour is that of its twelve parts.
func TestSeriesAddUp(t *testing.T) {
	t.Parallel()
	g, clock := open(t)
	end := clock.Now().UnixMilli()
	window := fmt.Sprintf("start=%d&end=%d", end-7_200_000+300_000, end)
	hours := g.series(t, "/vm-replications/"+db1+"/traffic?"+window)
	parts := g.series(t, "/vm-replications/"+db1+"/traffic?interval=FIVE_MINUTES&"+window)
	require.Len(t, hours.Samples, 2)
	require.Len(t, parts.Samples, 24)
	sum := func(s series) (sum float64) {
		for _, sample := range s.Samples {
			bytes, err := sample.Bytes.Float64()
			require.NoError(t, err)
			sum += bytes
		}
		return sum
	}
	assert.InDelta(t, sum(parts), sum(hours), 0.5)
	clock.Advance(time.Minute)
	assert.Equal(t, hours, g.series(t, "/vm-replications/"+db1+"/traffic?"+window))
	assert.NotEqual(t, hours.Samples, g.series(t, "/vm-replications/"+app1+"/traffic?"+window).Samples)
	level := g.series(t, "/vm-replications/"+db1+"/disk-usage?"+window)
	assert.Contains(t, level.Samples[0].Bytes.String(), "E", "as Java writes what is large")
	assert.NotContains(t, hours.Samples[0].Bytes.String(), "E")
}

func TestSeriesRefusals(t *testing.T) {
	t.Parallel()
	g, clock := open(t, workshop()...)
	g.finish(t, clock, "POST", "/vm-replications", startOf("db-2", "site1", "site2"))
	path := "/vm-replications/" + g.shields(t, "").Items[0].ID
	for query, code := range map[string]string{
		"?interval=MINUTE": "BadRequest", "?start=yesterday": "BadRequest", "?end=-5": "BadRequest", "?end=9999999999999999": "BadRequest",
		"?start=2000&end=1000": "BadUserInput",
	} {
		g.refused(t, http.StatusBadRequest, code, "GET", path+"/traffic"+query, "")
		g.refused(t, http.StatusBadRequest, code, "GET", path+"/disk-usage"+query, "")
	}
	g.refused(t, http.StatusNotFound, "ReplicationNotFound", "GET", "/vm-replications/none/traffic", "")
	g.refused(t, http.StatusBadRequest, "ContractViolation", "GET", path+"/traffic?site=site2", "")
	assert.Len(t, g.server.AcknowledgeViolations(), 1)
	// What was started a moment ago has no history.
	assert.Empty(t, g.series(t, path+"/traffic").Samples)
	clock.Advance(25 * time.Minute)
	assert.Len(t, g.series(t, path+"/traffic?interval=FIVE_MINUTES").Samples, 5)

	old, _ := open(t)
	old.refused(t, http.StatusBadRequest, "BadUserInput", "GET", "/vm-replications/"+db1+"/traffic?interval=FIVE_MINUTES&start=0", "")
}
