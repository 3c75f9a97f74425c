// Package unitrends is the client for Unitrends appliances: it makes one appliance the target of another's
// backup copies, watches the copies, and runs machines from them.
package unitrends
