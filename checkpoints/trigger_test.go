package checkpoints_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit/checkpoints"
)

func TestPatternsOfRecurrences(t *testing.T) {
	t.Parallel()
	for want, recurrence := range map[checkpoints.Pattern]checkpoints.Recurrence{
		"FREQ=WEEKLY;BYDAY=MO,TH;BYHOUR=14;BYMINUTE=00":         checkpoints.Weekly(14, 0, time.Thursday, time.Monday),
		"FREQ=DAILY;INTERVAL=2;BYHOUR=6;BYMINUTE=30":            checkpoints.Daily(6, 30).Every(2),
		"FREQ=DAILY;BYHOUR=0;BYMINUTE=05":                       checkpoints.Daily(0, 5),
		"FREQ=WEEKLY;INTERVAL=3;BYDAY=SU;BYHOUR=23;BYMINUTE=59": checkpoints.Weekly(23, 59, time.Sunday).Every(3),
		"FREQ=DAILY;BYDAY=SA,SU;BYHOUR=1,13;BYMINUTE=00": {
			Frequency: checkpoints.FrequencyDaily, Days: []time.Weekday{time.Sunday, time.Saturday}, Hours: []int{13, 1}, Minutes: []int{0},
		},
	} {
		pattern, err := recurrence.Pattern()
		require.NoError(t, err)
		assert.Equal(t, want, pattern)
		read, err := pattern.Recurrence()
		require.NoError(t, err)
		again, err := read.Pattern()
		require.NoError(t, err)
		assert.Equal(t, want, again)
	}
}

func TestRecurrencesOfPatterns(t *testing.T) {
	t.Parallel()
	read, err := checkpoints.Pattern("BYMINUTE=0;BYHOUR=07;BYDAY=SU,MO;INTERVAL=1;FREQ=WEEKLY").Recurrence()
	require.NoError(t, err)
	assert.Equal(t, checkpoints.Recurrence{
		Frequency: checkpoints.FrequencyWeekly, Interval: 1, Days: []time.Weekday{time.Sunday, time.Monday}, Hours: []int{7}, Minutes: []int{0},
	}, read)
}

// A rule that the service would not take is refused with the reason.
func TestRefusedPatterns(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[checkpoints.Pattern]string{
		"":                                              `"" is not a part such as BYHOUR=14`,
		"RRULE:FREQ=DAILY;BYHOUR=1;BYMINUTE=0":          `"RRULE:FREQ" is none of FREQ, INTERVAL, BYDAY, BYHOUR and BYMINUTE`,
		"freq=DAILY;BYHOUR=1;BYMINUTE=0":                `"freq" is none of`,
		"FREQ=daily;BYHOUR=1;BYMINUTE=0":                `a frequency of "daily": it is DAILY or WEEKLY`,
		"FREQ=MONTHLY;BYHOUR=1;BYMINUTE=0":              `a frequency of "MONTHLY"`,
		"BYHOUR=1;BYMINUTE=0":                           `a frequency of ""`,
		"FREQ=DAILY;BYHOUR=1":                           "a rule needs its hour and its minute",
		"FREQ=DAILY;BYMINUTE=1":                         "a rule needs its hour and its minute",
		"FREQ=WEEKLY;BYHOUR=1;BYMINUTE=0":               "a weekly rule needs its days",
		"FREQ=WEEKLY;BYDAY=XX;BYHOUR=1;BYMINUTE=0":      `"XX" is none of MO, TU, WE, TH, FR, SA, SU`,
		"FREQ=WEEKLY;BYDAY=1MO;BYHOUR=1;BYMINUTE=0":     `"1MO" is none of`,
		"FREQ=WEEKLY;BYDAY=MO,MO;BYHOUR=1;BYMINUTE=0":   "the same day twice",
		"FREQ=DAILY;BYHOUR=24;BYMINUTE=0":               "the hour 24: 0 to 23",
		"FREQ=DAILY;BYHOUR=1;BYMINUTE=60":               "the minute 60: 0 to 59",
		"FREQ=DAILY;BYHOUR=-1;BYMINUTE=0":               `"-1" is not a number`,
		"FREQ=DAILY;BYHOUR=+1;BYMINUTE=0":               `"+1" is not a number`,
		"FREQ=DAILY;BYHOUR=1,1;BYMINUTE=0":              "the same hour twice",
		"FREQ=DAILY;INTERVAL=0;BYHOUR=1;BYMINUTE=0":     "an interval of 0",
		"FREQ=DAILY;INTERVAL=99999;BYHOUR=1;BYMINUTE=0": `"99999" is not a number`,
		"FREQ=DAILY;FREQ=DAILY;BYHOUR=1;BYMINUTE=0":     "FREQ is there twice",
		"FREQ=DAILY;BYHOUR=1;BYMINUTE=0;COUNT=3":        `"COUNT" is none of`,
		"FREQ=DAILY;BYHOUR=1;BYMINUTE=0;":               `"" is not a part`,
		"FREQ=DAILY;BYHOUR=;BYMINUTE=0":                 `"BYHOUR=" is not a part`,
		"FREQ=DAILY;BYHOUR=1;BYMINUTE=0,59":             "", // 59 minutes: one rule by itself
		"FREQ=DAILY;BYHOUR=1 ;BYMINUTE=0":               `"1 " is not a number`,
		"FREQ=DAILY;BYHOUR=1;BYMINUTE=0;BYSECOND=0":     `"BYSECOND" is none of`,
	} {
		_, err := pattern.Recurrence()
		if want == "" {
			require.NoError(t, err)
			continue
		}
		require.ErrorContains(t, err, want)
		require.ErrorContains(t, err, `recurrence rule "`)
	}
	for want, recurrence := range map[string]checkpoints.Recurrence{
		`a frequency of ""`:          {Hours: []int{1}, Minutes: []int{1}},
		"an interval of -1":          checkpoints.Daily(1, 1).Every(-1),
		"there is no day 7":          checkpoints.Weekly(1, 1, 7),
		"the hour 25: 0 to 23":       checkpoints.Daily(25, 0),
		"recurrence rule 1: the min": checkpoints.Daily(1, -1),
	} {
		_, err := checkpoints.Patterns(recurrence)
		require.ErrorContains(t, err, want)
	}
}

