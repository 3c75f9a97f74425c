package checkpoints

import (
	"errors"
	"fmt"
	"slices"
)

// The bounds of the service for the rules of one policy.
const (
	mostPatterns  = 24
	leastGap      = 60 // minutes, so that a day has at most 24 times
	minutesOfDay  = 24 * 60
	minutesOfWeek = 7 * minutesOfDay
)

// Patterns returns rules as the service spells them, or why it would not take them together, as [CheckPatterns]
// does.
func Patterns(recurrences ...Recurrence) ([]Pattern, error) {
	patterns := make([]Pattern, len(recurrences))
	for i, r := range recurrences {
		var err error
		if patterns[i], err = r.Pattern(); err != nil {
			return nil, fmt.Errorf("recurrence rule %d: %w", i+1, err)
		}
	}
	if err := CheckPatterns(patterns); err != nil {
		return nil, err
	}
	return patterns, nil
}

// CheckPatterns says why the service would not take some rules as those of one policy: there are 1 to 24, and they
// act at most 24 times a day and never closer than an hour. Of rules that skip days or weeks nobody can tell on
// which days they meet: those that surely meet are checked.
//
// Source: CBR API reference, "Creating a Policy".
func CheckPatterns(patterns []Pattern) error {
	switch {
	case len(patterns) == 0:
		return errors.New("there are no recurrence rules")
	case len(patterns) > mostPatterns:
		return fmt.Errorf("%d recurrence rules: at most %d", len(patterns), mostPatterns)
	}
	var every []moment // of rules that skip nothing
	var rest []rule
	for _, p := range patterns {
		r, err := p.Recurrence()
		switch {
		case err != nil:
			return err
		case len(r.Minutes) > 1: // hours of one rule that are an hour apart need no look
			return fmt.Errorf("recurrence rule %q: two minutes of an hour are less than %d minutes apart", string(p), leastGap)
		case r.Interval > 1:
			rest = append(rest, rule{r, r.moments(p)})
		default:
			every = append(every, r.moments(p)...)
		}
	}
	if err := keepGaps(every); err != nil {
		return err
	}
	for _, one := range rest {
		if err := one.keepsGapsTo(every); err != nil {
			return err
		}
	}
	return nil
}

// rule is a recurrence with the moments of a week that it acts at.
type rule struct {
	Recurrence
	moments []moment
}

// moment is a minute of the week, counted from Monday.
type moment struct {
	minute  int
	pattern Pattern
}

func (m moment) String() string {
	return fmt.Sprintf("%s %02d:%02d", dayNames[m.minute/minutesOfDay], m.minute%minutesOfDay/60, m.minute%60)
}

func (r Recurrence) moments(of Pattern) []moment {
	var all []moment
	for _, day := range r.days() {
		for _, hour := range sorted(r.Hours) {
			all = append(all, moment{day*minutesOfDay + hour*60 + r.Minutes[0], of})
		}
	}
	return all
}

// keepsGapsTo checks a rule that skips days or weeks against those that skip none. It meets them on all its days;
// only one that acts every seventh day, or so, has days that nobody knows.
func (r rule) keepsGapsTo(every []moment) error {
	if r.Frequency == FrequencyDaily && r.Interval%7 == 0 {
		return nil
	}
	for _, own := range r.moments {
		for _, other := range every {
			if err := keepGap(own, other); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepGaps checks the moments of a week, its end against its beginning as well.
func keepGaps(moments []moment) error {
	slices.SortStableFunc(moments, func(a, b moment) int { return a.minute - b.minute })
	for i, one := range moments {
		if next := (i + 1) % len(moments); next != i {
			if err := keepGap(one, moments[next]); err != nil {
				return err
			}
		}
	}
	return nil
}

func keepGap(a, b moment) error {
	gap := (a.minute - b.minute + minutesOfWeek) % minutesOfWeek
	if gap = min(gap, minutesOfWeek-gap); gap >= leastGap {
		return nil
	}
	return fmt.Errorf("recurrence rules %q and %q: %s and %s are %d minutes apart, at least %d",
		string(a.pattern), string(b.pattern), a, b, gap, leastGap)
}
