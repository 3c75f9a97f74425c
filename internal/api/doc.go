// Package api describes a service's wire contract as data: which operations there are, how each may be
// repeated, and which members its bodies have. The tables themselves are generated from a service's
// openapi.yaml; clients send by them and simulators check requests against them.
package api
