// Package settings holds what the options of a client fill in. It is a leaf: package drkit writes it,
// the transport reads it, and users only ever see the options.
package settings
