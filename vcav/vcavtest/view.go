package vcavtest

import "time"

// view makes the answer that shows a replication at a moment. Tenants do not see where replicas are kept.
func (a *appliance) view(r *replication, now time.Time, admin bool) replicationBody {
	body := replicationBody{
		ID: r.id, Owner: r.owner, VMID: r.vmID, VMName: r.vmName,
		Source: sourceBody{
			Site: r.source.site.name, Org: orNull(r.source.org), VDCID: orNull(r.source.vdcID()),
			VDCName: orNull(r.source.vdcName()), VAppID: orNull(r.source.vappID), VAppName: orNull(r.source.vappName),
		},
		Destination: destinationBody{
			Site: r.destination.site.name, Org: orNull(r.destination.org), VDCID: orNull(r.destination.vdcID()),
			VDCName: orNull(r.destination.vdcName()), RecoveredVAppID: orNull(a.recoveredVApp(r)),
		},
		StorageProfile: "*", StorageProfileName: "Any",
		IsPaused: r.paused, Settings: settingsOf(r), Metadata: metadataOf(r),
		StartupInfo: startupBody{StartAction: "powerOn", StopAction: "powerOff"},
		SourceState: sourceStateOf(r, now), DestinationState: destinationStateOf(r, now),
		DataConnectionState: connectionState(r, now), OverallHealth: healthOf(r),
		LastUpdated: millis(r.lastUpdated), IsReversed: r.reversed, VAppReplicationID: r.vappReplicationID,
		ComputerName: orNull(r.vmName), IsMigration: r.migration,
	}
	if admin {
		body.VIMLocation = &vimLocationBody{
			VIMServer:             stableID("vim", r.destination.site.name),
			VIMServerInstanceUUID: r.destination.vimServerID(),
			Datastore:             stableID("datastore", r.destination.site.name),
			DatastoreMoref:        r.destination.datastoreMoref(),
			DatastoreName:         r.destination.site.name + "-replicas",
		}
	}
	if r.slaProfile != "" {
		body.SLAProfile = &slaProfileReferenceBody{ID: slaProfileID(r.slaProfile), DisplayName: r.slaProfile}
	}
	return body
}

func slaProfileID(displayName string) string { return stableID("sla-profile", displayName) }

// recoveredVApp returns the vApp at the destination that holds recovered machines of the same source vApp.
func (a *appliance) recoveredVApp(r *replication) string {
	for _, other := range a.byVApp[r.vappReplicationID] {
		if other.reversed == r.reversed && other.recovery == RecoveryComplete {
			return other.recoveredVApp
		}
	}
	return ""
}

func settingsOf(r *replication) settingsBody {
	return settingsBody{
		Description: r.description, RPO: 240, DataConnectionType: "ENCRYPTED_COMPRESSED", Quiesced: true,
		RetentionPolicy:  retentionBody{Rules: []retentionRuleBody{{NumberOfInstances: 4, Distance: 360}}},
		ExcludedDiskKeys: []int{},
	}
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
	switch {
	case r.runs(now, typeSync):
		percent := r.active.progress(now)
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
	body := destinationStateBody{
		CurrentRPOViolation: -1, State: "idle",
		RecoveryInfo: recoveryBody{
			VAppID: orNull(r.recoveredVApp), VCDVMID: orNull(r.recoveredVM),
			Type: "vcd", RecoveryState: r.recoveryState(now),
		},
	}
	if len(r.instances) > 0 {
		latest := instanceOf(r.latest())
		body.LatestInstance = &latest
	}
	switch {
	case r.runs(now, typeSync) && len(r.instances) == 0:
		body.State = "fullsync"
	case r.runs(now, typeSync):
		body.State = "lwd"
	case r.recovery == RecoveryTest, r.recovery == RecoveryComplete:
		body.State = "opened"
	case r.paused:
		body.State = "paused"
	}
	return body
}

func connectionState(r *replication, now time.Time) string {
	switch {
	case r.recovery == RecoveryComplete:
		return "FINISHED"
	case r.runs(now, typeSync) && len(r.instances) > 0:
		return "SYNCING"
	case len(r.instances) == 0:
		return "INITIAL_SYNCING"
	case r.paused:
		return "PAUSED"
	default:
		return "OK"
	}
}

// healthOf is YELLOW while there is nothing to fail over to.
func healthOf(r *replication) string {
	if len(r.instances) == 0 {
		return "YELLOW"
	}
	return "GREEN"
}

func instanceOf(i instance) instanceBody {
	return instanceBody{
		Key: i.key, SequenceNumber: i.sequence, Timestamp: millis(i.timestamp),
		TransferBytes: i.disks, TransferSeconds: 3, QuiescedType: "fileSystemQuiesced",
	}
}
