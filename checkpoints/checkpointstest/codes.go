package checkpointstest

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Error codes that the simulator answers by itself; a [Fault] can answer any other.
//
// Source: Cloud Backup and Recovery API reference, "Error Codes"; Identity and Access Management API reference,
// "Error Codes"; API gateway, error codes.
const (
	CodeNothingToBackUp       = "BackupService.0001"
	CodeBeingBackedUp         = "BackupService.0002" // 500: try again later
	CodeRegionCannotReplicate = "BackupService.1005" // 500, although it is the caller's doing
	CodeImportFailed          = "BackupService.1006"
	CodeProjectCannot         = "BackupService.1011"
	CodeDiskTooSmall          = "BackupService.2001"
	CodeRestoreDuringBackup   = "BackupService.2002"
	CodeOtherServer           = "BackupService.2003"
	CodeBackupStatus          = "BackupService.2005"
	CodeServerGone            = "BackupService.2007"
	CodeServerStatus          = "BackupService.2008"
	CodeBeingRestored         = "BackupService.2010"
	CodeDisksCannot           = "BackupService.2012"
	CodeOntoSystemDisk        = "BackupService.2013"
	CodeNoMigration           = "BackupService.4001" // 404
	CodePolicyNotFound        = "BackupService.6000" // 404
	CodeTooManyPolicies       = "BackupService.6001"
	CodePolicyNotApplied      = "BackupService.6002" // 404
	CodeRegionFixed           = "BackupService.6003"
	CodeTooManyResources      = "BackupService.6100"
	CodeInvalidCapacity       = "BackupService.6101"
	CodeResourceTypeOfVault   = "BackupService.6102"
	CodeResourceInVault       = "BackupService.6103"
	CodeDuplicateResources    = "BackupService.6104"
	CodeVaultNotFound         = "BackupService.6105" // 404
	CodeCannotAssociate       = "BackupService.6108"
	CodeCannotUpdate          = "BackupService.6110"
	CodeCannotDelete          = "BackupService.6111"
	CodeVaultForbidsBackup    = "BackupService.6113"
	CodeVaultFull             = "BackupService.6114"
	CodeDestinationCheck      = "BackupService.6118"
	CodeDestinationCannot     = "BackupService.6119"
	CodeDestinationMissing    = "BackupService.6120" // 400, not 404
	CodeCannotBeReplicated    = "BackupService.6122"
	CodeTypeForbidsBackup     = "BackupService.6124"
	CodeBackupRunning         = "BackupService.6125"
	CodePolicyDoesNotFit      = "BackupService.6127"
	CodeVaultCannotReplicate  = "BackupService.6128"
	CodeDestinationFull       = "BackupService.6129"
	CodeBeingReplicated       = "BackupService.6130"
	CodeTooManyVaults         = "BackupService.6133"
	CodeBeingRemoved          = "BackupService.6134"
	CodeNotInVault            = "BackupService.6135"
	CodeBackupNotFound        = "BackupService.6200" // 404
	CodeCannotDeleteBackup    = "BackupService.6201"
	CodeVaultNotAvailable     = "BackupService.6202"
	CodeNoMetadata            = "BackupService.6206"
	CodeBackupInUse           = "BackupService.6216"
	CodeCheckpointNotFound    = "BackupService.6217" // 404
	CodeLockedVault           = "BackupService.6220"
	CodeResourceNotFound      = "BackupService.6302" // 404
	CodeTaskNotFound          = "BackupService.6500" // 404
	CodeTooManyTags           = "BackupService.6600"
	CodeTagNotFound           = "BackupService.6601" // 404
	CodeOnlyServers           = "BackupService.6700"
	CodeOnlyAvailable         = "BackupService.6702"
	CodeSharedAlready         = "BackupService.6703"
	CodeInvalidMember         = "BackupService.6704"
	CodeMemberNotFound        = "BackupService.6705" // 404
	CodeInvalidMemberUpdate   = "BackupService.6706"
	CodeSharingVaultStatus    = "BackupService.6712"
	CodeSharingVaultType      = "BackupService.6713"
	CodeDiskNotFound          = "BackupService.7000" // 404
	CodeDiskStatus            = "BackupService.7003"
	CodeDiskInVault           = "BackupService.7006"
	CodeServerNotFound        = "BackupService.7100" // 404
	CodeServerForbidsBackup   = "BackupService.7101"
	CodeServerInVault         = "BackupService.7116"
	CodeCannotSync            = "BackupService.7300"
	CodeBeingSynchronized     = "BackupService.7302"
	CodeInvalidParameter      = "BackupService.9900"
	CodeUnknown               = "BackupService.9910" // 500

	CodeRouteUnknown   = "APIGW.0101" // 404
	CodeTokenRefused   = "APIGW.0301" // 401
	CodeSignature      = "APIGW.0303" // 401
	CodeThrottled      = "APIGW.0308" // 429
	CodeBackendDown    = "APIGW.0201" // 502, 503 and 504
	CodeNotPermitted   = "IAM.0002"   // 403
	CodeForbidden      = "IAM.0003"   // 403
	CodeNoCredentials  = "IAM.0001"   // 401
	CodeNotFound       = "IAM.0004"   // 404
	CodeIAMFailed      = "IAM.0006"   // 500
	CodeIAMThrottled   = "IAM.0012"   // 429
	CodeUserLocked     = "IAM.0061"   // 401
	CodeWrongPassword  = "IAM.0062"   // 401
	CodeTokenExpired   = "IAM.0066"   // 401
	CodeInvalidToken   = "IAM.0067"   // 401
	CodeUserDisabled   = "IAM.0080"   // 403
	CodeAgencyDisabled = "IAM.0082"   // 403
)

