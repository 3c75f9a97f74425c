package checkpointstest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/drkit-go/drkit/internal/simkit"
)

// Operator is somebody else who works in the same region, as in its console: see [Server.Operator].
type Operator struct {
	server  *Server
	name    string
	project string
}

// operatorSession lets an operator in.
type operatorSession struct {
	name   string
	domain *domain
}

// OperatorError is what an operator is answered whom the service refuses.
type OperatorError struct {
	Status  int    // as a client would see it
	Code    string // as in [CodeVaultNotFound]
	Message string // in words
}

// Error returns the status, the code and the message.
func (e *OperatorError) Error() string { return fmt.Sprintf("%d %s: %s", e.Status, e.Code, e.Message) }

// Operator returns somebody who works in the region while clients do, under any name. They need no token.
func (s *Server) Operator(name string) Operator {
	return Operator{server: s, name: name, project: s.ProjectID}
}

// In returns the same operator, who works in another project.
func (o Operator) In(projectID string) Operator {
	o.project = projectID
	return o
}

// Do asks for an operation as its name in the contract says, on a resource such as the id of a vault, with a body
// of JSON; both are empty where there is none. Where the path takes two arguments besides the project a slash is
// between them. It happens at once and in process, and so no [Fault] strikes it, but everything is checked as in a
// request: a refusal of the service is an [OperatorError], and what the contract does not allow is a violation as
// well. The answer is the body that a client would get.
func (o Operator) Do(operation, resource, body string) (answer []byte, err error) {
	done, err := o.do(operation, resource, body)
	if err != nil {
		return nil, fmt.Errorf("checkpointstest: %s: %s: %w", o.name, operation, err)
	}
	return done, nil
}

func (o Operator) do(operation, resource, body string) ([]byte, error) {
	order, err := o.order(operation, resource, body)
	if err != nil {
		return nil, err
	}
	answer, err := o.server.kit.Operate(order)
	if err != nil {
		return nil, err //nolint:wrapcheck // Do says what it is about
	}
	if answer.Status < http.StatusBadRequest {
		return answer.Body, nil
	}
	var wrong struct {
		Code    string `json:"error_code"`
		Message string `json:"error_msg"`
	}
	_ = json.Unmarshal(answer.Body, &wrong) // a malformed id is answered in another form
	return nil, &OperatorError{Status: answer.Status, Code: wrong.Code, Message: wrong.Message}
}

func (o Operator) order(operation, resource, body string) (simkit.Order, error) {
	defer o.server.lock().Unlock()
	r := o.server.region
	in := r.project(o.project)
	if in == nil {
		return simkit.Order{}, fmt.Errorf("there is no project %s", o.project)
	}
	order := simkit.NewOrder(o.name, operation, resource, body)
	order.Session = &operatorSession{o.name, in.domain}
	if r.routes[operation].scope != "" {
		order.Arguments = append([]string{in.id}, order.Arguments...)
	}
	return order, nil
}

// Restart restarts the backup service of the region. Connections are cut, also under requests on their way, and for
// as long as it is down by the server's clock new ones are closed before their TLS handshake; 0 lets it be back at
// once. The next Restart replaces what is left of that time, so that Restart(0) ends it.
//
// Nobody documents what becomes of tasks: here they go on meanwhile, also replications to and from the region.
// Tokens are the identity service's and stay. Late work of a [Fault] that comes due while the service is down is
// lost, and operators cannot reach it.
func (s *Server) Restart(down time.Duration) {
	if down < 0 {
		s.kit.Complain("Restart: time does not run backwards")
		return
	}
	s.kit.Restart(down)
}

// RestartIdentity does the same with the identity service.
func (s *Server) RestartIdentity(down time.Duration) {
	if down < 0 {
		s.kit.Complain("RestartIdentity: time does not run backwards")
		return
	}
	s.region.cloud.iam.kit.Restart(down)
}

// Vault returns a vault as it is now, or the zero Vault if there is none with that id.
func (s *Server) Vault(id string) Vault {
	defer s.lock().Unlock()
	if v, known := s.region.vaults.byID[id]; known {
		return s.region.snapshotVault(v)
	}
	return Vault{}
}

