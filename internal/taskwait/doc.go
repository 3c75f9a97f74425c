// Package taskwait looks at many tasks with few requests. All waits of a client at one site share a [Batch]:
// as long as somebody waits, it asks for all tasks that are due, in chunks, and hands each its row.
//
// A wait begins fast and slows down, as drkit.PollPolicy says. Waits that begin within a twentieth of the first
// interval, or 50 ms if that is less, are looked at together. What is due soon is looked at together with what
// is due now, so that waits which began at different moments fall into step; it costs a wait at most a quarter
// of its interval.
//
// # Who delays whom
//
// A task is asked for once at a time, and no more than four requests are under way at once. A look begins when
// the requests of the one before have been sent, so that all tasks take turns. A request that gets no answer
// delays the tasks in it: the others go on, and new ones begin, unless four such requests hang. What a service
// asks for with Retry-After holds for everybody.
//
// # What is not taken at its word
//
// A request that fails is not a task that failed: the waits hear of it, and decide how long to put up with it.
// An answer that cannot be read, a service that refuses to answer for many, and one that leaves out a task
// which it shows when asked for that alone, make the batch ask for each task by itself for a while, and say so
// in the log. Where several are asked for by way of a list that has recent tasks alone, those that it leaves out
// are asked for by themselves each time, and nothing is held against the list.
package taskwait
