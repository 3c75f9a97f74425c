package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/vsphere"
	"github.com/drkit-go/drkit/replication/vsphere/vspheretest"
)

func TestRehearsal(t *testing.T) {
	inDrill(t, func(t *testing.T, d *drill) {
		require.NoError(t, d.run("-all"))
		d.assertNothingLeft()
		assert.Equal(t, []string{"Pause", "Test", "CleanUp", "Resume"}, d.begun("db-1"))
		assert.Equal(t, []string{"Test", "CleanUp"}, d.begun("files-1"), "it was paused before")
		assert.Contains(t, d.printed.String(), "vc.site1.test → vc.site2.test: app-1, db-1, files-1, lab-1, plan-1, 2 at once\n")
		assert.Contains(t, d.printed.String(), "\n3 passed, 2 skipped\n")
		assert.Regexp(t, `^lab-1 \S+ \S+ skipped 0s in test already, which is left alone$|^lab-1 – skipped 0s in test already, which is left alone$`, d.row("lab-1"))
		assert.Contains(t, d.row("plan-1"), "managed by Site Recovery")
		assert.Empty(t, d.row("back-1"), "this site does not recover it")
		points := d.pair.Replication(id("db-1")).Points
		assert.False(t, points[len(points)-1].Promoted)
		assert.Zero(t, d.pair.Recovery.Sessions())

		tasks := len(d.pair.Recovery.Tasks())
		require.NoError(t, d.run())
		assert.Len(t, d.pair.Recovery.Tasks(), tasks, "what has passed is left alone")
		assert.Regexp(t, `^db-1 .* passed 0s by an earlier run$`, d.row("db-1"))
	})
}

// What was tested is kept as a point in time, in this and in another rehearsal.
func TestPromotion(t *testing.T) {
	inDrill(t, func(t *testing.T, d *drill) {
		require.NoError(t, d.run("-vm", "db-1", "-vm", id("files-1"), "-vm", "db-1", "-promote", "-power-on"))
		d.assertNothingLeft()
		assert.Equal(t, []string{"Pause", "Test", "PromoteTestImage", "Resume"}, d.begun("db-1"))
		assert.Equal(t, []string{"Test", "PromoteTestImage"}, d.begun("files-1"))
		assert.Empty(t, d.begun("app-1"))
		points := d.pair.Replication(id("files-1")).Points
		assert.True(t, points[len(points)-1].Promoted)
	})
}

// What goes wrong in a rehearsal does not keep it from its end. The next run rehearses what has not passed anew.
func TestTasksThatFail(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		operation string
		times     int
		args      string
		begun     []string
		reason    string
		passes    bool
	}{
		"pause":             {pauses, 1, "", []string{"Pause"}, "not paused: vsphere.Replications.Pause: task on db-1 failed: Busy.", false},
		"test":              {tests, 1, "", []string{"Pause", "Test", "Resume"}, "vsphere.Replications.Test: task on db-1 failed: Busy.", false},
		"clean-up":          {cleanUps, 2, "", []string{"Pause", "Test", "CleanUp", "CleanUp", "CleanUp", "Resume"}, "", true},
		"promotion":         {promotes, 1, "-promote", []string{"Pause", "Test", "PromoteTestImage", "CleanUp", "Resume"}, "not kept: vsphere.Replications.PromoteTestImage: ", false},
		"resume":            {resumes, 2, "", []string{"Pause", "Test", "CleanUp", "Resume", "Resume", "Resume"}, "", true},
		"promotion, resume": {resumes, 1, "-promote", []string{"Pause", "Test", "PromoteTestImage", "Resume", "Resume"}, "", true},
	} {
		t.Run(name, func(t *testing.T) {
			inDrill(t, func(t *testing.T, d *drill) {
				for range tc.times {
					d.pair.FailTask(tc.operation, id("db-1"), "Busy.")
				}
				args := strings.Fields("-vm db-1 " + tc.args)
				err := d.run(args...)
				d.assertNothingLeft()
				assert.Equal(t, tc.begun, d.begun("db-1"))
				if tc.passes {
					require.NoError(t, err)
					return
				}
				require.ErrorContains(t, err, "db-1: "+tc.reason)
				assert.NotContains(t, err.Error(), "\n")
				assert.Contains(t, d.row("db-1"), "failed")
				assert.Contains(t, d.status(), "failed: "+tc.reason)
				require.NoError(t, d.run())
				d.assertNothingLeft()
				assert.Equal(t, passed, d.result("db-1"))
				assert.Contains(t, d.status(), "resume "+id("db-1")+" #2")
			})
		})
	}
}

// status is what -status shows of the journal.
func (d *drill) status() string {
	d.Helper()
	saved, err := d.journal.Steps(d.Context())
	require.NoError(d, err)
	text, err := statusOf(saved)
	require.NoError(d, err)
	return text
}

