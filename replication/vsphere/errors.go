package vsphere

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// decodeError reads the error body of the service. Where it has none by its own documentation, none is taken for
// its own: an answer of 401 or 404.
func decodeError(status int, body []byte) (transport.ServiceError, bool) {
	if (status == 401 || status == 404) && len(bytes.TrimSpace(body)) == 0 {
		return transport.ServiceError{}, true
	}
	var said struct {
		Code    string `json:"error_code"`
		Message string `json:"message"`
		ID      string `json:"op_id"`
	}
	if json.Unmarshal(body, &said) != nil || said.Code == "" && said.Message == "" && said.ID == "" {
		return transport.ServiceError{}, false
	}
	failure := transport.ServiceError{Code: said.Code, Message: said.Message}
	if said.ID != "" { // by which the appliance's logs tell it from others
		failure.Message = strings.TrimSpace(failure.Message + " (op_id " + said.ID + ")")
		failure.Args = []string{"op_id=" + said.ID}
	}
	return failure, true
}

// identified is an answer that can tell whether it is what was asked for: an answer of another kind, such as the
// {"status":"ok"} of a gateway, decodes into any struct and leaves it empty.
type identified interface{ identified() error }

// identify refuses an answer of another kind. One that says what could not be filled in is of the right one; but a task
// without its id is of no use.
func identify(answer identified) error {
	err := answer.identified()
	said, partial := answer.(described)
	if err == nil || !partial || len(said.metadata().Errors) == 0 {
		return err
	}
	if _, isTask := answer.(*Task); !isTask {
		return nil
	}
	return fmt.Errorf("%w: %w", err, said.metadata().Err())
}

func (s SessionInfo) identified() error     { return needs("session", "username", s.Username) }
func (v VRMSInfo) identified() error        { return needs("management server", "id", v.ID) }
func (p Pairing) identified() error         { return needs("pairing", "pairing_id", p.PairingID) }
func (r ReplicationInfo) identified() error { return needs("replication", "id", r.ID) }
func (t Task) identified() error            { return needs("task", "id", t.ID) }
func (i InventoryItem) identified() error   { return needs("item of the inventory", "id", i.ID) }

func (i PointInTimeInstance) identified() error { return needs("point in time", "id", i.ID) }

func (s ReplicationServerInfo) identified() error {
	return needs("replication server", "id", s.ID+s.UUID)
}

func (c VMCapabilities) identified() error {
	return needs("capability", "vm_validation_status", c.VMID+string(c.VMValidationStatus))
}

func (i ReplicationImage) identified() error {
	if i.VMIDs != nil {
		return nil
	}
	return needs("image", "id", i.ID+i.InstanceID)
}

func needs(what, member, value string) error {
	if value == "" {
		return errors.New("a " + what + " without " + member)
	}
	return nil
}

// nextOffset returns where the page begins that a link leads to; 0 if it does not say. Of the link nothing else is
// taken: the request goes to the address that the client has, under whatever name the appliance knows itself.
func nextOffset(href string) int {
	link, err := url.Parse(href)
	if err != nil {
		return 0
	}
	return wholeNumber(link.Query().Get("offset"))
}

// noImage says what a 404 means where the active image was asked for.
func noImage(err error) error {
	var answer *drkit.Error
	if !errors.As(err, &answer) || !errors.Is(answer, drkit.ErrNotFound) || answer.Message != "" {
		return err
	}
	none := *answer
	none.Message = "no active image, unless there is no such replication at this site, or the appliance is too old to know images"
	return &none
}
