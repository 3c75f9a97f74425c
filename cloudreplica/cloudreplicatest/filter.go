package cloudreplicatest

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// condition reports whether a row fits.
type condition func(row) bool

// filterParser reads a filter. What is documented it takes: comparisons, AND as a semicolon, OR as a comma, and
// groups. What mixes AND with OR without a group it refuses, because nobody documents which goes first.
type filterParser struct {
	of   kind
	rest string
}

// parseFilter reads a filter; an empty one lets everything pass.
func parseFilter(of kind, filter string) (condition, error) {
	if filter == "" {
		return nil, nil
	}
	p := &filterParser{of: of, rest: filter}
	read, err := p.several()
	if err == nil && p.rest != "" {
		err = fmt.Errorf("%q is left over", p.rest)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The filter is not valid: %v", err)
	}
	return read, nil
}

// several reads conditions that are all joined in the same way.
func (p *filterParser) several() (condition, error) {
	first, err := p.one()
	if err != nil {
		return nil, err
	}
	all := []condition{first}
	joined := byte(0)
	for {
		p.skip()
		if p.rest == "" || (p.rest[0] != ';' && p.rest[0] != ',') {
			break
		}
		if joined != 0 && joined != p.rest[0] {
			return nil, fmt.Errorf("AND and OR side by side need parentheses")
		}
		joined, p.rest = p.rest[0], p.rest[1:]
		next, err := p.one()
		if err != nil {
			return nil, err
		}
		all = append(all, next)
	}
	return func(r row) bool {
		fits := func(c condition) bool { return c(r) }
		if joined == ',' {
			return slices.ContainsFunc(all, fits)
		}
		return !slices.ContainsFunc(all, func(c condition) bool { return !c(r) })
	}, nil
}

// skip drops spaces, which count for nothing outside quotes.
func (p *filterParser) skip() { p.rest = strings.TrimLeft(p.rest, " ") }

func (p *filterParser) one() (condition, error) {
	p.skip()
	if !strings.HasPrefix(p.rest, "(") {
		return p.comparison()
	}
	p.rest = p.rest[1:]
	inside, err := p.several()
	if err != nil {
		return nil, err
	}
	p.skip()
	if !strings.HasPrefix(p.rest, ")") {
		return nil, fmt.Errorf("a parenthesis is not closed")
	}
	p.rest = p.rest[1:]
	return inside, nil
}

var (
	fieldName = regexp.MustCompile(`^[A-Za-z]+`)
	operator  = regexp.MustCompile(`^(==|!=|<=|>=|<|>)`)
	bareValue = regexp.MustCompile(`^(\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?Z?)?|[A-Za-z_0-9]+)`)
)

func (p *filterParser) comparison() (condition, error) {
	name := p.match(fieldName)
	by := fieldOf(p.of, name)
	if by == nil {
		return nil, fmt.Errorf("[%s] is not a field of %s", name, p.of.name)
	}
	p.skip()
	sign := p.match(operator)
	if sign == "" {
		return nil, fmt.Errorf("%s is not compared with anything", name)
	}
	p.skip()
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	want, err := by.read(value)
	if err != nil {
		return nil, err
	}
	return func(r row) bool { return holds(sign, compare(by.of(r), want)) }, nil
}

func (p *filterParser) match(what *regexp.Regexp) string {
	got := what.FindString(p.rest)
	p.rest = p.rest[len(got):]
	return got
}

// value reads a value: in quotes, in which a quote is doubled, or bare if it is a word or a time.
func (p *filterParser) value() (string, error) {
	if !strings.HasPrefix(p.rest, `"`) {
		bare := p.match(bareValue)
		if bare == "" {
			return "", fmt.Errorf("the value %q needs quotes", p.rest)
		}
		return bare, nil
	}
	var value strings.Builder
	for rest := p.rest[1:]; ; {
		end := strings.IndexByte(rest, '"')
		if end < 0 {
			return "", fmt.Errorf("a quote is not closed")
		}
		value.WriteString(rest[:end])
		rest = rest[end+1:]
		if !strings.HasPrefix(rest, `"`) {
			p.rest = rest
			return value.String(), nil
		}
		value.WriteByte('"')
		rest = rest[1:]
	}
}

// read makes of a value what the field has. Times are UTC.
func (f *field) read(value string) (any, error) {
	switch {
	case f.date:
		at, err := readDate(value)
		if err == nil && regexp.MustCompile(`[+-]\d\d:\d\d$`).MatchString(value) {
			err = fmt.Errorf("%q is not UTC", value)
		}
		return at.UnixNano(), err
	case f.values != nil:
		if place(f.values, value) == int64(len(f.values)) {
			return nil, fmt.Errorf("%q is none of %s", value, strings.Join(f.values, ", "))
		}
		return place(f.values, value), nil
	case f.name == "Port":
		number, err := strconv.ParseInt(value, 10, 64)
		return number, err //nolint:wrapcheck // it says what is no number
	default:
		return value, nil
	}
}

func holds(sign string, order int) bool {
	switch sign {
	case "==":
		return order == 0
	case "!=":
		return order != 0
	case "<":
		return order < 0
	case "<=":
		return order <= 0
	case ">":
		return order > 0
	default:
		return order >= 0
	}
}
