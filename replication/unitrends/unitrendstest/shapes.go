package unitrendstest

import "strconv"

// object and list are parts of an answer.
type (
	object map[string]any
	list   []any
)

// shape is how an appliance writes its answers.
type shape struct {
	text          bool // numbers and truth values come as text
	single        bool // a list with one element comes as that element
	resultObjects bool // a result comes as an object
	bare          bool // what was made is not told
	otherRoles    bool // roles are spelled as the page of POST /replication/source does
	status        map[requestState]string
}

// BeforeBackupCopy makes the appliance one that is too old for GET /backup-copy/connected_targets, which then
// answers 404. Only newer clients use it; since when there is that path is nowhere documented.
func BeforeBackupCopy() Option {
	return func(c *config) error {
		c.noCopyAPI = true
		return nil
	}
}

// OnlyAcceptedTargets lets GET /replication/targets list a target only from the end of its acceptance on. By
// default it also lists those that are asked and those that have rejected. Nobody documents which it is.
func OnlyAcceptedTargets() Option {
	return func(c *config) error {
		c.onlyAccepted = true
		return nil
	}
}

// NumbersAsText lets the numbers and truth values of answers come as text. The wiki's table calls the id of a
// request text where its sample has a number.
func NumbersAsText() Option {
	return func(c *config) error {
		c.shape.text = true
		return nil
	}
}

// SingleElements lets a list that has one element come as that element.
func SingleElements() Option {
	return func(c *config) error {
		c.shape.single = true
		return nil
	}
}

// ResultObjects lets a result come as an object. By default it is an array, as the wiki says.
func ResultObjects() Option {
	return func(c *config) error {
		c.shape.resultObjects = true
		return nil
	}
}

// BareSuccesses lets requests that make something answer without a body. By default they answer a result with
// the id of what was made; the others always answer without a body unless [Server.Warn] has something to say.
func BareSuccesses() Option {
	return func(c *config) error {
		c.shape.bare = true
		return nil
	}
}

// RequestStatus sets the texts by which GET /systems tells a pending request from a rejected one: "pending" and
// "rejected" by default. Empty ones leave the member out. Only that of an accepted one is documented.
func RequestStatus(forPending, forRejected string) Option {
	return func(c *config) error {
		c.shape.status[pending], c.shape.status[rejected] = forPending, forRejected
		return nil
	}
}

// OtherRoles spells the roles of remote systems as the wiki's page of POST /replication/source does, as in
// "replicating source". By default they are those of the page of GET /systems, as in "Replication Source".
func OtherRoles() Option {
	return func(c *config) error {
		c.shape.otherRoles = true
		return nil
	}
}

// role is what a remote system does.
func (s shape) role(managed, replicating bool) string {
	roles := [...]string{"Managed DPU", "Replication Source", "Non-Managed Replication Source"}
	if s.otherRoles {
		roles = [...]string{"managed system", "replicating source", "non-managed replication source"}
	}
	switch {
	case !replicating:
		return roles[0]
	case managed:
		return roles[1]
	default:
		return roles[2]
	}
}

// render gives a value the shape of the appliance's answers.
func (s shape) render(value any) any {
	switch v := value.(type) {
	case object:
		rendered := map[string]any{}
		for name, member := range v {
			rendered[name] = s.render(member)
		}
		return rendered
	case list:
		if s.single && len(v) == 1 {
			return s.render(v[0])
		}
		rendered := make([]any, 0, len(v))
		for _, element := range v {
			rendered = append(rendered, s.render(element))
		}
		return rendered
	case int:
		if s.text {
			return strconv.Itoa(v)
		}
	case int64:
		if s.text {
			return strconv.FormatInt(v, 10)
		}
	case bool:
		if s.text {
			return strconv.FormatBool(v)
		}
	}
	return value
}

// result wraps the details of a result.
func (s shape) result(detail object) object {
	if s.resultObjects {
		return object{"result": detail}
	}
	return object{"result": list{detail}}
}

// withText adds a member unless its text is empty.
func (o object) withText(name, text string) object {
	if text != "" {
		o[name] = text
	}
	return o
}
