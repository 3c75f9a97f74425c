package vsphere

//go:generate go -C ../../internal/tools tool oapi-codegen -config vsphere/types.yaml ../../replication/vsphere/openapi.yaml
//go:generate go -C ../../internal/tools tool oapi-codegen -config vsphere/contract.yaml ../../replication/vsphere/openapi.yaml
//go:generate go -C ../../internal/tools tool oapi-codegen -config vsphere/page.yaml ../../replication/vsphere/openapi.yaml
