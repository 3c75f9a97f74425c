package vcav

// SourceReconfigure is a change at an on-premises source: [VCVMReconfigure] of a single machine, or
// [VCVAppReconfigure] of a vApp.
type SourceReconfigure interface {
	checker
	sourceReconfigure()
}
