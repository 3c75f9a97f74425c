package vcavtest

import "time"

// view makes the answer that shows a replication at a moment. Tenants do not see where replicas are kept.
func (a *appliance) view(r *replication, now time.Time, admin bool) replicationBody {
	body := replicationBody{
		ID: r.id, Owner: r.owner, VMID: r.vmID, VMName: r.vmName,
		Source: sourceBody{
			Site: r.source.site.name, Org: orNull(r.source.org), VDCID: orNull(r.source.vdc().id),
			VDCName: orNull(r.source.vdc().name), VAppID: orNull(r.source.vappID), VAppName: orNull(r.source.vappName),
		},
		Destination: destinationBody{
			Site: r.destination.site.name, Org: orNull(r.destination.org), VDCID: orNull(r.destination.vdc().id),
			VDCName: orNull(r.destination.vdc().name), RecoveredVAppID: orNull(a.recoveredVApp(r)),
		},
		StorageProfile: r.storageProfile, StorageProfileName: storageProfileName(r.storageProfile),
		IsPaused: r.paused, Settings: settingsOf(r), Metadata: metadataOf(r),
		StartupInfo: r.startup,
		SourceState: sourceStateOf(r, now), DestinationState: destinationStateOf(r, now),
		DataConnectionState: connectionState(r, now), OverallHealth: healthOf(r),
		LastUpdated: millis(r.lastUpdated), IsReversed: r.reversed, VAppReplicationID: r.vappReplicationID,
		ComputerName: orNull(r.vmName), IsMigration: r.migration,
	}
	if admin {
		location := r.destination.site.vim
		body.VIMLocation = &location
	}
	if r.profile != nil {
		reference := r.profileReference()
		body.SLAProfile = &reference
	}
	return body
}

// profileReference names the SLA profile; it is empty if there is none.
func (r *replication) profileReference() slaProfileReferenceBody {
	if r.profile == nil {
		return slaProfileReferenceBody{}
	}
	return slaProfileReferenceBody{ID: r.profile.id, DisplayName: r.profile.name}
}

func usualStartup() startupBody { return startupBody{StartAction: "powerOn", StopAction: "powerOff"} }

func settingsOf(r *replication) settingsBody {
	body := settingsBody{
		Description: r.description, RPO: r.settings.rpo, DataConnectionType: r.settings.connection,
		Quiesced: r.settings.quiesced, RetentionPolicy: retentionBody{Rules: []retentionRuleBody{}},
		InitialSyncTime: r.initialSync, ExcludedDiskKeys: append([]int{}, r.excluded...),
	}
	for _, rule := range r.settings.retention {
		body.RetentionPolicy.Rules = append(body.RetentionPolicy.Rules,
			retentionRuleBody{NumberOfInstances: rule.Instances, Distance: rule.Distance})
	}
	return body
}

func metadataOf(r *replication) map[string]metadataBody {
	if r.metadata == nil {
		return nil
	}
	body := map[string]metadataBody{}
	for key, value := range r.metadata {
		body[key] = metadataBody{Key: key, Access: "READWRITE", Type: "STRING", Value: value}
	}
	return body
}

// syncSize is how much every sync transfers, as its progress shows it.
const syncSize = 1 << 20

func sourceStateOf(r *replication, now time.Time) sourceStateBody {
	percent, syncing := r.syncing(now)
	switch {
	case syncing:
		done := int64(percent) * syncSize / 100
		return sourceStateBody{State: "syncing", Progress: &progressBody{
			Progress: percent, BytesTransferred: done, BytesToTransfer: syncSize,
			ChecksumTotalBytes: syncSize, ChecksumComparedBytes: syncSize,
		}}
	case r.recovery == RecoveryComplete:
		return sourceStateBody{State: "none"}
	case r.paused:
		return sourceStateBody{State: "paused"}
	default:
		return sourceStateBody{State: "idle"}
	}
}

func destinationStateOf(r *replication, now time.Time) destinationStateBody {
	body := destinationStateBody{CurrentRPOViolation: -1, State: "idle", RecoveryInfo: recoveryOf(r, now)}
	if len(r.instances) > 0 {
		latest := instanceOf(r.latest())
		body.LatestInstance = &latest
	}
	_, syncing := r.syncing(now)
	switch {
	case syncing && len(r.instances) == 0:
		body.State = "fullsync"
	case syncing:
		body.State = "lwd"
	case r.recovery == RecoveryTest, r.recovery == RecoveryComplete:
		body.State = "opened"
	case r.paused:
		body.State = "paused"
	}
	return body
}

// recoveryOf is of another type on premises, where machines are in no vApp; the guide's samples say "vcd"
// there, too, but references of later versions do not.
func recoveryOf(r *replication, now time.Time) recoveryBody {
	body := recoveryBody{Type: "vcd", RecoveryState: r.recoveryState(now)}
	if !r.destination.site.onPremises {
		body.VAppID, body.VCDVMID = orNull(r.recoveredVApp), orNull(r.recoveredVM)
		return body
	}
	body.Type = "vc"
	if r.recoveredVM != "" {
		body.VCID, body.VMID = orNull(r.destination.site.vim.VIMServerInstanceUUID), orNull(r.recoveredVM)
	}
	return body
}

// cutOff reports whether one of the sites is down.
func (r *replication) cutOff() bool { return r.source.site.dead || r.destination.site.dead }

func connectionState(r *replication, now time.Time) string {
	_, syncing := r.syncing(now)
	switch {
	case r.recovery == RecoveryComplete:
		return "FINISHED"
	case r.cutOff():
		return "ERROR"
	case syncing && len(r.instances) > 0:
		return "SYNCING"
	case syncing:
		return "INITIAL_SYNCING"
	case !r.machine.poweredOn:
		return "POWERED_OFF"
	case len(r.instances) == 0:
		return "INITIAL_SYNCING"
	case r.paused:
		return "PAUSED"
	default:
		return "OK"
	}
}

// healthOf is YELLOW while there is nothing to fail over to, and RED while nothing can be transferred for
// want of a site.
func healthOf(r *replication) string {
	switch {
	case r.cutOff() && r.recovery != RecoveryComplete:
		return "RED"
	case len(r.instances) == 0:
		return "YELLOW"
	default:
		return "GREEN"
	}
}

func storageProfileName(id string) string {
	if id == "*" {
		return "Any"
	}
	return "storage profile " + id
}

func instanceOf(i instance) instanceBody {
	return instanceBody{
		Key: i.key, SequenceNumber: i.sequence, Timestamp: millis(i.timestamp),
		TransferBytes: i.bytes, TransferSeconds: 3, QuiescedType: "fileSystemQuiesced",
	}
}
