package drkit_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"time"

	"github.com/drkit-go/drkit"
)

// A policy has three answers to "how many instances": as before, none, and a number.
func ExampleOpt() {
	type change struct {
		Instances drkit.Opt[int] `json:"instances,omitzero"`
	}
	for _, c := range []change{{}, {drkit.Null[int]()}, {drkit.Some(0)}, {drkit.Some(24)}} {
		data, err := json.Marshal(c)
		fmt.Println(c.Instances, string(data), err)
	}

	var c change
	if err := json.Unmarshal([]byte(`{"instances":null}`), &c); err != nil {
		fmt.Println(err)
	}
	_, set := c.Instances.Get()
	fmt.Println(set, c.Instances.IsNull(), c.Instances.IsZero(), c.Instances.Or(12))
	// Output:
	// absent {} <nil>
	// null {"instances":null} <nil>
	// 0 {"instances":0} <nil>
	// 24 {"instances":24} <nil>
	// false true false 12
}

// Some sends a value also where it is false, 0 or empty.
func ExampleSome() {
	data, err := json.Marshal(struct {
		PowerOn drkit.Opt[bool] `json:"powerOn,omitzero"`
	}{drkit.Some(false)})
	fmt.Println(string(data), err)
	// Output: {"powerOn":false} <nil>
}

// Null clears what the service holds.
func ExampleNull() {
	data, err := json.Marshal(struct {
		Description drkit.Opt[string] `json:"description,omitzero"`
	}{drkit.Null[string]()})
	fmt.Println(string(data), err)
	// Output: {"description":null} <nil>
}

func ExampleMillis() {
	var task struct {
		Start drkit.Millis `json:"startTime"`
		End   drkit.Millis `json:"endTime"` // -1: not yet
	}
	if err := json.Unmarshal([]byte(`{"startTime":1767225600250,"endTime":-1}`), &task); err != nil {
		fmt.Println(err)
	}
	fmt.Println(task.Start.Format(time.RFC3339Nano), task.End.IsZero())
	// Output: 2026-01-01T00:00:00.25Z true
}

func ExampleMillisOf() {
	since := drkit.MillisOf(time.Date(2026, time.January, 1, 0, 0, 0, 250_999_999, time.UTC))
	data, err := json.Marshal(since)
	fmt.Println(string(data), err)
	// Output: 1767225600250 <nil>
}

// A Secret does not show, wherever it is printed. Only Reveal tells.
func ExampleSecret() {
	login := struct {
		User     string
		Password drkit.Secret
	}{"root", drkit.NewSecret("vmware-123")}
	fmt.Printf("%v %+v\n", login, login)
	data, err := json.Marshal(login)
	fmt.Println(string(data), err)
	fmt.Println(len(login.Password.Reveal()), login.Password.IsZero())
	// Output:
	// {root [redacted]} {User:root Password:[redacted]}
	// {"User":"root","Password":"[redacted]"} <nil>
	// 10 false
}

func ExampleNewSecret() {
	password := drkit.NewSecret(os.Getenv("DRKIT_EXAMPLE_PASSWORD"))
	if password.IsZero() {
		fmt.Println("no password given")
	}
	// Output: no password given
}

// list stands for a method of a service that lists.
func list() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, row := range []string{"db-1", "db-2", "web-1", "web-2"} {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func ExampleCollect() {
	all, err := drkit.Collect(list())
	fmt.Println(all, err)
	// Output: [db-1 db-2 web-1 web-2] <nil>
}

// First reads no page more than it needs.
func ExampleFirst() {
	first, err := drkit.First(list(), func(row string) bool { return row >= "web" })
	fmt.Println(first, err)

	_, err = drkit.First(list(), func(row string) bool { return row == "mail-1" })
	fmt.Println(errors.Is(err, drkit.ErrNotFound))
	// Output:
	// web-1 <nil>
	// true
}

// Filter leaves rows out while the list is being read.
func ExampleFilter() {
	for row, err := range drkit.Filter(list(), func(row string) bool { return row < "web" }) {
		fmt.Println(row, err)
	}
	// Output:
	// db-1 <nil>
	// db-2 <nil>
}
