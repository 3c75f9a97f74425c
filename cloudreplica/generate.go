package cloudreplica

//go:generate go -C ../internal/tools tool oapi-codegen -config cloudreplica/types.yaml ../../cloudreplica/openapi.yaml
//go:generate go -C ../internal/tools tool oapi-codegen -config cloudreplica/contract.yaml ../../cloudreplica/openapi.yaml
//go:generate go -C ../internal/tools tool oapi-codegen -config cloudreplica/page.yaml ../../cloudreplica/openapi.yaml
