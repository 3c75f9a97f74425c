// Package replication holds nothing itself. The packages below it are clients of two services that copy what
// is protected to another place:
//
//   - [github.com/drkit-go/drkit/replication/unitrends] talks to Unitrends appliances, which copy backups from a
//     source appliance to a target appliance: backup copies, without VMware.
//   - [github.com/drkit-go/drkit/replication/vsphere] talks to vSphere Replication, which copies running virtual
//     machines from one vCenter Server to another.
//
// VMware Cloud Director Availability, which replicates virtual machines into clouds, is package vcav.
package replication
