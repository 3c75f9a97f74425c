package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Unmarshal decodes an answer. Services write whole numbers also as 5.0, 5e3 or "5", and truth values as "true":
// where encoding/json stumbles over one, the text is put right and decoded once more. The ordinary answer costs
// nothing.
func Unmarshal(data []byte, out any) error { return unmarshal(data, out, looseness{}) }

// looseness is what Config.LooseScalars and Config.LooseLists say.
type looseness struct{ scalars, lists bool }

// unmarshal is Unmarshal; loose also takes what the service is known to write.
func unmarshal(data []byte, out any, loose looseness) error {
	err := json.Unmarshal(data, out)
	if err == nil {
		return nil
	}
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) || !json.Valid(data) {
		return err
	}
	for range mostMembers {
		plain := putRight(data, wantedBy(wrong, loose))
		if bytes.Equal(plain, data) {
			return err
		}
		data = plain
		reflect.ValueOf(out).Elem().SetZero()
		if err = json.Unmarshal(data, out); !errors.As(err, &wrong) {
			return err
		}
	}
	return err
}

// mostMembers bounds how many members are put right, one after the other.
const mostMembers = 64

// wanted is a member that encoding/json has stumbled over, and what it wants to find there.
type wanted struct {
	member string
	kind   reflect.Kind // Int for whole numbers, Float64, Bool, String, Slice, or Invalid for what cannot be put right
	loose  bool
}

func wantedBy(wrong *json.UnmarshalTypeError, loose looseness) wanted {
	if wrong.Type == nil {
		return wanted{}
	}
	path := strings.Split(wrong.Field, ".")
	for len(path) > 1 && isIndex(path[len(path)-1]) {
		path = path[:len(path)-1] // the second version of encoding/json names elements of arrays, too
	}
	w := wanted{member: path[len(path)-1], loose: loose.scalars}
	switch kind := wrong.Type.Kind(); {
	case kind >= reflect.Int && kind <= reflect.Uint64:
		w.kind = reflect.Int
	case kind == reflect.Float32 || kind == reflect.Float64:
		w.kind = reflect.Float64
	case kind == reflect.Bool, kind == reflect.String && loose.scalars, kind == reflect.Slice && loose.lists:
		w.kind = kind
	}
	return w
}

func isIndex(step string) bool { return step != "" && strings.Trim(step, "0123456789") == "" }

// putRight rewrites the values of the wanted member to what is wanted there. Where that is a whole number, it
// rewrites all numbers that are whole to plain digits. The text is valid JSON.
func putRight(data []byte, want wanted) []byte {
	plain := make([]byte, 0, len(data))
	name, value := "", false // of the member, and whether what comes next is its value
	for i := 0; i < len(data); {
		end := endOfToken(data, i)
		token := data[i:end]
		i = end
		switch {
		case token[0] == '"' && bytes.HasPrefix(bytes.TrimLeft(data[end:], " \t\r\n"), []byte(":")):
			name, value = string(token[1:len(token)-1]), true
			plain = append(plain, token...)
			continue
		case bytes.ContainsAny(token[:1], ": \t\r\n"):
			plain = append(plain, token...)
			continue
		case want.kind == reflect.Slice && strings.EqualFold(name, want.member) && value && token[0] == '{':
			i = endOfObject(data, end)
			token = slices.Concat([]byte("["), data[end-1:i], []byte("]"))
		case want.kind != reflect.Invalid && strings.EqualFold(name, want.member) && isScalar(token): // as encoding/json compares
			token = want.scalar(token)
		case want.kind == reflect.Int && !want.loose && partOfWord(token[0]): // where text may be a number, 9.0 is not 9
			if digits, ok := whole(token); ok {
				token = digits
			}
		}
		plain, value = append(plain, token...), false
	}
	return plain
}

// endOfObject returns the place after the object that i is in.
func endOfObject(data []byte, i int) int {
	for depth := 1; depth > 0 && i < len(data); {
		switch data[i] {
		case '{':
			depth++
		case '}':
			depth--
		}
		i = endOfToken(data, i)
	}
	return i
}

// endOfToken returns the place after the string, the number or the word that begins at i, or after one byte.
func endOfToken(data []byte, i int) int {
	if data[i] == '"' {
		return endOfString(data, i)
	}
	end := i
	for end < len(data) && partOfWord(data[end]) {
		end++
	}
	return max(end, i+1)
}

// partOfWord reports whether a byte is part of a number, or of true, false or null.
func partOfWord(b byte) bool {
	return 'a' <= b && b <= 'z' || '0' <= b && b <= '9' || b == '+' || b == '-' || b == '.' || b == 'E'
}

func isScalar(token []byte) bool { return token[0] == '"' || partOfWord(token[0]) }

// scalar returns a value in the form that is wanted, or as it is.
func (w wanted) scalar(token []byte) []byte {
	inside := bytes.Trim(token, `"`)
	quoted := token[0] == '"'
	switch w.kind {
	case reflect.Int:
		if digits, ok := whole(inside); ok {
			return digits
		}
	case reflect.Float64:
		if quoted && len(inside) > 0 && partOfWord(inside[0]) && json.Valid(inside) {
			return inside
		}
	case reflect.Bool:
		return w.truth(token, inside, quoted)
	case reflect.String:
		if !quoted && !bytes.Equal(token, []byte("null")) {
			return []byte(`"` + string(token) + `"`)
		}
	default: // what cannot be put right
	}
	return token
}

// truth returns a truth value that was written as text or, loosely, as a number.
func (w wanted) truth(token, inside []byte, quoted bool) []byte {
	switch text := strings.ToLower(string(inside)); {
	case quoted && (text == "true" || text == "false"):
		return []byte(text)
	case w.loose && text == "1":
		return []byte("true")
	case w.loose && (text == "0" || text == ""):
		return []byte("false")
	default:
		return token
	}
}

// endOfString returns the place after the string that begins at i.
func endOfString(data []byte, i int) int {
	for i++; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

// whole returns a number in plain digits, if it is whole and safe to write so.
func whole(number []byte) ([]byte, bool) {
	if n, err := strconv.ParseInt(string(number), 10, 64); err == nil {
		return strconv.AppendInt(nil, n, 10), true
	}
	f, err := strconv.ParseFloat(string(number), 64)
	const exact = 1 << 53
	if err != nil || f != f || f < -exact || f > exact || f != float64(int64(f)) {
		return nil, false
	}
	return strconv.AppendInt(nil, int64(f), 10), true
}
