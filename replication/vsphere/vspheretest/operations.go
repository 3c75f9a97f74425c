package vspheretest

import (
	"github.com/drkit-go/drkit/internal/simkit"
	"github.com/drkit-go/drkit/replication/vsphere/internal/contract"
)

// work is one operation: it returns the answer, nil for none, or a *refusal.
type work func(*simkit.Call, *visit) (any, error)

// operation is how one operation is simulated.
type operation struct {
	work  work
	needs needs // of the remote site
	// anonymous operations need no session.
	anonymous bool
	// anyone may do it, also an observer.
	anyone bool
	// recovery operations work for incoming replications only.
	recovery bool
	// added operations are not in specification 2.0.0.
	added bool
}

// operations joins the operations to the contract by name.
func (w *world) operations() map[string]operation {
	return map[string]operation{
		contract.SessionsSignIn.Name:      {work: w.signIn, anonymous: true},
		contract.SessionsGet.Name:         {work: w.getSession},
		contract.SessionsEnd.Name:         {work: w.signOut, anyone: true},
		contract.ApplianceInfo.Name:       {work: w.info},
		contract.RemoteSessionGet.Name:    {work: w.remoteUser, needs: remoteSession},
		contract.RemoteSessionSignIn.Name: {work: w.remoteSignIn, needs: remoteServer, anyone: true},

		contract.ReplicationServersList.Name:       {work: w.localServers},
		contract.ReplicationServersRegister.Name:   {work: w.registerLocalServer},
		contract.ReplicationServersGet.Name:        {work: w.localServer},
		contract.ReplicationServersUnregister.Name: {work: w.unregisterLocalServer},
		contract.ReplicationServersReconnect.Name:  {work: w.reconnectLocalServer},

		contract.PairingsList.Name:      {work: w.listPairings},
		contract.PairingsCreate.Name:    {work: w.createPairing},
		contract.PairingsGet.Name:       {work: w.getPairing},
		contract.PairingsBreak.Name:     {work: w.breakPairing},
		contract.PairingsReconnect.Name: {work: w.reconnectPairing, needs: remoteServer},
		contract.PairingsIssues.Name:    {work: w.pairingIssues},

		contract.ManagementServersList.Name:            {work: w.listManagementServers},
		contract.ManagementServersGet.Name:             {work: w.getManagementServer},
		contract.SiteReplicationServersList.Name:       {work: w.siteServers},
		contract.SiteReplicationServersRegister.Name:   {work: w.registerSiteServer},
		contract.SiteReplicationServersGet.Name:        {work: w.siteServer},
		contract.SiteReplicationServersUnregister.Name: {work: w.unregisterSiteServer},
		contract.SiteReplicationServersReconnect.Name:  {work: w.reconnectSiteServer},

		contract.ReplicationsList.Name:        {work: w.listReplications},
		contract.ReplicationsGet.Name:         {work: w.getReplication},
		contract.ReplicationsCount.Name:       {work: w.countReplications},
		contract.ReplicationsIssues.Name:      {work: w.replicationIssues},
		contract.ReplicationsDisks.Name:       {work: w.replicationDisks},
		contract.ReplicationsConfigure.Name:   {work: w.configure, needs: remoteSession},
		contract.ReplicationsReconfigure.Name: {work: w.reconfigure, needs: remoteSession},
		contract.ReplicationsUnconfigure.Name: {work: w.unconfigure, needs: remoteSession},
		contract.ReplicationsDelete.Name:      {work: w.deleteHalf},
		contract.ReplicationsPause.Name:       {work: w.pause, needs: remoteSession},
		contract.ReplicationsResume.Name:      {work: w.resume, needs: remoteSession},
		contract.ReplicationsSync.Name:        {work: w.sync, needs: remoteServer},

		contract.ReplicationsActiveImage.Name:      {work: w.activeImage, added: true, recovery: true},
		contract.ReplicationsTest.Name:             {work: w.test, added: true, recovery: true},
		contract.ReplicationsCleanUp.Name:          {work: w.cleanUp, added: true, recovery: true},
		contract.ReplicationsPromoteTestImage.Name: {work: w.promote, added: true, recovery: true},
		contract.ReplicationsDemoteTestImage.Name:  {work: w.demote, added: true, recovery: true},
		contract.ReplicationsInstances.Name:        {work: w.instances, added: true},
		contract.ReplicationsInstance.Name:         {work: w.instance, added: true},
		contract.ReplicationsCapabilities.Name:     {work: w.capabilities, added: true},

		contract.DatastoresList.Name:                 {work: w.listDatastores},
		contract.DatastoresBrowse.Name:               {work: w.browse},
		contract.DatastoresFindSeeds.Name:            {work: w.findSeeds},
		contract.StoragePoliciesList.Name:            {work: w.listPolicies},
		contract.StoragePoliciesCheckCompliance.Name: {work: w.checkCompliance},
		contract.VMsList.Name:                        {work: w.listMachines},
		contract.VMsCapability.Name:                  {work: w.machineCapability},
		contract.VMsDisks.Name:                       {work: w.machineDisks},
		contract.ComputeList.Name:                    {work: w.listCompute, added: true},
		contract.ComputeGet.Name:                     {work: w.getCompute, added: true},
		contract.FoldersList.Name:                    {work: w.listFolders, added: true},
		contract.FoldersGet.Name:                     {work: w.getFolder, added: true},

		contract.MappingsList.Name:      {work: w.listMappings, added: true},
		contract.MappingsCreate.Name:    {work: w.createMappings, added: true},
		contract.MappingsCalculate.Name: {work: w.calculateMappings, added: true},
		contract.MappingsRunTests.Name:  {work: w.testMappings, added: true},

		contract.TasksList.Name: {work: w.listTasks},
		contract.TasksGet.Name:  {work: w.getTask},
	}
}

func (w *world) handlers() map[string]simkit.Handler {
	handlers := map[string]simkit.Handler{}
	for name, simulated := range w.table {
		handlers[name] = w.handler(simulated.work)
	}
	return handlers
}

// handler does the work under the lock, and encodes what it returns without: values share nothing with the state
// that changes.
func (w *world) handler(work work) simkit.Handler {
	return func(call *simkit.Call) simkit.Answer {
		v, _ := call.Session.(*visit) // admit has put it there
		value, err := w.perform(work, call, v)
		if err != nil {
			return answerOf(err)
		}
		return w.encode(call, value)
	}
}

func (w *world) perform(work work, call *simkit.Call, v *visit) (any, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settle(call.Now())
	return work(call, v)
}
