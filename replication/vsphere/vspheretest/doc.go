// Package vspheretest simulates two paired sites with vSphere Replication.
package vspheretest
