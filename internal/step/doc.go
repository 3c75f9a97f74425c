// Package step holds what survives a process: the token of a task that is to be waited for later, and the
// record of a runbook's step, which travels to the operation in it in a context.
package step
