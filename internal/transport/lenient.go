package transport

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strconv"
	"strings"
)

// Unmarshal decodes an answer. Services write whole numbers also as 5.0, 5e3 or "5": where encoding/json
// stumbles over one, the text is put right and decoded once more. The ordinary answer costs nothing.
func Unmarshal(data []byte, out any) error {
	err := json.Unmarshal(data, out)
	var wrong *json.UnmarshalTypeError
	if !errors.As(err, &wrong) || !json.Valid(data) {
		return err
	}
	for range mostMembers {
		plain := wholeNumbers(data, memberOf(wrong))
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

// mostMembers bounds how many members with numbers in quotes are put right, one after the other.
const mostMembers = 64

// memberOf returns the name of the member that wants a whole number, or something that no member is
// called.
func memberOf(wrong *json.UnmarshalTypeError) string {
	if wrong.Type == nil || wrong.Type.Kind() < reflect.Int || wrong.Type.Kind() > reflect.Uint64 {
		return "\x00"
	}
	path := strings.Split(wrong.Field, ".")
	for len(path) > 1 && isIndex(path[len(path)-1]) {
		path = path[:len(path)-1] // the second version of encoding/json names elements of arrays, too
	}
	return path[len(path)-1]
}

func isIndex(step string) bool { return step != "" && strings.Trim(step, "0123456789") == "" }

// wholeNumbers rewrites all numbers that are whole to plain digits, and takes the quotes off those that
// are values of a member: only there is it known that a number is wanted. The text is valid JSON.
func wholeNumbers(data []byte, member string) []byte {
	plain := make([]byte, 0, len(data))
	name := ""
	for i := 0; i < len(data); {
		end := i + 1
		switch c := data[i]; {
		case c == '"':
			end = endOfString(data, i)
			token := data[i:end]
			inside := token[1 : len(token)-1]
			if bytes.HasPrefix(bytes.TrimLeft(data[end:], " \t\r\n"), []byte(":")) {
				name = string(inside)
			} else if digits, ok := whole(inside); ok && name == member {
				token = digits
			}
			plain = append(plain, token...)
		case c == '-' || '0' <= c && c <= '9':
			for end < len(data) && strings.IndexByte("0123456789+-.eE", data[end]) >= 0 {
				end++
			}
			token := data[i:end]
			if digits, ok := whole(token); ok {
				token = digits
			}
			plain = append(plain, token...)
		default:
			plain = append(plain, c)
		}
		i = end
	}
	return plain
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
