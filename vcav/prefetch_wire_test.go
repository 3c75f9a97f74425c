package vcav_test

import (
	"context"
	"iter"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
)

// pageTime is what a page takes at the service, and a page's rows take a caller in these tests.
const pageTime = 20 * time.Millisecond

// slowList is a list whose pages take their time.
type slowList struct {
	*service
	lister
	began time.Time

	asked    atomic.Int64 // pages
	inFlight atomic.Int64
	most     atomic.Int64 // in flight at a time
	ended    atomic.Int64 // by their caller
}

// forEachSlowList runs a test on each operation that lists, with rows at the service, inside of synctest.
func forEachSlowList(t *testing.T, rows int, test func(t *testing.T, list *slowList)) {
	t.Helper()
	t.Parallel()
	for name, l := range listers {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				list := &slowList{service: newService(t), lister: l, began: time.Now()}
				list.serve(shelfOf(rows).answer)
				test(t, list)
			})
		})
	}
}

// serve lays out what the list answers after its time.
func (l *slowList) serve(answers ...httpmock.Responder) {
	slow := make([]httpmock.Responder, len(answers))
	for i, answer := range answers {
		slow[i] = func(r *http.Request) (*http.Response, error) {
			l.asked.Add(1)
			l.most.Store(max(l.most.Load(), l.inFlight.Add(1)))
			defer l.inFlight.Add(-1)
			select {
			case <-time.After(pageTime):
				return answer(r)
			case <-r.Context().Done():
				l.ended.Add(1)
				return nil, r.Context().Err()
			}
		}
	}
	l.on("GET", l.path, slow...)
}

func (l *slowList) rows(ctx context.Context, client *vcav.Client, limit int) iter.Seq2[string, error] {
	return l.list(ctx, here(client), 0, limit)
}

// elapsed is how long ago the test began, in times of a page.
func (l *slowList) elapsed() float64 { return float64(time.Since(l.began)) / float64(pageTime) }

// The next page is on its way while the caller works on this one, in the order of the list.
func TestNextPageComesMeanwhile(t *testing.T) {
	const pages = 10
	for name, tc := range map[string]struct {
		options []drkit.Option
		want    float64
	}{
		"ahead":     {nil, pages + 1},
		"on demand": {[]drkit.Option{drkit.WithoutPrefetch()}, 2 * pages},
	} {
		t.Run(name, func(t *testing.T) {
			forEachSlowList(t, 10*pages+1, func(t *testing.T, list *slowList) {
				var got []string
				for row, err := range list.rows(wire(t), list.client(tc.options...), 11) {
					require.NoError(t, err)
					if got = append(got, row); len(got)%10 == 0 {
						<-time.After(pageTime)
					}
				}
				assert.Equal(t, shelfOf(10*pages+1).ids, got)
				assert.InDelta(t, tc.want, list.elapsed(), 0)
				assert.EqualValues(t, pages, list.asked.Load())
				assert.EqualValues(t, 1, list.most.Load(), "one page at a time")
				for i, request := range list.lines() {
					want := "GET " + list.path + "?limit=11"
					if i > 0 {
						want += "&offset=" + strconv.Itoa(10*i)
					}
					assert.Equal(t, want, request)
				}
			})
		})
	}
}

// The second row is where the caller is taken to want more: from there on one page is fetched, no matter
// how long it takes to work off this one.
func TestOnePageAhead(t *testing.T) {
	forEachSlowList(t, 50, func(t *testing.T, list *slowList) {
		next, stop := iter.Pull2(list.rows(wire(t), list.client(), 10))
		defer stop()
		assert.Empty(t, list.lines(), "nothing is sent before the first row is asked for")
		for read, asked := range []int64{1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 3} {
			row, err, ok := next()
			require.True(t, ok)
			require.NoError(t, err)
			assert.Equal(t, "row-"+strconv.Itoa(read), row)
			<-time.After(time.Hour)
			assert.Equal(t, asked, list.asked.Load(), "after row %d", read)
		}
	})
}

