package checkpoints

import (
	"errors"
	"fmt"
	"slices"
)

// The bounds of the service for the rules of one policy.
const (
	mostPatterns   = 24
	mostTimesOfDay = 24
	leastGap       = 60 // minutes
	minutesOfDay   = 24 * 60
	minutesOfWeek  = 7 * minutesOfDay
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
		if err != nil {
			return err
		}
		if len(r.Hours)*len(r.Minutes) > mostTimesOfDay {
			return fmt.Errorf("recurrence rule %q: %d times a day, at most %d", string(p), len(r.Hours)*len(r.Minutes), mostTimesOfDay)
		}
		one := rule{p, r, r.moments(p)}
		if err := one.keepsItsGaps(); err != nil {
			return err
		}
		if r.Interval > 1 {
			rest = append(rest, one)
		} else {
			every = append(every, one.moments...)
		}
	}
	if err := keepGaps(every, true); err != nil {
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
	pattern Pattern
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
			for _, minute := range sorted(r.Minutes) {
				all = append(all, moment{day*minutesOfDay + hour*60 + minute, of})
			}
		}
	}
	return all
}

// keepsItsGaps checks a rule by itself. One that skips days acts on no two days in a row, and one that skips weeks
// not on a Sunday and the Monday after it.
func (r rule) keepsItsGaps() error {
	switch {
	case r.Interval <= 1:
		return keepGaps(r.moments, true)
	case r.Frequency == FrequencyDaily:
		perDay := len(r.Hours) * len(r.Minutes)
		return keepGaps(r.moments[:perDay], false)
	default:
		return keepGaps(r.moments, false)
	}
}

// keepsGapsTo checks a rule that skips days or weeks against those that skip none. It meets them on all its days;
// only one that acts every seventh day, or so, has days that nobody knows.
func (r rule) keepsGapsTo(every []moment) error {
	if r.Frequency == FrequencyDaily && r.Interval%7 == 0 {
		return nil
	}
	for _, own := range r.moments {
		for _, other := range every {
			if gap := distance(own, other); gap < leastGap {
				return tooClose(own, other, gap)
			}
		}
	}
	return nil
}

// keepGaps checks moments of the same week and, where the week after is as this one, its end against its beginning.
func keepGaps(moments []moment, round bool) error {
	moments = slices.Clone(moments)
	slices.SortStableFunc(moments, func(a, b moment) int { return a.minute - b.minute })
	for i, one := range moments {
		next := i + 1
		if next == len(moments) {
			if !round || i == 0 {
				return nil
			}
			next = 0
		}
		if gap := distance(one, moments[next]); gap < leastGap {
			return tooClose(one, moments[next], gap)
		}
	}
	return nil
}

func distance(a, b moment) int {
	d := (a.minute - b.minute + minutesOfWeek) % minutesOfWeek
	return min(d, minutesOfWeek-d)
}

func tooClose(a, b moment, gap int) error {
	if a.pattern == b.pattern {
		return fmt.Errorf("recurrence rule %q: %s and %s are %d minutes apart, at least %d", string(a.pattern), a, b, gap, leastGap)
	}
	return fmt.Errorf("recurrence rules %q and %q: %s and %s are %d minutes apart, at least %d",
		string(a.pattern), string(b.pattern), a, b, gap, leastGap)
}