// The rules of one policy act at most 24 times a day, an hour apart, round the end of the day and of the week.
func TestPatternsTogether(t *testing.T) {
	t.Parallel()
	hourly := make([]checkpoints.Recurrence, 24)
	for i := range hourly {
		hourly[i] = checkpoints.Daily(i, 30)
	}
	daily, weekly := checkpoints.Daily, checkpoints.Weekly
	for name, tc := range map[string]struct {
		rules []checkpoints.Recurrence
		want  string
	}{
		"one":                               {hourly[:1], ""},
		"every hour":                        {hourly, ""},
		"one too many":                      {append(hourly[:24:24], daily(3, 0)), "25 recurrence rules: at most 24"},
		"none":                              {nil, "there are no recurrence rules"},
		"an hour apart":                     {[]checkpoints.Recurrence{daily(1, 0), daily(2, 0)}, ""},
		"59 minutes apart":                  {[]checkpoints.Recurrence{daily(1, 1), daily(2, 0)}, "MO 01:01 and MO 02:00 are 59 minutes apart, at least 60"},
		"the same time twice":               {[]checkpoints.Recurrence{daily(1, 0), weekly(1, 0, time.Friday)}, "FR 01:00 and FR 01:00 are 0 minutes apart"},
		"round midnight":                    {[]checkpoints.Recurrence{daily(23, 30), daily(0, 0)}, "30 minutes apart"},
		"round the week":                    {[]checkpoints.Recurrence{weekly(23, 30, time.Sunday), weekly(0, 0, time.Monday)}, "MO 00:00 and SU 23:30 are 30 minutes apart"},
		"on other days":                     {[]checkpoints.Recurrence{weekly(1, 0, time.Monday), weekly(1, 0, time.Tuesday)}, ""},
		"in one rule":                       {[]checkpoints.Recurrence{{Frequency: "DAILY", Hours: []int{1, 2}, Minutes: []int{0, 30}}}, "two minutes of an hour are less than 60 minutes apart"},
		"every second day meets every day":  {[]checkpoints.Recurrence{daily(1, 0).Every(2), daily(1, 30)}, "30 minutes apart"},
		"every second day, by itself":       {[]checkpoints.Recurrence{daily(23, 30).Every(2)}, ""},
		"two that may never meet":           {[]checkpoints.Recurrence{daily(1, 0).Every(2), daily(1, 30).Every(2)}, ""},
		"every seventh day meets some day":  {[]checkpoints.Recurrence{daily(1, 0).Every(7), weekly(1, 30, time.Monday)}, ""},
		"every other week meets every week": {[]checkpoints.Recurrence{weekly(1, 0, time.Monday).Every(2), weekly(1, 30, time.Monday)}, "30 minutes apart"},
		"every seventh week meets it, too":  {[]checkpoints.Recurrence{weekly(1, 0, time.Monday).Every(7), weekly(1, 30, time.Monday)}, "30 minutes apart"},
		"hours of one rule, round midnight": {[]checkpoints.Recurrence{{Frequency: "DAILY", Hours: []int{0, 23}, Minutes: []int{30}}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			patterns, err := checkpoints.Patterns(tc.rules...)
			if tc.want == "" {
				require.NoError(t, err)
				assert.Len(t, patterns, len(tc.rules))
				return
			}
			require.ErrorContains(t, err, tc.want)
			assert.Nil(t, patterns)
		})
	}
	err := checkpoints.CheckPatterns([]checkpoints.Pattern{"FREQ=DAILY;BYHOUR=1;BYMINUTE=0", checkpoints.Pattern(strings.Repeat("x", 9))})
	require.ErrorContains(t, err, `recurrence rule "xxxxxxxxx": "xxxxxxxxx" is not a part`)
}
