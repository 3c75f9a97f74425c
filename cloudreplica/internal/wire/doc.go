// Package wire reads and writes the bodies of Enterprise Manager, which speaks XML and JSON of the same schemas, each
// with its quirks. Types have no tags for XML: both encodings are bound to the names in their json tags, and what
// else XML needs to be written, such as the order of elements, is in the tables of the contract.
//
// Syntax is left to encoding/xml and encoding/json. On top of them, a reader for each encoding steps through a
// document, and one binder asks it for the members that a Go type has. So lists that are wrapped, items under other
// names, members in other letter case, and everything that stands for nothing are understood alike in both.
//
// An answer is hostile until it is read: documents with a type declaration, deep nesting, more than one root, or far
// more items than there are bytes for are refused.
package wire
