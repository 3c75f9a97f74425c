package checkpoints_test

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
)

// A rule that acts twice a week, and another one every second day. The times are in UTC.
func ExamplePatterns() {
	patterns, err := checkpoints.Patterns(
		checkpoints.Weekly(14, 0, time.Monday, time.Thursday),
		checkpoints.Daily(6, 30).Every(2),
	)
	fmt.Println(err)
	for _, pattern := range patterns {
		fmt.Println(pattern)
	}
	// Output:
	// <nil>
	// FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=14;BYMINUTE=00
	// FREQ=DAILY;INTERVAL=2;BYHOUR=6;BYMINUTE=30
}

// What the service would not take says why.
func ExampleCheckPatterns() {
	_, err := checkpoints.Patterns(checkpoints.Daily(23, 30), checkpoints.Weekly(0, 0, time.Monday))
	fmt.Println(err)
	// Output:
	// recurrence rules "FREQ=DAILY;BYHOUR=23;BYMINUTE=30" and "FREQ=WEEKLY;BYDAY=MO;BYHOUR=0;BYMINUTE=00": SU 23:30 and MO 00:00 are 30 minutes apart, at least 60
}

// Refusals are told apart by their code, since nearly all have the same status.
func ExampleErrorCode() {
	err := error(&drkit.Error{Status: http.StatusBadRequest, Code: "BackupService.6125", Kind: checkpoints.CodeVaultBackingUp})
	fmt.Println(errors.Is(err, checkpoints.CodeVaultBackingUp), errors.Is(err, checkpoints.ErrBusy), errors.Is(err, drkit.ErrConflict))
	fmt.Println(errors.Is(err, checkpoints.CodeVaultFull), errors.Is(err, checkpoints.ErrQuota))
	// Output:
	// true true true
	// false false
}
