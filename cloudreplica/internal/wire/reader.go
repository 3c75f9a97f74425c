package wire

import (
	"bytes"
	"errors"
	"fmt"
)

// reader steps through a document. It stands at a value until one of its methods has taken it.
type reader interface {
	// enter steps into an object, or takes a value that stands for nothing and returns false.
	enter() (bool, error)
	// member steps to the next member of the object that was entered, and out of it after the last. A member that
	// the plan does not know comes as nil.
	member(p *plan) (f *field, more bool, err error)
	// enterList steps into a list. A value that stands for nothing is taken, and is no list.
	enterList() (list, bool, error)
	// item steps to the next item of a list, and out of it after the last.
	item(l list) (bool, error)
	// text takes a value that is no object and no list.
	text() (text, error)
	// skip takes any value.
	skip() error
}

// list is a list that was entered.
type list struct{ wrappers int } // objects around it that end with it

// text is the text of a value, in one of two forms.
type text struct {
	bytes  []byte // valid until the next step
	string string
}

func (t text) empty() bool { return len(t.bytes) == 0 && t.string == "" }

// String returns the text.
func (t text) String() string {
	if t.bytes != nil {
		return string(t.bytes)
	}
	return t.string
}

// trimmed returns the text without white space around it.
func (t text) trimmed() []byte {
	if t.bytes == nil {
		return bytes.TrimSpace([]byte(t.string))
	}
	return bytes.TrimSpace(t.bytes)
}

// mostWrappers is how many objects may stand around a list.
const mostWrappers = 2

var (
	errNothing = errors.New("nothing")
	errNoList  = errors.New("no list in it")
)

// unlike says what stands in the place of what.
func unlike(found, wanted string) error { return fmt.Errorf("%s in the place of %s", found, wanted) }

// mostShown is how much of a value goes into an error.
const mostShown = 40 // bytes

// mostSaid is how much of what encoding/xml says goes into an error.
const mostSaid = 200 // bytes

func shown(t text) string {
	s := t.String()
	if len(s) > mostShown {
		return fmt.Sprintf("%.*q…", mostShown, s)
	}
	return fmt.Sprintf("%q", s)
}