// What cannot be brought to its end is named, and ended by the next run.
func TestWhatIsLeftBehind(t *testing.T) {
	t.Parallel()
	for name, operation := range map[string]string{"bubble": cleanUps, "pause": resumes} {
		t.Run(name, func(t *testing.T) {
			inDrill(t, func(t *testing.T, d *drill) {
				for range attempts {
					d.pair.FailTask(operation, id("db-1"), "Locked.")
				}
				err := d.run("-vm", "db-1")
				var failure *drkit.TaskError
				require.ErrorAs(t, err, &failure)
				image := d.pair.Replication(id("db-1")).Image
				assert.Equal(t, operation == cleanUps, image != nil)
				assert.Equal(t, operation == resumes, d.pair.Replication(id("db-1")).Paused, "it is resumed whatever becomes of the bubble")
				assert.Regexp(t, `\nleft behind: db-1: perhaps image \S+, replication `+id("db-1")+`; the next run with this journal ends it\n`, d.printed.String())
				assert.Contains(t, err.Error(), "left behind")
				assert.Contains(t, d.status(), "under way: the next run goes on")

				require.NoError(t, d.run("-vm", "app-1"), "also where it is not named")
				d.assertNothingLeft()
				assert.Equal(t, passed, d.result("db-1"))
				assert.Contains(t, d.printed.String(), "db-1: goes on where an earlier run was cut off")
			})
		})
	}
}

func TestEndTimeout(t *testing.T) {
	inDrill(t, func(t *testing.T, d *drill) {
		d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
			if strings.HasSuffix(request.URL.Path, "/cleanup") {
				d.pair.Recovery.Restart(time.Hour)
			}
			return send(request)
		}
		began := time.Now()
		err := d.run("-vm", "db-1", "-end-timeout", "10m")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorContains(t, err, "left behind: ")
		assert.Less(t, time.Since(began), 12*time.Minute)
		d.around = nil
		<-time.After(time.Hour)
		require.NoError(t, d.run())
		d.assertNothingLeft()
		assert.Equal(t, passed, d.result("db-1"))
	})
}

// A test of somebody else is left alone, whenever it was begun.
func TestTestOfSomebodyElse(t *testing.T) {
	inDrill(t, func(t *testing.T, d *drill) {
		d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
			if strings.HasSuffix(request.URL.Path, "/actions/pause") {
				d.test("db-1")
			}
			return send(request)
		}
		require.ErrorContains(t, d.run("-vm", "db-1"), "has the active image")
		assert.NotNil(t, d.pair.Replication(id("db-1")).Image)
		assert.False(t, d.pair.Replication(id("db-1")).Paused)
		assert.Empty(t, d.pair.Audit().Of(cleanUps, "").Requests)
		assert.NotContains(t, d.printed.String(), "left behind")
	})
}

// An image that has come while the test failed may be of the test: it is left alone, and named until it is gone.
func TestFailedTestLeavesAnImage(t *testing.T) {
	inDrill(t, func(t *testing.T, d *drill) {
		d.pair.FailTask(tests, id("db-1"), "No power.")
		d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
			response, err := send(request)
			if strings.HasSuffix(request.URL.Path, "/actions/test") {
				d.test("db-1") // for an image that our own test has left
			}
			return response, err
		}
		for range 2 {
			err := d.run("-vm", "db-1")
			require.ErrorContains(t, err, "No power.")
			require.ErrorContains(t, err, "may be of it or of somebody else")
			assert.NotNil(t, d.pair.Replication(id("db-1")).Image)
			assert.False(t, d.pair.Replication(id("db-1")).Paused)
			assert.Contains(t, d.printed.String(), "unless it is somebody else's test, clean it up, and run this journal again")
			assert.Zero(t, d.pair.Audit().Of(cleanUps, "").Requests)
			d.around = nil
		}
		_, err := d.pair.Recovery.Operator("eve").Do(cleanUps, id("db-1"), "")
		require.NoError(t, err)
		<-time.After(20 * time.Second)
		require.NoError(t, d.run())
		d.assertNothingLeft()
		assert.Equal(t, passed, d.result("db-1"))
	})
}

// Of what the appliance tells by halves nothing is concluded: half an image is not one of somebody else.
func TestHalfAnImage(t *testing.T) {
	inDrill(t, func(t *testing.T, d *drill) {
		halves := 0
		d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
			response, err := send(request)
			if err == nil && strings.HasSuffix(request.URL.Path, "/active-image") && response.StatusCode == http.StatusOK && halves < 4 {
				halves++
				_ = response.Body.Close()
				response.Body = io.NopCloser(strings.NewReader(`{"_meta":{"errors":[{"code":"BUSY","message":"Ask later.","field":"$.id"}]}}`))
				response.ContentLength = -1
			}
			return response, err
		}
		err := d.run("-vm", "db-1")
		assert.Equal(t, 4, halves)
		if err != nil {
			require.ErrorIs(t, err, vsphere.ErrPartial)
			require.NoError(t, d.run())
		}
		d.assertNothingLeft()
		assert.Equal(t, passed, d.result("db-1"))
	})
}

