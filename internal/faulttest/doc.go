// Package faulttest holds what the fault matrices of all services share: the faults of connections, requests and
// answers by name, a proxy that lets each strike one call, and the table that says what must come of it. Only
// tests import it.
package faulttest
