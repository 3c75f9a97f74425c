package simkit

import (
	"fmt"
	"time"
)

// NotNegative refuses an option with times that run backwards.
func NotNegative(option string, times ...time.Duration) error {
	for _, t := range times {
		if t < 0 {
			return fmt.Errorf("%s: time does not run backwards, as in %s", option, t)
		}
	}
	return nil
}

// Positive refuses an option with times that are no time at all.
func Positive(option string, times ...time.Duration) error {
	for _, t := range times {
		if t <= 0 {
			return fmt.Errorf("%s: %s is not positive", option, t)
		}
	}
	return nil
}