// A row that does not say which site recovers its machine is not left out.
func TestHalfARow(t *testing.T) {
	inDrill(t, func(t *testing.T, d *drill) {
		d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
			response, err := send(request)
			if err == nil && strings.HasSuffix(request.URL.Path, "/replications") {
				_ = response.Body.Close()
				response.Body = io.NopCloser(strings.NewReader(`{"list":[{"id":"` + id("db-1") + `","name":"db-1","last_sync_time":0}],` +
					`"_meta":{"total":1,"errors":[{"code":"BUSY","message":"Ask later.","field":"$.list[0].target_vc_id"}]}}`))
				response.ContentLength = -1
			}
			return response, err
		}
		require.NoError(t, d.run("-all"))
		d.assertNothingLeft()
		assert.Equal(t, passed, d.result("db-1"))
	})
}

// Where somebody has cancelled a step, the rest is brought to its end, and the machine can be rehearsed anew.
func TestCancelledSteps(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{pauses, tests, cleanUps, promotes, resumes} {
		t.Run(strings.TrimPrefix(operation, "Replications."), func(t *testing.T) {
			inDrill(t, func(t *testing.T, d *drill) {
				cancelled := false
				d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
					for _, task := range d.pair.Recovery.Tasks() {
						if !cancelled && task.Operation == operation {
							cancelled = d.pair.Recovery.CancelTask(task.ID)
						}
					}
					return send(request)
				}
				args := []string{"-vm", "db-1"}
				if operation == promotes {
					args = append(args, "-promote")
				}
				err := d.run(args...)
				assert.True(t, cancelled)
				d.assertNothingLeft()
				if operation == cleanUps || operation == resumes {
					require.NoError(t, err, "they are taken again")
					return
				}
				require.ErrorContains(t, err, "it was cancelled")
				require.NoError(t, d.run())
				d.assertNothingLeft()
				assert.Equal(t, passed, d.result("db-1"))
			})
		})
	}
}

// When the other site dies in the middle of a test, its bubble must not stand in the way of the recovery: it goes, at an
// interrupt and in the next run, although the replication cannot be resumed before that site is back.
func TestOtherSiteDiesAmidATest(t *testing.T) {
	t.Parallel()
	for name, killed := range map[string]bool{"interrupted": false, "killed and run again": true} {
		for _, after := range []string{"/actions/pause", "/actions/test"} {
			t.Run(name+" after "+after, func(t *testing.T) {
				inDrill(t, func(t *testing.T, d *drill) {
					d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
						response, err := send(request)
						if strings.HasSuffix(request.URL.Path, after) {
							d.pair.Protected.Restart(24 * time.Hour)
							d.after(time.Second, map[bool]func(){true: d.kill, false: d.interrupt}[killed])
						}
						return response, err
					}
					err := d.run("-vm", "db-1")
					require.Error(t, err)
					if d.around = nil; killed {
						<-time.After(time.Minute)
						err = d.run("-all")
						require.ErrorContains(t, err, vspheretest.CodeRemoteSiteDown)
						assert.Contains(t, d.printed.String(), "not signed in at the other site: ")
						assert.Empty(t, d.begun("app-1"), "nothing is begun")
					}
					assert.Nil(t, d.pair.Replication(id("db-1")).Image)
					assert.Contains(t, d.printed.String(), "left behind: db-1: ")
					<-time.After(24 * time.Hour)
					require.NoError(t, d.run("-vm", "db-1"))
					d.assertNothingLeft()
					assert.Equal(t, passed, d.result("db-1"))
					assert.Equal(t, d.pair.Audit().Replication(id("db-1")).Tested, d.pair.Audit().Replication(id("db-1")).CleanedUp)
				})
			})
		}
	}
	t.Run("before anything was begun", func(t *testing.T) {
		inDrill(t, func(t *testing.T, d *drill) {
			d.pair.Protected.Restart(24 * time.Hour)
			require.ErrorContains(t, d.run("-vm", "db-1"), vspheretest.CodeRemoteSiteDown)
			assert.Empty(t, d.begun("db-1"))
		})
	})
}

