package checkpoints

//go:generate go -C ../internal/tools tool oapi-codegen -config checkpoints/types.yaml ../../checkpoints/openapi.yaml
//go:generate go -C ../internal/tools tool oapi-codegen -config checkpoints/contract.yaml ../../checkpoints/openapi.yaml
//go:generate go -C ../internal/tools tool oapi-codegen -config checkpoints/page.yaml ../../checkpoints/openapi.yaml
