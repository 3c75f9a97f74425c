// Package taskwait looks at many tasks with few requests. All waits of a client at one site share a [Batch]:
// as long as somebody waits, one goroutine asks for all tasks that are due, in chunks, and hands each its row.
//
// A wait begins fast and slows down, as drkit.PollPolicy says. What is due soon is looked at together with what
// is due now, so that waits which began at different moments fall into step.
//
// # What is not taken at its word
//
// A request that fails is not a task that failed: the waits hear of it, and decide how long to put up with it.
// An answer that cannot be read, a service that refuses to answer for many, and one that leaves out a task
// which it shows when asked for that alone, make the batch ask for each task by itself for a while, and say so
// in the log.
package taskwait
