package cloudreplicatest_test

import (
	"io"
	"net/http"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/cloudreplica/cloudreplicatest"
)

// heap is how much memory is in use.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// A hundred thousand points take a few megabytes, also while a list of all of them is on its way.
func TestBigInventory(t *testing.T) { //nolint:paralleltest // it measures memory
	if testing.Short() {
		t.Skip("takes seconds: a hundred thousand points")
	}
	before := heap()
	server := cloudreplicatest.NewServer(t, cloudreplicatest.Inventory(100, 10, 100))
	g := guest{server: server, token: server.Token(), encoding: asXML}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/cloud/vmReplicaPoints?format=Entity", nil)
	require.NoError(t, err)
	request.Header.Set("X-RestSvcSessionId", g.token)
	response, err := (&http.Client{Transport: server.Transport()}).Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	buffer, peak, total := make([]byte, 1<<20), uint64(0), int64(0)
	for i := 0; ; i++ {
		n, err := io.ReadFull(response.Body, buffer)
		total += int64(n)
		if i%10 == 0 {
			peak = max(peak, heap())
		}
		if err != nil {
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
			break
		}
	}
	assert.Equal(t, response.ContentLength, total)
	assert.Greater(t, total, int64(50<<20))
	assert.Less(t, peak, before+(24<<20), "%d MB at most, %d MB sent", peak>>20, total>>20)

	seen := 0
	for page := 1; ; page++ {
		got, err := g.send(t.Context(), "GET", query("type", "CloudVmReplicaPoint", "format", "Entities", "sortDesc", "CreationTime", "pageSize", "1000")+"&page="+strconv.Itoa(page), "")
		require.NoError(t, err)
		var found queryShown
		decode(t, got, &found)
		seen += len(found.Entities.CloudVmReplicaPoints.CloudReplicas)
		if page >= found.PagingInfo.PagesCount {
			break
		}
	}
	assert.Equal(t, 100_000, seen)
}
