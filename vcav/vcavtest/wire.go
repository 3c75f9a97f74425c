package vcavtest

import "time"

// The structs below are the answers of the guide's samples, member by member: all members are always
// there, and null where there is no value.

type errorBody struct {
	Code       string   `json:"code"`
	Message    string   `json:"msg"`
	Args       []string `json:"args"`
	Stacktrace *string  `json:"stacktrace"`
}

type sessionBody struct {
	User               string             `json:"user"`
	Roles              []string           `json:"roles"`
	AuthenticatedSites []authenticatedOrg `json:"authenticatedSites"`
}

type authenticatedOrg struct {
	Site string `json:"site"`
	Org  string `json:"org"`
}

type aboutBody struct {
	ServiceType  string `json:"serviceType"`
	ProductName  string `json:"productName"`
	InstanceID   string `json:"instanceId"`
	BuildVersion string `json:"buildVersion"`
	BuildDate    int64  `json:"buildDate"`
}

type pageBody struct {
	Items  any `json:"items"`
	Total  int `json:"total"`
	Offset int `json:"offset"`
	Limit  int `json:"limit"`
}

type taskBody struct {
	ID           string       `json:"id"`
	User         string       `json:"user"`
	WorkflowInfo workflowBody `json:"workflowInfo"`
	Progress     int          `json:"progress"`
	State        string       `json:"state"`
	LastUpdated  int64        `json:"lastUpdated"`
	StartTime    int64        `json:"startTime"`
	EndTime      int64        `json:"endTime"`
	ResultType   *string      `json:"resultType"`
	Result       any          `json:"result"`
	Error        *errorBody   `json:"error"`
	Warnings     []any        `json:"warnings"`
	Site         string       `json:"site"`
}

type workflowBody struct {
	Type         string  `json:"type"`
	ResourceType string  `json:"resourceType"`
	ResourceID   *string `json:"resourceId"`
	ResourceName *string `json:"resourceName"`
}

type replicationBody struct {
	ID                  string                   `json:"id"`
	Owner               string                   `json:"owner"`
	VMID                string                   `json:"vmId"`
	VMName              string                   `json:"vmName"`
	Source              sourceBody               `json:"source"`
	Destination         destinationBody          `json:"destination"`
	StorageProfile      string                   `json:"storageProfile"`
	StorageProfileName  string                   `json:"storageProfileName"`
	VIMLocation         *vimLocationBody         `json:"vimLocation"`
	IsPaused            bool                     `json:"isPaused"`
	Settings            settingsBody             `json:"settings"`
	StartupInfo         startupBody              `json:"startupInfo"`
	Metadata            map[string]metadataBody  `json:"metadata"`
	SourceState         sourceStateBody          `json:"sourceState"`
	DestinationState    destinationStateBody     `json:"destinationState"`
	DataConnectionState string                   `json:"dataConnectionState"`
	OverallHealth       string                   `json:"overallHealth"`
	LastUpdated         int64                    `json:"lastUpdated"`
	IsReversed          bool                     `json:"isReversed"`
	VAppReplicationID   string                   `json:"vappReplicationId"`
	ComputerName        *string                  `json:"computerName"`
	VMDescription       *string                  `json:"vmDescription"`
	IsMigration         bool                     `json:"isMigration"`
	SLAProfile          *slaProfileReferenceBody `json:"slaProfile"`
}

type sourceBody struct {
	Site     string  `json:"site"`
	Org      *string `json:"org"`
	VDCID    *string `json:"vdcId"`
	VDCName  *string `json:"vdcName"`
	VAppID   *string `json:"vappId"`
	VAppName *string `json:"vappName"`
}

type destinationBody struct {
	Site            string  `json:"site"`
	Org             *string `json:"org"`
	VDCID           *string `json:"vdcId"`
	VDCName         *string `json:"vdcName"`
	RecoveredVAppID *string `json:"recoveredVappId"`
}

