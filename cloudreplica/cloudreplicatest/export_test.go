package cloudreplicatest

import (
	"github.com/drkit-go/drkit/internal/api"
)

// CheckXML holds an answer in XML against the contract, as strictly as a request.
func CheckXML(table api.Table, schema string, body []byte) []string {
	return checkXML(table, schema, body)
}