func TestWithoutPrefetchPagesComeOnDemand(t *testing.T) {
	forEachSlowList(t, 50, func(t *testing.T, list *slowList) {
		next, stop := iter.Pull2(list.rows(wire(t), list.client(drkit.WithoutPrefetch()), 10))
		defer stop()
		for read, asked := range []int64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2} {
			_, err, ok := next()
			require.True(t, ok)
			require.NoError(t, err)
			<-time.After(time.Hour)
			assert.Equal(t, asked, list.asked.Load(), "after row %d", read)
		}
	})
}

// Breaking out ends what is on its way, without waiting for it; synctest fails the test if a goroutine is
// left behind.
func TestBreakingOutOfAList(t *testing.T) {
	for name, tc := range map[string]struct {
		rows  int     // read before the break
		pages float64 // that they were in
		asked int64   // pages
		ended int64   // of them
	}{
		"after the first row, nothing was begun":        {1, 1, 1, 0},
		"after the second, the next page is on its way": {2, 1, 2, 1},
		"at the end of the page":                        {10, 1, 2, 1},
		"after the first row of the second page":        {11, 2, 2, 0},
		"after the second row of the second page":       {12, 2, 3, 1},
		"within the last page":                          {30, 4, 4, 0},
		"after the last row but one":                    {36, 4, 4, 0},
		"after the last row":                            {37, 4, 4, 0},
	} {
		t.Run(name, func(t *testing.T) {
			forEachSlowList(t, 37, func(t *testing.T, list *slowList) {
				read := 0
				for _, err := range list.rows(wire(t), list.client(), 10) {
					require.NoError(t, err)
					if read++; read == tc.rows {
						synctest.Wait() // until the request is out, if there is one
						break
					}
				}
				assert.InDelta(t, tc.pages, list.elapsed(), 0, "it has waited for no page that it did not read")
				synctest.Wait()
				assert.Zero(t, list.inFlight.Load())
				assert.Equal(t, tc.ended, list.ended.Load())
				<-time.After(time.Hour)
				assert.Equal(t, tc.asked, list.asked.Load(), "nothing comes later")
			})
		})
	}
}

// So does a caller that panics, and one that stops pulling.
func TestLeavingAListInOtherWays(t *testing.T) {
	for name, leave := range map[string]func(t *testing.T, rows iter.Seq2[string, error]){
		"panic": func(t *testing.T, rows iter.Seq2[string, error]) {
			read := 0
			assert.PanicsWithValue(t, "enough", func() {
				for _, err := range rows {
					require.NoError(t, err)
					if read++; read == 2 {
						panic("enough")
					}
				}
			})
		},
		"stop": func(t *testing.T, rows iter.Seq2[string, error]) {
			next, stop := iter.Pull2(rows)
			for range 2 {
				_, err, ok := next()
				require.True(t, ok)
				require.NoError(t, err)
			}
			stop()
		},
		"first": func(t *testing.T, rows iter.Seq2[string, error]) {
			row, err := drkit.First(rows, func(id string) bool { return id == "row-1" })
			require.NoError(t, err)
			assert.Equal(t, "row-1", row)
		},
	} {
		t.Run(name, func(t *testing.T) {
			forEachSlowList(t, 50, func(t *testing.T, list *slowList) {
				leave(t, list.rows(wire(t), list.client(), 10))
				assert.InDelta(t, 1, list.elapsed(), 0)
				synctest.Wait()
				assert.Zero(t, list.inFlight.Load())
				assert.LessOrEqual(t, list.asked.Load(), int64(2))
			})
		})
	}
}

// A page that fails on its way is an error in its place, after all rows that came before it.
func TestPageThatFailsMeanwhile(t *testing.T) {
	forEachSlowList(t, 50, func(t *testing.T, list *slowList) {
		good := shelfOf(50).answer
		list.serve(good, answer(t, 403, "error_forbidden"), good)
		client := list.client()
		rows, err := drkit.Collect(list.rows(wire(t), client, 10))
		require.ErrorIs(t, err, drkit.ErrForbidden)
		assert.Equal(t, shelfOf(10).ids, rows)
		assert.EqualValues(t, 2, list.asked.Load())
		rows, err = drkit.Collect(list.rows(wire(t), client, 10))
		require.NoError(t, err, "another walk is another")
		assert.Len(t, rows, 50)
	})
}

