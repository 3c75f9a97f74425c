package vcav

//go:generate go -C ../internal/tools tool oapi-codegen -config vcav/types.yaml ../../vcav/openapi.yaml
//go:generate go -C ../internal/tools tool oapi-codegen -config vcav/contract.yaml ../../vcav/openapi.yaml
//go:generate go -C ../internal/tools tool oapi-codegen -config vcav/page.yaml ../../vcav/openapi.yaml
