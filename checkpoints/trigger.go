package checkpoints

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Pattern is a recurrence rule as the service spells it, as in FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=14;BYMINUTE=00. Its
// hours are in UTC, whatever the time zone of a policy. [Patterns] makes some; [Pattern.Recurrence] reads one.
type Pattern string

// Frequency is what a [Recurrence] counts.
type Frequency string

// The frequencies that the service takes.
const (
	FrequencyDaily  Frequency = "DAILY"
	FrequencyWeekly Frequency = "WEEKLY"
)

// Recurrence says when a policy acts: on some days, at each of the hours, at each of the minutes. [Daily] and
// [Weekly] make one.
//
// Source: CBR API reference, "Creating a Policy".
type Recurrence struct {
	// Days or weeks.
	Frequency Frequency
	// Every so many of them; 0 and 1 are every one.
	Interval int
	// The days of the week. None is every day, which only a daily rule can have.
	Days []time.Weekday
	// Hours, 0 to 23, in UTC.
	Hours []int
	// Minutes, 0 to 59.
	Minutes []int
}

// Daily acts every day at a time in UTC.
func Daily(hour, minute int) Recurrence {
	return Recurrence{Frequency: FrequencyDaily, Hours: []int{hour}, Minutes: []int{minute}}
}

// Weekly acts on some days of each week at a time in UTC.
func Weekly(hour, minute int, days ...time.Weekday) Recurrence {
	return Recurrence{Frequency: FrequencyWeekly, Days: days, Hours: []int{hour}, Minutes: []int{minute}}
}

// Every makes the rule act every so many days or weeks, as in Daily(6, 30).Every(2).
func (r Recurrence) Every(interval int) Recurrence {
	r.Interval = interval
	return r
}

// Pattern returns the rule as the service spells it, or why the service would not take it.
func (r Recurrence) Pattern() (Pattern, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	parts := []string{"FREQ=" + string(r.Frequency)}
	if r.Interval > 1 {
		parts = append(parts, "INTERVAL="+strconv.Itoa(r.Interval))
	}
	if len(r.Days) > 0 {
		parts = append(parts, "BYDAY="+joined(r.days(), func(day int) string { return dayNames[day] }))
	}
	parts = append(parts, "BYHOUR="+joined(sorted(r.Hours), strconv.Itoa),
		"BYMINUTE="+joined(sorted(r.Minutes), func(minute int) string { return fmt.Sprintf("%02d", minute) }))
	return Pattern(strings.Join(parts, ";")), nil
}

// dayNames begin with Monday, as weeks do.
var dayNames = []string{"MO", "TU", "WE", "TH", "FR", "SA", "SU"}

// days returns the days of the rule, counted from Monday; all of them where it names none.
func (r Recurrence) days() []int {
	if len(r.Days) == 0 {
		return []int{0, 1, 2, 3, 4, 5, 6}
	}
	days := make([]int, len(r.Days))
	for i, day := range r.Days {
		days[i] = (int(day) + 6) % 7
	}
	return sorted(days)
}

func sorted(values []int) []int { return slices.Sorted(slices.Values(values)) }

func joined(values []int, text func(int) string) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = text(value)
	}
	return strings.Join(texts, ",")
}

// check tells what a rule lacks, or has too much.
func (r Recurrence) check() error {
	switch {
	case r.Frequency != FrequencyDaily && r.Frequency != FrequencyWeekly:
		return fmt.Errorf("a frequency of %q: it is DAILY or WEEKLY", string(r.Frequency))
	case r.Interval < 0:
		return fmt.Errorf("an interval of %d", r.Interval)
	case r.Frequency == FrequencyWeekly && len(r.Days) == 0:
		return errors.New("a weekly rule needs its days")
	case len(r.Hours) == 0 || len(r.Minutes) == 0:
		return errors.New("a rule needs its hour and its minute")
	}
	for _, day := range r.Days {
		if day < time.Sunday || day > time.Saturday {
			return fmt.Errorf("there is no day %d of the week", day)
		}
	}
	return errors.Join(within("hour", r.Hours, 23), within("minute", r.Minutes, 59), once("day", r.days()))
}

func within(what string, values []int, most int) error {
	for _, value := range values {
		if value < 0 || value > most {
			return fmt.Errorf("the %s %d: 0 to %d", what, value, most)
		}
	}
	return once(what, values)
}

func once(what string, values []int) error {
	for i, value := range values {
		if slices.Contains(values[:i], value) {
			return fmt.Errorf("the same %s twice", what)
		}
	}
	return nil
}

// Recurrence reads a rule, or says what of it the service does not take. The rules of others may hold more than
// this package knows: policies that are read keep them as they are.
func (p Pattern) Recurrence() (Recurrence, error) {
	r, err := p.parse()
	if err == nil {
		err = r.check()
	}
	if err != nil {
		return Recurrence{}, fmt.Errorf("recurrence rule %q: %w", string(p), err)
	}
	return r, nil
}

func (p Pattern) parse() (Recurrence, error) {
	r, seen := Recurrence{}, map[string]bool{}
	for part := range strings.SplitSeq(string(p), ";") {
		name, value, found := strings.Cut(part, "=")
		if !found || value == "" {
			return r, fmt.Errorf("%q is not a part such as BYHOUR=14", part)
		}
		if seen[name] {
			return r, fmt.Errorf("%s is there twice", name)
		}
		seen[name] = true
		if err := r.take(name, value); err != nil {
			return r, err
		}
	}
	return r, nil
}

// take reads one part of a rule.
func (r *Recurrence) take(name, value string) (err error) {
	switch name {
	case "FREQ":
		r.Frequency = Frequency(value)
	case "INTERVAL":
		if r.Interval, err = number(value); err == nil && r.Interval == 0 {
			err = errors.New("an interval of 0")
		}
	case "BYDAY":
		for text := range strings.SplitSeq(value, ",") {
			day := slices.Index(dayNames, text)
			if day < 0 {
				return fmt.Errorf("%q is none of %s", text, strings.Join(dayNames, ", "))
			}
			r.Days = append(r.Days, time.Weekday((day+1)%7))
		}
	case "BYHOUR":
		r.Hours, err = numbers(value)
	case "BYMINUTE":
		r.Minutes, err = numbers(value)
	default:
		return fmt.Errorf("%q is none of FREQ, INTERVAL, BYDAY, BYHOUR and BYMINUTE", name)
	}
	return err
}

func numbers(text string) ([]int, error) {
	var all []int
	for one := range strings.SplitSeq(text, ",") {
		n, err := number(one)
		if err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, nil
}

func number(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 16) // no rule needs more
	if err != nil {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return int(n), nil
}
