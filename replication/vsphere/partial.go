package vsphere

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/drkit-go/drkit"
)

// An answer of 200 may be partial: what the other site knows is missing from it. That is no error, for in a disaster
// it is all there is. What an object lacks stands in its Meta, and in a record of level Warn.

// ErrPartial is what [errors.Is] finds in a [*PartialError].
var ErrPartial = errors.New("answer is partial")

// PartialError is an answer that lacks something: of a list that holds no rows to say so, or as [Metadata.Err]
// returns it.
//
// Source: vSphere Replication REST API reference, the schemas Metadata and MetadataList.
type PartialError struct {
	Operation string      // as in "vsphere.Replications.List"; empty if not known
	Errors    []MetaError // what the answer lacks, and why
}

// Error returns operation and failures on one line.
func (e *PartialError) Error() string {
	texts := make([]string, len(e.Errors))
	for i, failure := range e.Errors {
		texts[i] = failure.String()
	}
	text := ErrPartial.Error() + ": " + strings.Join(texts, "; ")
	if e.Operation != "" {
		text = e.Operation + ": " + text
	}
	return text
}

// Is reports whether target is [ErrPartial].
func (e *PartialError) Is(target error) bool { return target == ErrPartial }

// String returns the failure and its place on one line.
func (e MetaError) String() string {
	text := e.Code + " " + e.Message
	if e.Field != "" {
		text += " (at " + e.Field + ")"
	}
	return oneLine(text)
}

// Err returns a [*PartialError] if something could not be filled in, and nil otherwise: for who needs all of it.
func (m Metadata) Err() error {
	if len(m.Errors) == 0 {
		return nil
	}
	return &PartialError{Errors: m.Errors}
}

// joined returns what two answers about the same thing lack.
func joined(first, second []MetaError) []MetaError {
	all := second
	for _, failure := range first {
		if !slices.Contains(second, failure) {
			all = append(all[:len(all):len(all)], failure)
		}
	}
	return all
}

// warn writes what an answer lacks to the log.
func (c *Client) warn(ctx context.Context, operation string, errors []MetaError) {
	if len(errors) == 0 {
		return
	}
	c.transport.Logger().LogAttrs(ctx, slog.LevelWarn, "answer is partial",
		slog.String("operation", service+"."+operation), slog.Int("failures", len(errors)), slog.String("first", errors[0].String()))
}

// rowOf finds the row of a list in the place of a failure, as in "$.list[3].status".
var rowOf = regexp.MustCompile(`\blist\[(\d+)\]`)

// distribute gives the rows of a page what the page lacks: to each what it is about, and to all what names no row.
func distribute[T any](rows []T, errors []MetaError) {
	for _, failure := range errors {
		concerned := rows
		if place := rowOf.FindStringSubmatch(failure.Field); place != nil {
			if row := wholeNumber(place[1]); row < len(rows) {
				concerned = rows[row : row+1]
			}
		}
		for i := range concerned {
			switch row := any(&concerned[i]).(type) {
			case described:
				row.metadata().Errors = append(row.metadata().Errors, failure)
			case *VMDisk:
				meta := row.Meta.Or(Metadata{})
				meta.Errors = append(meta.Errors, failure)
				row.Meta = drkit.Some(meta)
			}
		}
	}
}

// ofList reports whether a failure names no row.
func (e MetaError) ofList() bool { return !rowOf.MatchString(e.Field) }

// ofRows returns what the rows of a page themselves say that they lack.
func ofRows[T any](rows []T) []MetaError {
	var all []MetaError
	for i := range rows {
		if row, ok := any(&rows[i]).(described); ok {
			all = append(all, row.metadata().Errors...)
		}
	}
	return all
}

// wholeNumber returns a number in digits, or 0.
func wholeNumber(text string) int {
	n, _ := strconv.Atoi(text)
	return n
}

// described is an object that says what could not be filled in.
type described interface{ metadata() *Metadata }

func (v *VRMSInfo) metadata() *Metadata                     { return &v.Meta }
func (s *ReplicationServerInfo) metadata() *Metadata        { return &s.Meta }
func (p *Pairing) metadata() *Metadata                      { return &p.Meta }
func (i *IssueInfo) metadata() *Metadata                    { return &i.Meta }
func (t *Task) metadata() *Metadata                         { return &t.Meta }
func (r *ReplicationInfo) metadata() *Metadata              { return &r.Meta }
func (d *ReplicatedVMDisk) metadata() *Metadata             { return &d.Meta }
func (i *ReplicationImage) metadata() *Metadata             { return &i.Meta }
func (i *PointInTimeInstance) metadata() *Metadata          { return &i.Meta }
func (c *ReplicationCapabilities) metadata() *Metadata      { return &c.Meta }
func (d *Datastore) metadata() *Metadata                    { return &d.Meta }
func (r *DatastoreBrowserResult) metadata() *Metadata       { return &r.Meta }
func (s *VMDiskSeeds) metadata() *Metadata                  { return &s.Meta }
func (p *StoragePolicy) metadata() *Metadata                { return &p.Meta }
func (c *StoragePolicyCompliance) metadata() *Metadata      { return &c.Meta }
func (m *VirtualMachine) metadata() *Metadata               { return &m.Meta }
func (c *VMCapabilities) metadata() *Metadata               { return &c.Meta }
func (i *InventoryItem) metadata() *Metadata                { return &i.Meta }
func (m *ReplicationMapping) metadata() *Metadata           { return &m.Meta }
func (m *CalculatedReplicationMapping) metadata() *Metadata { return &m.Meta }
