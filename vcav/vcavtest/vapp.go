package vcavtest

// vappKey is a source vApp in one direction of its replications.
type vappKey struct {
	vappReplication string
	reversed        bool
}

// recoveredVApp is the vApp at the destination that holds recovered machines of the same source vApp. It is
// looked up for every row of a list, and so it is kept.
type recoveredVApp struct {
	id       string
	machines int
}

func (r *replication) vappKey() vappKey { return vappKey{r.vappReplicationID, r.reversed} }

// recoveredVApp returns the vApp that holds recovered machines of the source vApp, or the empty id.
func (a *appliance) recoveredVApp(r *replication) string { return a.vapps[r.vappKey()].id }

// enterVApp notes that a machine has been recovered into the vApp of a replication.
func (a *appliance) enterVApp(r *replication) {
	if r.recoveredVApp != "" {
		a.vapps[r.vappKey()] = recoveredVApp{id: r.recoveredVApp, machines: a.vapps[r.vappKey()].machines + 1}
	}
}

// leaveVApp notes that a replication no longer accounts for a recovered machine.
func (a *appliance) leaveVApp(r *replication) {
	held, ok := a.vapps[r.vappKey()]
	if !ok || r.recovery != RecoveryComplete || r.recoveredVApp == "" {
		return
	}
	if held.machines--; held.machines == 0 {
		delete(a.vapps, r.vappKey())
		return
	}
	a.vapps[r.vappKey()] = held
}
