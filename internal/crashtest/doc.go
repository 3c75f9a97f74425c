// Package crashtest kills a program again and again while it works with a journal: before and after every write of the
// journal, before and after every request, and at random moments. What is run is the test's own binary, in the role
// that an environment variable gives it, so that a TestMain looks at [RoleVariable] before it runs tests. Only tests
// import it.
package crashtest