// The end of the context ends the page on its way; what was there already is passed on.
func TestContextThatEndsMeanwhile(t *testing.T) {
	forEachSlowList(t, 50, func(t *testing.T, list *slowList) {
		ctx, cancel := context.WithCancel(wire(t))
		defer cancel()
		read := 0
		var failed error
		for _, err := range list.rows(ctx, list.client(), 10) {
			if failed = err; err == nil {
				read++
			}
			if read == 3 {
				<-time.After(pageTime / 2)
				cancel()
			}
		}
		require.ErrorIs(t, failed, context.Canceled)
		assert.Equal(t, 10, read)
		assert.InDelta(t, 1.5, list.elapsed(), 0)
		synctest.Wait() // httpmock returns before its responder does
		assert.EqualValues(t, 1, list.ended.Load())
	})
}

func TestCloseEndsAWalk(t *testing.T) {
	forEachSlowList(t, 50, func(t *testing.T, list *slowList) {
		client, read := list.client(), 0
		var failed error
		for _, err := range list.rows(wire(t), client, 10) {
			if failed = err; err == nil {
				read++
			}
			if read == 2 {
				synctest.Wait()
				require.NoError(t, client.Close(wire(t)))
			}
		}
		require.ErrorIs(t, failed, drkit.ErrClosed)
		require.NotErrorIs(t, failed, context.Canceled, "the caller's context has not ended")
		assert.Equal(t, 10, read)
	})
}

// What a page meets on its way is met like anywhere else: a gateway that is down, and a session that ends.
func TestTroubleOfAPageAhead(t *testing.T) {
	for name, trouble := range map[string]httpmock.Responder{
		"gateway":         page(502),
		"broken off":      brokenOff(200, `{"items":[{"id":`),
		"expired session": answer(t, 401, "error_not_authenticated"),
	} {
		t.Run(name, func(t *testing.T) {
			forEachSlowList(t, 50, func(t *testing.T, list *slowList) {
				good := shelfOf(50).answer
				list.signsIn("Zmlyc3Q=", "c2Vjb25k")
				list.serve(good, trouble, good)
				client := list.clientOf(vcav.LocalUser("root", drkit.NewSecret("correct horse")),
					drkit.WithRetry(drkit.RetryPolicy{MinWait: time.Millisecond, MaxWait: time.Millisecond}))
				var got []string
				ctx := drkit.WithOperationID(wire(t), "walk-1")
				for row, err := range list.rows(ctx, client, 10) {
					require.NoError(t, err)
					if got = append(got, row); len(got) == 5 {
						<-time.After(time.Hour) // all of it happens here
						asked := list.asked.Load()
						assert.EqualValues(t, 3, asked)
					}
				}
				assert.Equal(t, shelfOf(50).ids, got)
				for _, request := range list.all() {
					if request.line != signInLine {
						assert.Equal(t, "walk-1", request.header.Get("operationID"))
					}
				}
				require.NoError(t, client.Close(wire(t)))
			})
		})
	}
}

// A list that moves between a page and the next, which was fetched meanwhile, is noticed all the same.
func TestListThatMovesMeanwhile(t *testing.T) {
	forEachSlowList(t, 25, func(t *testing.T, list *slowList) {
		moving := shelfOf(25)
		moving.before = func(page int, s *shelf) {
			switch page {
			case 2: // a row that was read goes
				s.ids = s.ids[1:]
			case 5: // one comes at the head
				s.ids = append([]string{"new"}, s.ids...)
			}
		}
		list.serve(moving.answer)
		got, err := drkit.Collect(list.rows(wire(t), list.client(), 10))
		require.NoError(t, err)
		assert.ElementsMatch(t, append(shelfOf(25).ids, "new"), got)
	})
}

// Walks of one list at the same time have nothing to do with each other.
func TestWalksAtTheSameTime(t *testing.T) {
	forEachSlowList(t, 95, func(t *testing.T, list *slowList) {
		rows, ended := list.rows(wire(t), list.client(), 10), make(chan []string)
		for range 5 {
			go func() {
				got, err := drkit.Collect(rows)
				assert.NoError(t, err)
				ended <- got
			}()
		}
		for range 5 {
			assert.Equal(t, shelfOf(95).ids, <-ended)
		}
	})
}
