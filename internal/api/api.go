package api

// Class says what may happen to an operation after a transient failure.
type Class uint8

// The classes, from the most to the least repeatable. The zero Class is Once, so that a table that
// forgets a class errs on the side of sending less.
const (
	// Once is sent again only on proof that nothing ran.
	Once Class = iota
	// Replaceable is sent again: the second run leaves what the first left.
	Replaceable
	// Read is sent again: it changes nothing.
	Read
)

// String returns the class as the contract spells it.
func (c Class) String() string {
	switch c {
	case Read:
		return "read"
	case Replaceable:
		return "replaceable"
	default:
		return "once"
	}
}

// Operation is one row of a service's operation table.
type Operation struct {
	Name       string   // resource and method, as in "VMReplications.Failover"
	Method     string   // HTTP verb
	Path       string   // template, with its arguments in braces
	Action     string   // value of the query parameter action, where operations share path and method; else empty
	Class      Class    // what may be repeated
	Refusals   []string // error codes by which the service itself says that nothing was done
	Resend     string   // "untouched": sent anew where tasks and resource both prove that nothing ran; else empty
	Since      string   // first version that has it; empty if unknown
	Roles      []string // one of these is needed; empty if unknown or none
	Privileges []string // all of these are needed; empty if unknown or none
	// What it answers without a session at the other site / while the other site is down, as in "partial/error";
	// empty if it is not stated, or there is no other site.
	Remote       string
	Confidence   string   // documented, client or inferred
	Query        []string // names of the query parameters
	Body         string   // schema of the request body; empty if it takes none
	BodyRequired bool
	Statuses     []int  // success statuses
	Answer       string // schema of the answer; empty if it has none or is a file
	Reference    string // schema of the answer where only a reference is asked for; empty if there is no such form
	TaskResult   string // schema of the result of the task that it answers; empty if not a task or void
	// TaskOperation is what the service calls the work of the task that it answers; empty if unknown.
	TaskOperation string
	Anonymous     bool // needs no session
}

// Schema is the shape of one value. Services that also speak XML have it once for both: what only one of the
// encodings needs is marked.
type Schema struct {
	Name          string
	Root          string // in XML, the name of the element of a whole document; empty if it is that of the schema
	Type          string // object, array, string, integer, number, boolean; empty for any
	Members       []Member
	Items         *Member           // of an array
	Wrapper       string            // in JSON, the one member of the object that holds the array; empty if it is bare
	Values        *Member           // of a map: an object with any member names
	Discriminator string            // of a union: the member that tells the cases apart
	Cases         map[string]string // of a union: value of the discriminator to schema
	Open          bool              // takes members that are not listed
}

// Member is one member of an object, or the element of an array or map.
type Member struct {
	Name      string // of elements, the name of their XML element; empty where there is no XML
	Type      string // as Schema.Type; empty where Schema is set
	Schema    string // schema of an object, array or union value
	Required  bool
	Nullable  bool
	Attribute bool     // in XML, an attribute and not an element
	Enum      []string // known values; the list is open in answers
}

// Table is a service's contract: its operations by name and its schemas by name.
type Table struct {
	Operations []Operation
	Schemas    map[string]Schema
}
