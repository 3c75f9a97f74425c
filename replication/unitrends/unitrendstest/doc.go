// Package unitrendstest is Unitrends appliances that run inside a test.
package unitrendstest
