package cloudreplica

import (
	"net/url"
	"strings"
)

// UID is an identifier, as in "urn:veeam:CloudTenant:72573c8f-0d94-48c3-aa17-c9ee6f3f7dd0".
type UID string

// uidPrefix begins all UIDs of the service.
const uidPrefix = "urn:veeam:"

// ID returns the last part of the UID, which is what the methods of this package take.
func (u UID) ID() string { return string(u[strings.LastIndexByte(string(u), ':')+1:]) }

// Type returns what the UID is of, as in "CloudTenant", or nothing if it is no UID of the service.
func (u UID) Type() string {
	parts := strings.Split(string(u), ":")
	if len(parts) != 4 || !strings.EqualFold(parts[0], "urn") || !strings.EqualFold(parts[1], "veeam") {
		return ""
	}
	return parts[2]
}

// Links say where a resource leads. Addresses in them are the service's own idea of its name, which need not be one
// that it can be reached by: the client takes ids from them, and follows none.
type Links []Link

// Find returns the first link of a relation and a type, as in links.Find(RelUp, "CloudReplicaReference"), in any letter
// case. An empty type takes any.
func (l Links) Find(rel Rel, linkType string) (link Link, found bool) {
	for _, one := range l {
		if strings.EqualFold(string(one.Rel), string(rel)) && (linkType == "" || strings.EqualFold(one.Type, linkType)) {
			return one, true
		}
	}
	return Link{}, false
}

// ID returns the id in the address of what the link leads to, or nothing if there is none.
func (l Link) ID() string { return idOf(l.Href) }

// ID returns the id of the entity, which is what the methods of this package take.
func (e Entity) ID() string { return e.UID.ID() }

// idOf returns the last part of the path of an address, whatever host it names.
func idOf(href string) string {
	path, _, _ := strings.Cut(href, "?")
	path, _, _ = strings.Cut(path, "#")
	if _, rest, hasHost := strings.Cut(path, "://"); hasHost {
		_, path, _ = strings.Cut(rest, "/")
	}
	id, err := url.PathUnescape(path[strings.LastIndexByte(path, '/')+1:])
	if err != nil {
		return ""
	}
	return id
}
