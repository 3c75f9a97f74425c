// Package watch is the seam between a poller and what looks for many pollers at once.
package watch