// refusal is an answer with which the service does nothing, or the failure of a task.
type refusal struct {
	status  int
	code    string
	message string
	form    errorForm
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s: %s", r.status, r.code, r.message) }

// in is the same refusal in another form.
func (r *refusal) in(form errorForm) *refusal {
	same := *r
	same.form = form
	return &same
}

// refuse makes a refusal with the status of its code, which is nearly always 400.
func refuse(code, format string, arguments ...any) *refusal {
	return &refusal{status: statusOf(code), code: code, message: fmt.Sprintf(format, arguments...)}
}

func statusOf(code string) int {
	if status, known := statuses[code]; known {
		return status
	}
	return http.StatusBadRequest
}

// statuses are those of codes that are not 400.
var statuses = map[string]int{
	CodeBeingBackedUp: 500, CodeRegionCannotReplicate: 500, CodeImportFailed: 500, CodeUnknown: 500,
	"BackupService.8600": 403, "BackupService.9998": 500, "BackupService.6132": 500, "BackupService.8400": 500,
	CodeNoMigration: 404, CodePolicyNotFound: 404, CodePolicyNotApplied: 404, CodeVaultNotFound: 404,
	CodeBackupNotFound: 404, CodeCheckpointNotFound: 404, CodeResourceNotFound: 404, CodeTaskNotFound: 404,
	"BackupService.6501": 404, CodeTagNotFound: 404, CodeMemberNotFound: 404, CodeDiskNotFound: 404,
	CodeServerNotFound: 404, "BackupService.7202": 404, "BackupService.6402": 404,
	CodeRouteUnknown: 404, CodeTokenRefused: 401, CodeSignature: 401, CodeThrottled: 429, CodeBackendDown: 503,
	CodeNoCredentials: 401, CodeNotPermitted: 403, CodeForbidden: 403, CodeNotFound: 404, CodeIAMFailed: 500,
	CodeIAMThrottled: 429, CodeUserLocked: 401, CodeWrongPassword: 401, CodeTokenExpired: 401, CodeInvalidToken: 401,
	CodeUserDisabled: 403, CodeAgencyDisabled: 403,
}

// usualCode is the code of a status that a fault answers without naming one.
func usualCode(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return CodeTokenRefused
	case status == http.StatusForbidden:
		return CodeNotPermitted
	case status == http.StatusNotFound:
		return CodeRouteUnknown
	case status == http.StatusTooManyRequests:
		return CodeThrottled
	case status > http.StatusInternalServerError:
		return CodeBackendDown
	case status == http.StatusInternalServerError:
		return CodeUnknown
	default:
		return CodeInvalidParameter
	}
}

// errorForm is how the body of an error looks.
type errorForm int

const (
	flatForm         errorForm = iota // {"error_code", "error_msg"}, with the request's id where the gateway answers
	keystoneForm                      // {"error": {"code", "message", "title"}}
	unauthorizedForm                  // {"unauthorized": {"code", "message"}}
	stringForm                        // a bare string
	detailedForm                      // the flat form, and details of what a user may not do
)

// malformed is what an id in the path comes to that is none, or that nobody knows: a 401, although nothing is
// wrong with the credentials.
func malformed() *refusal {
	return &refusal{status: http.StatusUnauthorized, code: "401", message: "Malformed request url", form: unauthorizedForm}
}

// errorAnswer is an error in the format of whoever answers it.
func errorAnswer(err error, requestID string) simkit.Answer {
	var r *refusal
	if !errors.As(err, &r) {
		r = refuse(CodeUnknown, "%s", err)
	}
	var body any
	switch r.form {
	case keystoneForm:
		body = map[string]any{"error": map[string]any{
			"code": r.status, "message": r.message, "title": http.StatusText(r.status),
		}}
	case unauthorizedForm:
		body = map[string]any{"unauthorized": map[string]any{"code": r.code, "message": r.message}}
	case stringForm:
		body = r.message
	case detailedForm:
		body = map[string]any{
			"error_code": r.code, "error_msg": r.message, "encoded_authorization_message": "c2ltdWxhdGVk",
			"details": []any{map[string]any{"error_code": r.code, "error_msg": r.message}},
		}
	default:
		flat := map[string]any{"error_code": r.code, "error_msg": r.message}
		if gatewayCode(r.code) {
			flat["request_id"] = requestID
		}
		body = flat
	}
	return simkit.JSON(r.status, contentType, body)
}

func gatewayCode(code string) bool {
	return len(code) > 5 && (code[:5] == "APIGW" || code[:5] == "APIG.")
}

const contentType = "application/json"
