package checkpointstest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Flavour is which of the clouds a server plays.
type Flavour string

// The flavours. Open Telekom Cloud documents a subset: it answers operations that only Huawei Cloud has as an
// unknown route, and leaves out members that only Huawei Cloud shows.
const (
	OpenTelekomCloud Flavour = "Open Telekom Cloud"
	HuaweiCloud      Flavour = "Huawei Cloud"
)

// Spelling is how a member is written where the clouds, or a guide with itself, do not agree.
type Spelling string

// The spellings. Which of them an option takes is written there.
const (
	AsNumber Spelling = "number"
	AsText   Spelling = "text"
	AsArray  Spelling = "array"
	AsObject Spelling = "object"
)

// TimeSpelling is how times are written.
type TimeSpelling string

// The time spellings of the guides.
//
// Source: Cloud Backup and Recovery API reference, examples.
const (
	TimesMixed    TimeSpelling = "mixed"                      // each structure has the one of its example
	TimesNoZone   TimeSpelling = "2006-01-02T15:04:05.000000" // UTC, which it does not say
	TimesOffset   TimeSpelling = "2006-01-02T15:04:05.000-07:00"
	TimesZulu     TimeSpelling = "2006-01-02T15:04:05Z07:00"
	TimesSpaced   TimeSpelling = "2006-01-02 15:04:05" // UTC, which it does not say
	timeUndefined TimeSpelling = ""
)

// UnauthorizedForm is how the service answers credentials that it does not take.
type UnauthorizedForm string

// The forms of a 401.
const (
	GatewayErrors  UnauthorizedForm = "gateway"  // error_code APIGW.0301
	IAMErrors      UnauthorizedForm = "IAM"      // error_code IAM.0066, IAM.0067 or IAM.0001
	KeystoneErrors UnauthorizedForm = "Keystone" // error {code, message, title}
)

// quirks are how answers are written.
type quirks struct {
	sizes             Spelling
	enterpriseProject Spelling
	tagValues         Spelling
	resourceDetail    Spelling
	times             TimeSpelling
	zone              *time.Location
	unauthorized      UnauthorizedForm
	keystoneErrors    bool // of the identity service
	restoreJobID      *bool
	barePages         bool
	unknownMalformed  bool
}

// complete fills in what is usual in a flavour.
func (q *quirks) complete(flavour Flavour) {
	hwc := flavour == HuaweiCloud
	pick := func(to *Spelling, here, elsewhere Spelling) {
		switch {
		case *to != "":
		case hwc:
			*to = elsewhere
		default:
			*to = here
		}
	}
	pick(&q.sizes, AsText, AsText)
	pick(&q.enterpriseProject, AsNumber, AsText)
	pick(&q.tagValues, AsArray, AsArray)
	pick(&q.resourceDetail, AsArray, AsObject)
	if q.times == timeUndefined {
		q.times = TimesMixed
	}
	if q.zone == nil {
		q.zone = time.UTC
	}
	if q.unauthorized == "" {
		q.unauthorized = GatewayErrors
	}
	if q.restoreJobID == nil {
		q.restoreJobID = &hwc
	}
}

// SizesAs says how a checkpoint spells the sizes and counts of its resources: [AsText], as the table has it and
// clients that work have found, or [AsNumber], as the example has it. The default is text.
//
// Source: Cloud Backup and Recovery API reference, "Querying a Restore Point".
func SizesAs(spelling Spelling) Option {
	return spell("SizesAs", spelling, func(q *quirks) *Spelling { return &q.sizes }, AsText, AsNumber)
}

// EnterpriseProjectAs says how enterprise_project_id is spelled: [AsNumber], as in every example, or [AsText], as
// the tables have it. By default Open Telekom Cloud sends a number and Huawei Cloud text.
//
// Source: Cloud Backup and Recovery API reference, "Querying a Vault", example.
func EnterpriseProjectAs(spelling Spelling) Option {
	return spell("EnterpriseProjectAs", spelling, func(q *quirks) *Spelling { return &q.enterpriseProject }, AsText, AsNumber)
}

// TagValuesAs says how the values of a project's tags are spelled: [AsArray], as in the example, or [AsText], as
// the tables have it, joined by commas. The default is an array.
//
// Source: Cloud Backup and Recovery API reference, "Querying Tags of Vaults in a Project".
func TagValuesAs(spelling Spelling) Option {
	return spell("TagValuesAs", spelling, func(q *quirks) *Spelling { return &q.tagValues }, AsArray, AsText)
}

