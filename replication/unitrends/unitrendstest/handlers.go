package unitrendstest

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/replication/unitrends/internal/contract"
)

// work is one operation: it returns the answer's value, nil for none, or a *refusal.
type work func(*simkit.Call) (any, error)

// created is the id of what a request has made.
type created struct{ id any }

// handlers joins the operations to the contract by name.
func (a *appliance) handlers() map[string]simkit.Handler {
	handlers := map[string]simkit.Handler{}
	for name, work := range map[string]work{
		contract.SessionsSignIn.Name: a.signIn,

		contract.SystemsList.Name:      a.listSystems,
		contract.SourcesPending.Name:   a.listPending,
		contract.SourcesDecide.Name:    a.decide,
		contract.SourcesUpdate.Name:    a.updateSource,
		contract.SourcesDelete.Name:    a.deleteSource,
		contract.TargetsRequest.Name:   a.requestTarget,
		contract.TargetsList.Name:      a.listTargets,
		contract.TargetsConnected.Name: a.connectedTargets,

		contract.ConfigGet.Name:        a.getConfig,
		contract.ConfigUpdate.Name:     a.updateConfig,
		contract.QueueGet.Name:         a.getQueue,
		contract.QueueActive.Name:      a.activeCopies,
		contract.QueueInactive.Name:    a.waitingCopies,
		contract.QueueEdit.Name:        a.editQueue,
		contract.QueueStrategy.Name:    a.getStrategy,
		contract.QueueSetStrategy.Name: a.setStrategy,

		contract.JobOrdersList.Name:    a.listOrders,
		contract.JobOrdersGet.Name:     a.getOrder,
		contract.JobOrdersCreate.Name:  a.createOrder,
		contract.JobOrdersUpdate.Name:  a.updateOrder,
		contract.JobOrdersRun.Name:     a.runOrder,
		contract.JobOrdersEnable.Name:  a.enableOrder,
		contract.JobOrdersDisable.Name: a.disableOrder,

		contract.JobsActive.Name:               a.activeJobs,
		contract.JobsActiveReplications.Name:   a.activeCopies,
		contract.JobsActiveFileRecoveries.Name: a.activeFileRecoveries,
		contract.JobsHistory.Name:              a.listHistory,
		contract.JobsCancel.Name:               a.cancelJob,

		contract.AssetsList.Name:  a.listAssets,
		contract.StorageList.Name: a.listStorage,
		contract.CatalogList.Name: a.listCatalog,

		contract.InstantRecoveriesStart.Name: a.startRecovery,
		contract.InstantRecoveriesList.Name:  a.listRecoveries,
		contract.InstantRecoveriesEnd.Name:   a.endRecovery,
	} {
		handlers[name] = a.handler(work)
	}
	return handlers
}

// handler does the work under the lock, and encodes what it returns without: values share nothing with the
// state that changes.
func (a *appliance) handler(work work) simkit.Handler {
	return func(call *simkit.Call) simkit.Answer {
		value, warning, err := a.perform(work, call)
		if err != nil {
			return a.errorAnswer(err)
		}
		status := successOf(call)
		shape := a.config.shape
		made, isMade := value.(created)
		switch {
		case isMade && shape.bare && warning == "", value == nil && warning == "":
			return simkit.Answer{Status: status}
		case isMade || value == nil:
			detail := object{"code": 0}.withText("message", warning)
			if isMade && !shape.bare {
				detail["id"] = made.id
			}
			return simkit.JSON(status, contentType, shape.render(shape.result(detail)))
		}
		return simkit.JSON(status, contentType, shape.render(value))
	}
}

func (a *appliance) perform(work work, call *simkit.Call) (value any, warning string, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settle(call.Now())
	value, err = work(call)
	if err == nil {
		warning = a.warnings[call.Operation.Name]
		delete(a.warnings, call.Operation.Name)
	}
	return value, warning, err
}

// successOf is 201 for what is posted and 200 otherwise, where the contract leaves the choice.
func successOf(call *simkit.Call) int {
	statuses := call.Operation.Statuses
	if call.Operation.Method == http.MethodPost {
		return statuses[len(statuses)-1]
	}
	return statuses[0]
}

// body reads a body that has been held against the contract.
func body[T any](call *simkit.Call) (T, error) {
	var v T
	if err := json.Unmarshal(call.Body, &v); err != nil {
		return v, fmt.Errorf("the request does not decode: %w", err)
	}
	return v, nil
}

func (a *appliance) signIn(call *simkit.Call) (any, error) {
	given, err := body[struct {
		Username string `json:"username"`
		Password string `json:"password"`
	}](call)
	if err != nil {
		return nil, err
	}
	password, known := a.config.users[given.Username]
	if given.Username == rootUser {
		password, known = a.config.password, true
	}
	if !known || password != given.Password {
		return nil, &refusal{status: http.StatusUnauthorized, code: codeSession, message: "The username or password is wrong."}
	}
	token := freshToken()
	a.sessions[token] = &session{user: given.Username, used: a.now}
	call.User = given.Username
	return object{"auth_token": token}, nil
}
