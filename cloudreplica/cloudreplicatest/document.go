package cloudreplicatest

// document is what an answer says, in whatever encoding: the attributes and elements of XML, in the order of the
// schema, which are all properties in JSON.
type document struct {
	name       string // of the element; in JSON that of a whole document is nowhere
	attributes []property
	elements   []property
	base       []property // Name, UID, Links, Href and Type, which in JSON come last
}

// property is a named value: a string, bool, int, *document, link, links, *list, blank, or nil for one that is not set.
type property struct {
	name  string
	value any
}

// blank is text that is never shown: 9.5 U4 wrote it as empty, later builds do as if it were not set.
type blank struct{}

// list is a list in a wrapper. What the items are called in XML gives the JSON array its name, with an s.
type list struct {
	item  string
	count int
	at    func(int) any // a *document or a string
	found bool          // whether it was asked for, and so is there also without items
}

// texts is a list of texts.
func texts(item string, values []string) *list {
	return &list{item: item, count: len(values), at: func(i int) any { return values[i] }}
}

// listOf is a list of documents that are made of what is in a slice.
func listOf[T any](item string, of []T, show func(T) *document) *list {
	return &list{item: item, count: len(of), at: func(i int) any { return show(of[i]) }}
}

// plural is what a JSON array of items is called.
func plural(item string) string {
	if item[len(item)-1] == 's' {
		return item
	}
	return item + "s"
}

// link is one of the links of a resource.
type link struct{ rel, kind, href, name string }

// links are in a wrapper in XML, and a bare array in JSON.
type links []link

// set is a property that is there.
func set(name string, value any) property { return property{name, value} }

// given is a property that is not set where it has no value.
func given[T comparable](name string, value T) property {
	var none T
	if value == none {
		return property{name, nil}
	}
	return property{name, value}
}

// resource begins a document of something that has an address.
func resource(name, kind, href string, of links) *document {
	return &document{name: name, base: []property{{"Links", of}, {"Href", href}, {"Type", kind}}}
}

// entity begins a document of something that also has a name and an id.
func entity(name, kind, href, called, uid string, of links) *document {
	return &document{name: name, base: []property{{"Name", called}, {"UID", uid}, {"Links", of}, {"Href", href}, {"Type", kind}}}
}

// with adds elements.
func (d *document) with(elements ...property) *document {
	d.elements = append(d.elements, elements...)
	return d
}

// marked adds attributes of its own.
func (d *document) marked(attributes ...property) *document {
	d.attributes = append(d.attributes, attributes...)
	return d
}

// part is a document that stands in another, and has no address.
func part(elements ...property) *document { return &document{elements: elements} }

// collection is a whole document that is nothing but a list.
func collection(name string, items *list) *document {
	return &document{name: name, elements: []property{{"", items}}}
}
