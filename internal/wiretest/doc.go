// Package wiretest holds what the wire tests of all services share: a mocked service that keeps what it was sent,
// and walks over the samples of a contract. Only tests import it.
package wiretest