// Vaults returns all vaults of the region as they are now, in the order of their creation.
func (s *Server) Vaults() []Vault {
	defer s.lock().Unlock()
	var found []Vault
	for _, v := range s.region.vaults.all {
		found = append(found, s.region.snapshotVault(v))
	}
	return found
}

// SetVaultStatus lets a vault be in a state, such as [VaultFrozen] for want of payment, or [VaultAvailable] again.
func (s *Server) SetVaultStatus(id, status string) {
	defer s.lock().Unlock()
	v := s.region.vaults.byID[id]
	if v == nil || !slices.Contains([]string{VaultAvailable, VaultLock, VaultFrozen, VaultError}, status) {
		s.kit.Complain("SetVaultStatus: there is no vault %s, or no status %q to set", id, status)
		return
	}
	v.status = status
}

// Backups returns the backups of a vault as they are now, in the order of their creation, without those of single
// disks of a server. An empty id is all vaults.
func (s *Server) Backups(vaultID string) []Backup {
	defer s.lock().Unlock()
	var found []Backup
	for _, b := range s.region.backups.all {
		if b.parent == nil && (vaultID == "" || b.vault.id == vaultID) {
			found = append(found, b.snapshotOf())
		}
	}
	return found
}

// RemoveBackup lets a backup be gone, as if somebody else had deleted it, and reports whether it was there.
func (s *Server) RemoveBackup(id string) bool {
	defer s.lock().Unlock()
	b, known := s.region.backups.byID[id]
	if known {
		s.region.removeBackup(b)
	}
	return known
}

// AddBackups makes so many backups of each resource of a vault, available and an hour apart, as if its policy had
// been at work, and returns their ids. It asks nobody, starts no task, and lets the vault grow if need be.
func (s *Server) AddBackups(vaultID string, count int) []string {
	defer s.lock().Unlock()
	r := s.region
	v := r.vaults.byID[vaultID]
	if v == nil || v.protectType != ProtectBackup || count < 0 {
		s.kit.Complain("AddBackups: there is no vault %s that takes backups, or %d are none", vaultID, count)
		return nil
	}
	grows := v.autoExpand
	v.autoExpand = true
	var ids []string
	for i := range count {
		at := r.now().Add(time.Duration(i-count) * time.Hour)
		of := &checkpoint{project: v.project, vaultID: v.id, vaultName: v.name, created: at}
		of.id, _ = r.cloud.claim("") // a fresh one is never taken
		r.checkpoints.put(of.id, of)
		for _, m := range v.members {
			made := r.newBackup(of, v, m, i > 0)
			made.name, made.created, made.updated, made.protectedAt = "autobk_"+m.resource.name, at, at, at
			made.auto = true
			r.putBackup(made)
			_ = r.fill(made, v, at) // a vault that grows is never full
			of.entries = append(of.entries, &entry{
				resource: made.resource(), sizeGB: made.sizeGB, backup: made, done: true, count: i + 1, countMB: made.takesMB,
			})
			ids = append(ids, made.id)
		}
	}
	v.autoExpand = grows
	return ids
}

// BreakResource lets a server or disk have the status error, so that it cannot be backed up, and SetResourceStatus
// any other.
func (s *Server) BreakResource(id string) { s.SetResourceStatus(id, "error") }

// SetResourceStatus lets a server, disk or file system have a status, such as "ACTIVE".
func (s *Server) SetResourceStatus(id, status string) {
	defer s.lock().Unlock()
	if of, known := s.region.resources.byID[id]; known {
		of.status = status
		return
	}
	s.kit.Complain("SetResourceStatus: there is no resource %s", id)
}

// RemoveResource lets a server, disk or file system be gone, as if somebody had deleted it; its backups stay. It
// reports whether it was there.
func (s *Server) RemoveResource(id string) bool {
	defer s.lock().Unlock()
	r := s.region
	gone, known := r.resources.byID[id]
	if known {
		for _, disk := range gone.disks {
			r.resources.drop(disk.id)
		}
		r.resources.drop(id)
	}
	return known
}

// HideDestination lets a region be one to which backups cannot be replicated, or be one again.
func (s *Server) HideDestination(region string, hidden bool) {
	defer s.lock().Unlock()
	s.region.hidden[region] = hidden
}