type vimLocationBody struct {
	VIMServer             string `json:"vimServer"`
	VIMServerInstanceUUID string `json:"vimServerInstanceUuid"`
	Datastore             string `json:"datastore"`
	DatastoreMoref        string `json:"datastoreMoref"`
	DatastoreName         string `json:"datastoreName"`
}

type settingsBody struct {
	Description        string        `json:"description"`
	RPO                int           `json:"rpo"` // minutes
	DataConnectionType string        `json:"dataConnectionType"`
	Quiesced           bool          `json:"quiesced"`
	RetentionPolicy    retentionBody `json:"retentionPolicy"`
	InitialSyncTime    int64         `json:"initialSyncTime"`
	ExcludedDiskKeys   []int         `json:"excludedDiskKeys"`
}

type retentionBody struct {
	Rules []retentionRuleBody `json:"rules"`
}

type retentionRuleBody struct {
	NumberOfInstances int `json:"numberOfInstances"`
	Distance          int `json:"distance"` // minutes
}

type startupBody struct {
	Order       int    `json:"order"`
	StartAction string `json:"startAction"`
	StartDelay  int    `json:"startDelay"`
	StopAction  string `json:"stopAction"`
	StopDelay   int    `json:"stopDelay"`
}

type metadataBody struct {
	Key    string `json:"key"`
	Access string `json:"access"`
	Type   string `json:"type"`
	Value  string `json:"value"`
}

type sourceStateBody struct {
	State    string        `json:"state"`
	Progress *progressBody `json:"progress"`
	StateAge int64         `json:"stateAge"`
}

type progressBody struct {
	Progress              int   `json:"progress"`
	BytesTransferred      int64 `json:"bytesTransferred"`
	BytesToTransfer       int64 `json:"bytesToTransfer"`
	ChecksumTotalBytes    int64 `json:"checksumTotalBytes"`
	ChecksumComparedBytes int64 `json:"checksumComparedBytes"`
}

type destinationStateBody struct {
	CurrentRPOViolation int           `json:"currentRpoViolation"`
	LatestInstance      *instanceBody `json:"latestInstance"`
	State               string        `json:"state"`
	RecoveryInfo        recoveryBody  `json:"recoveryInfo"`
	LastError           *errorBody    `json:"lastError"`
	StateAge            int64         `json:"stateAge"`
	SpaceRequirement    int64         `json:"spaceRequirement"`
	IsMovingReplica     bool          `json:"isMovingReplica"`
}

type recoveryBody struct {
	VAppID        *string `json:"vAppId"`
	VCDVMID       *string `json:"vcdVmId"`
	VCID          *string `json:"vcId,omitempty"` // on premises
	VMID          *string `json:"vmId,omitempty"` // on premises
	Type          string  `json:"type"`
	RecoveryState string  `json:"recoveryState"`
}

type instanceBody struct {
	Key             string `json:"key"`
	SequenceNumber  int    `json:"sequenceNumber"`
	Timestamp       int64  `json:"timestamp"`
	TransferBytes   int64  `json:"transferBytes"`
	TransferSeconds int    `json:"transferSeconds"`
	QuiescedType    string `json:"quiescedType"`
	IsPinned        bool   `json:"isPinned"`
}

type instanceDetailsBody struct {
	instanceBody
	DisksInfo []instanceDiskBody `json:"disksInfo"`
}

type instanceDiskBody struct {
	DiskKey int `json:"diskKey"`
}

type slaProfileReferenceBody struct {
	ID          string `json:"id"`
	DisplayName string `json:"displayName"`
}

func newErrorBody(r *refusal, stacktrace *string) *errorBody {
	args := r.args
	if args == nil {
		args = []string{}
	}
	return &errorBody{Code: r.code, Message: r.message, Args: args, Stacktrace: stacktrace}
}

// orNull returns nil for the empty string.
func orNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// millis is how times travel: -1 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return t.UnixMilli()
}
