package drkit_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/drkit-go/drkit"
)

// steps draws a step of a few keys, with everything that a step may hold.
func drawStep(t *rapid.T) drkit.Step {
	raw := rapid.SampledFrom([]json.RawMessage{
		nil, json.RawMessage(`null`), json.RawMessage(`{"a":[1,2.50,"<x>"]}`), json.RawMessage(`"line\nbreak"`), json.RawMessage(`""`),
	})
	moment := rapid.Custom(func(t *rapid.T) time.Time {
		return time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "seconds"), rapid.Int64Range(0, 999_999_999).Draw(t, "nanoseconds")).UTC()
	})
	return drkit.Step{
		Version: 1,
		Key:     rapid.SampledFrom([]string{"a", "b", "c ", "d\n", "\u2028", "\x00", "{"}).Draw(t, "key"),
		State: rapid.SampledFrom([]drkit.StepState{
			drkit.StepReady, drkit.StepIntended, drkit.StepAccepted, drkit.StepSucceeded, drkit.StepFailed,
		}).Draw(t, "state"),
		Operation: rapid.String().Draw(t, "operation"), Resource: rapid.StringN(0, 9000, -1).Draw(t, "resource"),
		Sent: rapid.IntRange(0, 3).Draw(t, "sent"), Began: moment.Draw(t, "began"),
		Note: raw.Draw(t, "note"), Token: rapid.String().Draw(t, "token"), Result: raw.Draw(t, "result"),
	}
}

// text writes steps down, so that those of a file can be compared with those that were saved.
func text(t require.TestingT, steps []drkit.Step, err error) string {
	require.NoError(t, err)
	data, err := json.Marshal(steps)
	require.NoError(t, err)
	return string(data)
}

// A file journal is a memory journal that survives: being closed, and losing the end of its file.
func TestFileJournalIsAMemoryJournalThatSurvives(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		ctx, path := context.Background(), filepath.Join(folder, "journal")
		for _, name := range []string{path, path + ".lock"} {
			if err := os.Remove(name); !os.IsNotExist(err) {
				require.NoError(t, err)
			}
		}
		journal, err := drkit.OpenFileJournal(path)
		require.NoError(t, err)
		defer func() { require.NoError(t, journal.Close()) }()
		model, saved := &drkit.MemoryJournal{}, []drkit.Step{}
		sizes := []int64{sizeOf(t, path)} // after each save
		reopen := func(t *rapid.T) {
			journal, err = drkit.OpenFileJournal(path)
			require.NoError(t, err)
		}
		t.Repeat(map[string]func(*rapid.T){
			"save": func(t *rapid.T) {
				s := drawStep(t)
				require.NoError(t, journal.Save(ctx, s))
				require.NoError(t, model.Save(ctx, s))
				saved, sizes = append(saved, s), append(sizes, sizeOf(t, path))
			},
			"reopen": func(t *rapid.T) {
				require.NoError(t, journal.Close())
				reopen(t)
			},
			"lose the end": func(t *rapid.T) {
				require.NoError(t, journal.Close())
				cut := rapid.Int64Range(sizes[0], sizes[len(sizes)-1]).Draw(t, "cut")
				require.NoError(t, os.Truncate(path, cut))
				if zeros := rapid.Int64Range(0, 5000).Draw(t, "zeros"); rapid.Bool().Draw(t, "power loss") {
					require.NoError(t, os.Truncate(path, cut+zeros))
				}
				for sizes[len(sizes)-1] > cut {
					sizes = sizes[:len(sizes)-1]
				}
				saved, model = saved[:len(sizes)-1], &drkit.MemoryJournal{}
				for _, s := range saved {
					require.NoError(t, model.Save(ctx, s))
				}
				reopen(t)
			},
			"": func(t *rapid.T) {
				want, wantErr := model.Steps(ctx)
				got, err := journal.Steps(ctx)
				require.Equal(t, text(t, want, wantErr), text(t, got, err))
				read, err := drkit.ReadJournal(path)
				require.Equal(t, text(t, want, wantErr), text(t, read, err))
				for _, key := range []string{"a", "d\n"} {
					want, wantErr := model.Load(ctx, key)
					got, err := journal.Load(ctx, key)
					require.Equal(t, wantErr == nil, err == nil)
					require.Equal(t, text(t, []drkit.Step{want}, nil), text(t, []drkit.Step{got}, nil))
				}
			},
		})
	})
}

func sizeOf(t require.TestingT, path string) int64 {
	info, err := os.Stat(path)
	require.NoError(t, err)
	return info.Size()
}
