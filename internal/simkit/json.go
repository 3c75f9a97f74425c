package simkit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// deepest is how deep a request may nest; no contract needs more than a dozen levels.
const deepest = 64

// readJSON reads one JSON value and nothing after it. Objects become map[string]any, arrays []any, numbers
// json.Number. Unlike json.Unmarshal it refuses members that come twice, bytes after the value and text
// that is not UTF-8.
func readJSON(body []byte) (any, error) {
	if !utf8.Valid(body) {
		return nil, errors.New("the body is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	value, err := readValue(decoder, "$", 0)
	if err != nil {
		return nil, err
	}
	if rest := bytes.TrimSpace(body[decoder.InputOffset():]); len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow the JSON value", len(rest))
	}
	return value, nil
}

func readValue(decoder *json.Decoder, at string, depth int) (any, error) {
	if depth > deepest {
		return nil, fmt.Errorf("%s: more than %d levels", at, deepest)
	}
	token, err := decoder.Token()
	if err != nil {
		return nil, explain(at, err)
	}
	switch token {
	case json.Delim('{'):
		return readObject(decoder, at, depth)
	case json.Delim('['):
		return readArray(decoder, at, depth)
	default:
		return token, nil
	}
}

func readObject(decoder *json.Decoder, at string, depth int) (any, error) {
	object := map[string]any{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return nil, explain(at, err)
		}
		name, _ := token.(string) // the decoder lets nothing else stand there
		inside := at + "." + name
		if _, twice := object[name]; twice {
			return nil, fmt.Errorf("%s comes twice", inside)
		}
		if object[name], err = readValue(decoder, inside, depth+1); err != nil {
			return nil, err
		}
	}
	return object, closeDelim(decoder, at)
}

func readArray(decoder *json.Decoder, at string, depth int) (any, error) {
	array := []any{}
	for decoder.More() {
		value, err := readValue(decoder, fmt.Sprintf("%s[%d]", at, len(array)), depth+1)
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	return array, closeDelim(decoder, at)
}

func closeDelim(decoder *json.Decoder, at string) error {
	if _, err := decoder.Token(); err != nil {
		return explain(at, err)
	}
	return nil
}

// explain says where a value is no JSON. Both implementations of encoding/json have their own errors for
// one that is cut off.
func explain(at string, err error) error {
	var syntax *json.SyntaxError
	cutOff := errors.As(err, &syntax) && syntax.Error() == "unexpected end of JSON input"
	if cutOff || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the JSON value ends too early")
	}
	return fmt.Errorf("%s: %w", at, err)
}
