package vcav

// SortField is a place in the order of a list: the name of a field, with a hyphen at its end to sort
// downwards. [Asc] and [Desc] make one.
type SortField string

// Asc sorts by a field, the lowest value first.
func Asc(field string) SortField { return SortField(field) }

// Desc sorts by a field, the highest value first, as in Desc("startTime") for the latest.
func Desc(field string) SortField { return SortField(field + "-") }
