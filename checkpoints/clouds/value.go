package clouds

import (
	"errors"
	"fmt"
	"strings"

	"gopkg.in/yaml.v3"
)

// section is a mapping of YAML.
type section map[string]value

// value is a value of YAML. Scalars are what stands there: a password of digits is no number.
type value struct {
	text    string
	members section // nil unless it is a mapping
	list    []value // likewise for a sequence
}

// mostNodes bounds what a file means, however short it is: aliases can make much of little, or go round in a circle.
const mostNodes = 100_000

var errTooMuch = errors.New("has aliases that mean too much")

// parse reads a file.
func parse(file string, text []byte) (value, error) {
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		return value{}, unreadable(file, err)
	}
	r := reader{left: mostNodes}
	v, err := r.value(&document, 0)
	if err != nil {
		return value{}, fmt.Errorf("%s %w", file, err)
	}
	return v, nil
}

// unreadable says where a file is wrong. What the YAML library says may repeat what stands there, and in these files
// that may be a password.
func unreadable(file string, err error) error {
	if place, _, found := strings.Cut(strings.TrimPrefix(err.Error(), "yaml: "), ":"); found && strings.HasPrefix(place, "line ") {
		return fmt.Errorf("%s: %s is not YAML", file, place)
	}
	return fmt.Errorf("%s is not YAML", file)
}

// reader turns nodes into values.
type reader struct{ left int }

// deepest is how far one value may lie within others.
const deepest = 50

func (r *reader) value(node *yaml.Node, depth int) (value, error) {
	r.left--
	if r.left < 0 || depth > deepest {
		return value{}, errTooMuch
	}
	var v value
	var err error
	switch node.Kind {
	case yaml.DocumentNode:
		return r.value(node.Content[0], depth)
	case yaml.AliasNode:
		return r.value(node.Alias, depth+1)
	case yaml.MappingNode:
		v.members, err = r.mapping(node, depth+1)
	case yaml.SequenceNode:
		for _, element := range node.Content {
			inner, wrong := r.value(element, depth+1)
			if wrong != nil {
				return value{}, wrong
			}
			v.list = append(v.list, inner)
		}
	case yaml.ScalarNode:
		if node.ShortTag() != "!!null" {
			v.text = node.Value
		}
	}
	return v, err
}

// mapping reads the members of a mapping, and below them those of the mappings that it says to merge.
func (r *reader) mapping(node *yaml.Node, depth int) (section, error) {
	own, merged := section{}, section{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		inner, err := r.value(node.Content[i+1], depth)
		if err != nil {
			return nil, err
		}
		if key.ShortTag() != "!!merge" {
			own[key.Value] = inner
			continue
		}
		for _, source := range append([]value{{members: inner.members}}, inner.list...) {
			for name, member := range source.members {
				if _, earlier := merged[name]; !earlier {
					merged[name] = member
				}
			}
		}
	}
	for name, member := range own {
		merged[name] = member
	}
	return merged, nil
}
