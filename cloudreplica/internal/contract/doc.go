// Package contract holds the operations and schemas of the service as data, made from openapi.yaml. The
// client sends by these tables; the simulator checks requests against them.
package contract
