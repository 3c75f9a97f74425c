// Package step holds what survives a process: the token of a task that is to be waited for later.
package step
