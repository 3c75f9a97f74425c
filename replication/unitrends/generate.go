package unitrends

//go:generate go -C ../../internal/tools tool oapi-codegen -config unitrends/types.yaml ../../replication/unitrends/openapi.yaml
//go:generate go -C ../../internal/tools tool oapi-codegen -config unitrends/contract.yaml ../../replication/unitrends/openapi.yaml
//go:generate go -C ../../internal/tools tool oapi-codegen -config unitrends/page.yaml ../../replication/unitrends/openapi.yaml