// Whoever has cleaned up or resumed before us has done our work.
func TestSomebodyIsQuicker(t *testing.T) {
	t.Parallel()
	for operation, step := range map[string]string{cleanUps: "/actions/cleanup", resumes: "/actions/resume"} {
		t.Run(operation, func(t *testing.T) {
			inDrill(t, func(t *testing.T, d *drill) {
				d.around = func(_ int64, request *http.Request, send sender) (*http.Response, error) {
					if strings.HasSuffix(request.URL.Path, step) && d.pair.Recovery.Ran(operation, "") == 0 {
						_, err := d.pair.Recovery.Operator("eve").Do(operation, id("db-1"), "")
						assert.NoError(t, err)
						<-time.After(20 * time.Second)
					}
					return send(request)
				}
				require.NoError(t, d.run("-vm", "db-1"))
				d.assertNothingLeft()
			})
		})
	}
}

// Answers that are lost are found. Nothing is done twice.
func TestLostAnswers(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{pauses, tests, cleanUps, promotes, resumes} {
		for name, fault := range map[string]vspheretest.Fault{
			"after":   {After: true, Reset: true},
			"half":    {After: true, Truncate: true},
			"before":  {Drop: true},
			"gateway": {After: true, Status: 502, Body: "<html>"},
			"late":    {Drop: true, Late: 15 * time.Second},
		} {
			t.Run(strings.TrimPrefix(operation, "Replications.")+" "+name, func(t *testing.T) {
				inDrill(t, func(t *testing.T, d *drill) {
					fault.Operation, fault.Times = operation, 1
					d.pair.Recovery.Inject(fault)
					args := []string{"-vm", "db-1"}
					if operation == promotes {
						args = append(args, "-promote")
					}
					err := d.run(args...)
					d.assertNothingLeft()
					d.assertOnce("db-1")
					if name == "before" && (operation == pauses || operation == tests) {
						require.ErrorIs(t, err, drkit.ErrOutcomeUnknown)
						assert.Contains(t, d.row("db-1"), "no task came of it so far")
						err = d.run()
						d.assertNothingLeft()
					}
					require.NoError(t, err)
					assert.Equal(t, passed, d.result("db-1"))
				})
			})
		}
	}
}

// A session at the other site that is lost in the middle of everything comes back.
func TestSessionsAreLost(t *testing.T) {
	inDrill(t, func(t *testing.T, d *drill) {
		d.around = func(n int64, request *http.Request, send sender) (*http.Response, error) {
			if n%20 == 0 {
				d.pair.Recovery.ExpireRemoteSessions()
			}
			if n%33 == 0 {
				d.pair.Recovery.ExpireSessions()
			}
			return send(request)
		}
		err := d.run("-all")
		d.assertNothingLeft()
		if d.around = nil; err != nil {
			require.NoError(t, d.run())
			d.assertNothingLeft()
		}
		for _, name := range []string{"db-1", "app-1", "files-1"} {
			assert.Equal(t, passed, d.result(name), name)
		}
	})
}

// A journal that is full keeps nothing from its end that was begun.
func TestJournalThatIsFull(t *testing.T) {
	t.Parallel()
	for save := int64(1); save < 24; save++ {
		t.Run(fmt.Sprint("save ", save), func(t *testing.T) {
			inDrill(t, func(t *testing.T, d *drill) {
				d.saving = func(n int64, save2 func() error) error {
					if n == save {
						return errors.New("the disk is full")
					}
					return save2()
				}
				err := d.run("-vm", "db-1")
				d.saving = nil
				if err != nil {
					require.ErrorContains(t, err, "the disk is full")
					require.NoError(t, d.run("-vm", "db-1"))
				}
				d.assertNothingLeft()
				assert.Equal(t, passed, d.result("db-1"))
			})
		})
	}
}

func TestOneVCenter(t *testing.T) {
	inDrill(t, func(t *testing.T, d *drill) {
		require.NoError(t, d.run("-all"))
		d.assertNothingLeft()
		assert.Zero(t, d.pair.Recovery.Count("RemoteSession.SignIn"))
		assert.Equal(t, passed, d.result("db-1"))
	}, vspheretest.OneVCenter())
}

func TestDryRun(t *testing.T) {
	inDrill(t, func(t *testing.T, d *drill) {
		require.NoError(t, d.run("-all", "-dry-run", "-promote"))
		assert.Empty(t, d.begun("db-1"))
		saved, err := d.journal.Steps(t.Context())
		require.NoError(t, err)
		assert.Empty(t, saved)
		for name, want := range map[string]string{
			"db-1": ` OK \S+ \S+ pause, test, promote, resume$`, "files-1": ` PAUSED \S+ \S+ test, promote; paused before, and so after it$`,
			"lab-1": "skip it: in test already", "plan-1": "skip it: managed by",
		} {
			assert.Regexp(t, want, d.row(name))
		}
		assert.Contains(t, d.printed.String(), "dry run: nothing was changed\n")
	})
}
