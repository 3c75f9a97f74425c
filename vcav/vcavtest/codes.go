package vcavtest

import (
	"fmt"
	"net/http"
)

// Error codes that the guide names.
const (
	CodeForbidden            = "Forbidden"            // 403: the role does not suffice
	CodeNotAuthenticated     = "NotAuthenticated"     // 401: no session, or refused credentials
	CodeReplicationNotFound  = "ReplicationNotFound"  // 404: no such replication, or not yours
	CodeGeneralServerFailure = "GeneralServerFailure" // 500
	CodeConnectionRefused    = "ConnectionRefused"    // 503, or in a failed task: a site is down; the guide has it only in health information

	// In health information.
	CodeTunnelNotConfigured        = "TunnelNotConfigured"
	CodeCloudDirectorNotRegistered = "FailedToRetrieveVcdFromLookupService"
	CodeLookupServiceNotConfigured = "LookupServiceNotConfigured"
	CodeNTPServerFailed            = "FailedToConnectToNtpServer"
)

// Error codes that API references of later versions name.
const (
	CodeBadRequest                  = "BadRequest"                  // 400
	CodeBadUserInput                = "BadUserInput"                // 400: well formed, but it makes no sense
	CodeRemoteAuthenticationFailure = "RemoteAuthenticationFailure" // 401: not authenticated at that remote site
	CodeSiteNotFound                = "SiteNotFound"                // 404
)

// Error codes of this simulator. Nobody documents what an appliance answers in these cases: do not build on
// the names.
const (
	CodeTaskNotFound       = "TaskNotFound"       // 404: no such task, or not yours, or of another site
	CodeInstanceNotFound   = "InstanceNotFound"   // 404: the replication has no such instance
	CodePolicyNotFound     = "PolicyNotFound"     // 404
	CodeOrgNotFound        = "OrgNotFound"        // 404: the local site has no such organization
	CodeMachineNotFound    = "VmNotFound"         // 404: the site has no such machine, or not yours; in a failed task: it has gone
	CodeVDCNotFound        = "VdcNotFound"        // 404: the site has no such virtual data center, or not yours
	CodeVCenterNotFound    = "VcNotFound"         // 404: the site's vCenter Server is another one
	CodeSLAProfileNotFound = "SlaProfileNotFound" // 404

	CodeVersionNotSupported = "VersionNotSupported" // 406: the Accept header asks for another version

	CodeOperationInProgress  = "OperationInProgress"  // 409: a task works on the replication
	CodeReplicationPaused    = "ReplicationPaused"    // 409: paused replications do not sync
	CodeReplicationNotPaused = "ReplicationNotPaused" // 409: there is nothing to resume
	CodeTestInProgress       = "TestInProgress"       // 409: clean up the test first
	CodeNoTest               = "NoTest"               // 409: there is no test to clean up
	CodeAlreadyRecovered     = "AlreadyRecovered"     // 409: failed over before
	CodeNotRecovered         = "NotRecovered"         // 409: only what was failed over can be reversed
	CodeAlreadyProtected     = "AlreadyProtected"     // 409: a replication has this machine as its source
	CodeSeedPoweredOn        = "SeedPoweredOn"        // 409, or in a failed task: seeds must be off

	CodePolicyNameTaken   = "PolicyNameTaken"   // 409: another policy has this name
	CodePolicyInUse       = "PolicyInUse"       // 409: organizations have this policy
	CodeDefaultPolicy     = "DefaultPolicy"     // 409: it cannot be deleted
	CodeIncomingForbidden = "IncomingForbidden" // 409: the destination's policy allows no such replications
	CodeOutgoingForbidden = "OutgoingForbidden" // 409: the source's policy allows no such replications
	CodeQuotaExceeded     = "QuotaExceeded"     // 409: the destination has as many replications as its policy allows
	CodeRPOTooShort       = "RpoTooShort"       // 409: shorter than the destination's policy allows
	CodeTooManyInstances  = "TooManyInstances"  // 409: more than the destination's policy allows
	CodeSLAProfileNeeded  = "SlaProfileNeeded"  // 409: the policy allows no settings without a profile

	CodeBundleNotFound    = "SupportBundleNotFound"        // 404: no such support bundle, or not yet
	CodeBundleExists      = "SupportBundleExists"          // 409: there is one with this id, or is about to be
	CodeRangeBeyondTheEnd = "RequestedRangeNotSatisfiable" // 416: the bundle is not that long

	CodeNoInstance         = "NoInstance"         // in a failed task: nothing to fail over to
	CodeSeedDisksMismatch  = "SeedDisksMismatch"  // in a failed task: the disks of seed and source differ
	CodeTooManyRequests    = "TooManyRequests"    // 429, only by a Fault
	CodeServiceUnavailable = "ServiceUnavailable" // 503, only by a Fault
)

// usualCode is the code of errors for which nothing better is known.
func usualCode(status int) string {
	switch status {
	case http.StatusBadRequest:
		return CodeBadRequest
	case http.StatusUnauthorized:
		return CodeNotAuthenticated
	case http.StatusForbidden:
		return CodeForbidden
	case http.StatusNotFound:
		return CodeReplicationNotFound
	case http.StatusNotAcceptable:
		return CodeVersionNotSupported
	case http.StatusConflict:
		return CodeOperationInProgress
	case http.StatusTooManyRequests:
		return CodeTooManyRequests
	case http.StatusServiceUnavailable:
		return CodeServiceUnavailable
	default:
		return CodeGeneralServerFailure
	}
}

// refusal is an error answer, or the error of a failed task.
type refusal struct {
	status  int
	code    string
	message string
	args    []string
}

// Error returns the code and the message.
func (r *refusal) Error() string { return r.code + ": " + r.message }

// refuse makes a refusal. The arguments are repeated in the error's args, as the appliance does.
func refuse(status int, code, format string, arguments ...any) *refusal {
	r := &refusal{status: status, code: code, message: fmt.Sprintf(format, arguments...), args: []string{}}
	for _, argument := range arguments {
		r.args = append(r.args, fmt.Sprint(argument))
	}
	return r
}
