package wire

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// binder fills a Go value with what a reader finds.
type binder struct {
	reader reader
	// budget is how many bytes the items of lists, and what pointers point to, may still take. Without it, a
	// document of empty items would take a hundred times its own size.
	budget int
}

const (
	perByte = 8       // of the budget, for each byte of a document
	atLeast = 1 << 16 // of the budget
)

func newBinder(r reader, length int) *binder {
	return &binder{reader: r, budget: atLeast + perByte*length}
}

var errBudget = errors.New("more items than a document of this length can have")

func (b *binder) spend(size uintptr) error {
	if b.budget -= int(size); b.budget < 0 {
		return errBudget
	}
	return nil
}

// bind reads the value at which the reader stands into v, and reports whether it stands for anything.
func (b *binder) bind(v reflect.Value, p *plan) (something bool, err error) {
	switch p.kind {
	case asObject:
		return b.object(v, p)
	case asPointer:
		return b.pointer(v, p)
	case asList:
		return b.list(v, p)
	default:
		return b.scalar(v, p)
	}
}

// scalar reads a value that is no object and no list.
func (b *binder) scalar(v reflect.Value, p *plan) (something bool, err error) {
	t, err := b.reader.text()
	switch {
	case err != nil:
		return false, err
	case t.empty():
		return false, nil
	case p.kind == asString:
		v.SetString(t.String())
	case p.kind == asText:
		err = readText(v, t)
	case p.kind == asInt:
		err = readInt(v, t)
	default:
		err = readBool(v, t)
	}
	return true, err
}

func (b *binder) object(v reflect.Value, p *plan) (something bool, err error) {
	entered, err := b.reader.enter()
	if !entered || err != nil {
		return false, err
	}
	for {
		f, more, err := b.reader.member(p)
		if err != nil || !more {
			return something, err
		}
		if f == nil {
			if err := b.reader.skip(); err != nil {
				return false, err
			}
			continue
		}
		there, err := b.bind(fieldOf(v, f.index), f.plan)
		if err != nil {
			return false, within(f.name, err)
		}
		something = something || there
	}
}

func fieldOf(v reflect.Value, index []int) reflect.Value {
	for _, i := range index {
		v = v.Field(i)
	}
	return v
}

// pointer leaves nil what stands for nothing.
func (b *binder) pointer(v reflect.Value, p *plan) (bool, error) {
	if err := b.spend(p.elem.typ.Size()); err != nil {
		return false, err
	}
	made := reflect.New(p.elem.typ)
	something, err := b.object(made.Elem(), p.elem)
	if something && err == nil {
		v.Set(made)
	}
	return something, err
}

// list appends to what there is: some documents have a list in parts.
func (b *binder) list(v reflect.Value, p *plan) (bool, error) {
	l, entered, err := b.reader.enterList()
	if !entered || err != nil {
		return false, err
	}
	for {
		more, err := b.reader.item(l)
		if !more || err != nil {
			return v.Len() > 0, err
		}
		if err := b.spend(p.elem.typ.Size()); err != nil {
			return false, err
		}
		length := v.Len()
		if length == v.Cap() {
			v.Grow(max(4, length))
		}
		v.SetLen(length + 1)
		if _, err := b.bind(v.Index(length), p.elem); err != nil {
			return false, within(strconv.Itoa(length), err)
		}
	}
}

func readText(v reflect.Value, t text) error {
	self, ok := v.Addr().Interface().(encoding.TextUnmarshaler)
	if !ok {
		return fmt.Errorf("%s cannot be read", v.Type())
	}
	if t.bytes == nil {
		t.bytes = []byte(t.string)
	}
	return self.UnmarshalText(t.bytes)
}

// exact is the highest number below which all whole numbers can be told from their neighbors.
const exact = 1 << 53

// readInt reads a whole number, also one that is written as 5.0 or 5e3.
func readInt(v reflect.Value, t text) error {
	n, err := strconv.ParseInt(string(t.trimmed()), 10, 64)
	if err != nil {
		f, failed := strconv.ParseFloat(string(t.trimmed()), 64)
		if failed != nil || !(f > -exact && f < exact) || f != float64(int64(f)) {
			return unlike(shown(t), "a whole number")
		}
		n = int64(f)
	}
	if v.OverflowInt(n) {
		return unlike(shown(t), "a smaller number")
	}
	v.SetInt(n)
	return nil
}

// readBool reads a truth value in the forms of JSON, XML and .NET.
func readBool(v reflect.Value, t text) error {
	switch string(t.trimmed()) {
	case "true", "True", "TRUE", "1":
		v.SetBool(true)
	case "false", "False", "FALSE", "0":
		v.SetBool(false)
	default:
		return unlike(shown(t), "a truth value")
	}
	return nil
}

// placeError is an error with the place in the document where it happened.
type placeError struct {
	place string
	err   error
}

func (e *placeError) Error() string { return e.place + ": " + e.err.Error() }
func (e *placeError) Unwrap() error { return e.err }

// within adds a step to the place of an error. What is wrong with the document as a whole has none.
func within(step string, err error) error {
	var inner *placeError
	switch {
	case errors.Is(err, errBudget):
		return err
	case errors.As(err, &inner):
		return &placeError{step + "." + inner.place, inner.err}
	default:
		return &placeError{step, err}
	}
}
