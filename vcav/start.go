package vcav

// ReplicationSource is the machine that is replicated: [VMSource] of a Cloud Director site, or
// [VCVMSource] of an on-premises site.
type ReplicationSource interface {
	checker
	replicationSource()
}

// ReplicationDestination is the place that a machine is replicated to: [CloudDestination] or, with a
// seed, [VMDestination] of a Cloud Director site; [VCDestination] or, with a seed, [VCVMDestination] of an
// on-premises site.
type ReplicationDestination interface {
	checker
	replicationDestination()
}
