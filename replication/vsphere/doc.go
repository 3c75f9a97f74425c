// Package vsphere is the client for vSphere Replication.
package vsphere