// ResourceDetailAs says how the tag filter shows the vault that it has found: [AsArray] of vaults, as the tables of
// Open Telekom Cloud have it, or [AsObject] with the member vault, as clients of Huawei Cloud read it. Each is the
// default of its flavour.
//
// Source: Cloud Backup and Recovery API reference, "Querying Vaults by Tag".
func ResourceDetailAs(spelling Spelling) Option {
	return spell("ResourceDetailAs", spelling, func(q *quirks) *Spelling { return &q.resourceDetail }, AsArray, AsObject)
}

func spell(option string, spelling Spelling, member func(*quirks) *Spelling, allowed ...Spelling) Option {
	return func(c *config) error {
		for _, one := range allowed {
			if spelling == one {
				*member(&c.quirks) = spelling
				return nil
			}
		}
		return fmt.Errorf("%s: %q is none of %q", option, spelling, allowed)
	}
}

// TimesAs lets all times be written in one spelling. The default is [TimesMixed].
func TimesAs(spelling TimeSpelling) Option {
	return func(c *config) error {
		switch spelling {
		case TimesMixed, TimesNoZone, TimesOffset, TimesZulu, TimesSpaced:
			c.quirks.times = spelling
			return nil
		default:
			return fmt.Errorf("TimesAs: %q is no spelling of the guides", spelling)
		}
	}
}

// stamp is a time in an answer.
type stamp struct {
	at     time.Time
	layout TimeSpelling
	zone   *time.Location
}

// MarshalJSON writes an empty string for the zero time.
func (s stamp) MarshalJSON() ([]byte, error) {
	if s.at.IsZero() {
		return []byte(`""`), nil
	}
	at := s.at.UTC()
	if s.layout == TimesOffset || s.layout == TimesZulu {
		at = s.at.In(s.zone)
	}
	return json.Marshal(at.Format(string(s.layout)))
}

// stamp writes a time as its structure does, or as the options say.
func (q *quirks) stamp(at time.Time, usual TimeSpelling) stamp {
	if q.times != TimesMixed {
		usual = q.times
	}
	return stamp{at: at, layout: usual, zone: q.zone}
}

// size is a number that may come as text.
func (q *quirks) size(n int) any {
	if q.sizes == AsText {
		return strconv.Itoa(n)
	}
	return n
}

// enterpriseProjectID is a number or text. An id that is no number is text in any case.
func (q *quirks) enterpriseProjectID(id string) any {
	if number, err := strconv.Atoi(id); err == nil && q.enterpriseProject == AsNumber {
		return number
	}
	return id
}

// TimesIn lets times that name their zone be written in this one. The default is UTC.
func TimesIn(zone *time.Location) Option {
	return func(c *config) error {
		if zone == nil {
			return errors.New("TimesIn: the zone is nil")
		}
		c.quirks.zone = zone
		return nil
	}
}

// UnauthorizedAs says how the backup service answers credentials that it does not take: as [GatewayErrors] by
// default, or as [IAMErrors] or [KeystoneErrors]. The forms of signed requests do not change.
func UnauthorizedAs(form UnauthorizedForm) Option {
	return func(c *config) error {
		if form != GatewayErrors && form != IAMErrors && form != KeystoneErrors {
			return fmt.Errorf("UnauthorizedAs: there is no form %q", form)
		}
		c.quirks.unauthorized = form
		return nil
	}
}

// SignInErrorsAs says in which form the identity service answers errors: as [IAMErrors] by default, or as
// [KeystoneErrors].
func SignInErrorsAs(form UnauthorizedForm) Option {
	return func(c *config) error {
		if form != IAMErrors && form != KeystoneErrors {
			return fmt.Errorf("SignInErrorsAs: there is no form %q", form)
		}
		c.quirks.keystoneErrors = form == KeystoneErrors
		return nil
	}
}

// RestoreNamesTask says whether the answer to a restore names its task in job_id. The guides document an empty
// answer, and clients of Huawei Cloud read the id: each is the default of its flavour.
//
// Source: Cloud Backup and Recovery API reference, "Restoring Data Using a Backup".
func RestoreNamesTask(names bool) Option {
	return func(c *config) error {
		c.quirks.restoreJobID = &names
		return nil
	}
}

// BarePages leaves limit and offset out of the answers of lists, as the examples of the guide do.
func BarePages() Option {
	return func(c *config) error {
		c.quirks.barePages = true
		return nil
	}
}

// UnknownIDsAreMalformed answers ids that nobody knows like ids that are none: 401, "Malformed request url".
func UnknownIDsAreMalformed() Option {
	return func(c *config) error {
		c.quirks.unknownMalformed = true
		return nil
	}
}
