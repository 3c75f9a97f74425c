package unitrends_test

import (
	"context"
	"fmt"
	"log"
	"strconv"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// orderExample creates a job order for all that the source protects, once both appliances know each other.
func orderExample(source *unitrends.Client, pair *unitrendstest.Pair) unitrends.JobOrder {
	_, target := pair.Connect()
	ctx := context.Background()
	order := unitrends.ReplicationJobOrder{Name: "nightly", TargetID: unitrends.ID(strconv.Itoa(target))}
	for _, name := range []string{"db-1", "app-1", "web-1"} {
		order.Instances = append(order.Instances, instance(ctx, source, name))
	}
	created, err := source.JobOrders.Create(ctx, order)
	if err != nil {
		log.Fatal(err)
	}
	listed, err := created.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	return listed
}

// On the source: what is waiting is copied before something else begins.
func ExampleQueue_Drained() {
	source, _, pair, stop := startExample()
	defer stop()
	pair.Source.FailCopy("web-1", "The tunnel is down.")
	pair.Source.HoldCopies(true) // until somebody watches
	orderExample(source, pair)
	ctx := context.Background()

	drain, err := source.Queue.Drained().Wait(ctx, drkit.OnProgress(func(drkit.Progress) { pair.Source.HoldCopies(false) }))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(drain.Left, "backups have left the queue:", drain.States)
	history, err := source.Jobs.History(ctx, unitrends.HistoryQuery{ShowFlat: drkit.Some(true)})
	if err != nil {
		log.Fatal(err)
	}
	for _, job := range history {
		if job.Status != unitrends.HistoryStatusSuccess {
			fmt.Println(job.AssetName, job.Status, job.Message)
		}
	}
	// Output:
	// 3 backups have left the queue: map[Failed:1 Success:2]
	// web-1 Failed The tunnel is down.
}

// What is not worth its bandwidth today leaves the queue.
func ExampleSystemQueue_Edit() {
	source, _, pair, stop := startExample()
	defer stop()
	pair.Source.HoldCopies(true)
	orderExample(source, pair)
	ctx := context.Background()

	if _, err := source.Queue.Edit(ctx, unitrends.QueueEdit{Instances: []string{"web-1"}, Action: unitrends.QueueActionRemove}); err != nil {
		log.Fatal(err)
	}
	waiting, err := source.Queue.Inactive(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, item := range waiting {
		fmt.Println(item.QueuePosition, item.InstanceName, item.Size, "MB", item.Status)
	}
	// Output:
	// 1 db-1 1024 MB Needed
	// 2 app-1 1024 MB Needed
}

// What a change leaves out stays as it is.
func ExampleConfig_Update() {
	source, _, _, stop := startExample()
	defer stop()
	ctx := context.Background()

	update := unitrends.ConfigUpdate{MaxConcurrent: drkit.Some(4), ReportTime: drkit.Some("06:45")}
	if _, err := source.Config.Update(ctx, update); err != nil {
		log.Fatal(err)
	}
	settings, err := source.Config.Get(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(settings[0].MaxConcurrent, settings[0].ReportTime, settings[0].Strategy)
	// Output: 4 06:45 am Maximize Retention
}

// A copy has failed. The order is run once more, and followed to its end.
func ExampleJobOrders_Run() {
	source, _, pair, stop := startExample()
	defer stop()
	ctx := context.Background()
	pair.Source.FailCopy("web-1", "The tunnel is down.")
	order := orderExample(source, pair)
	if _, err := source.Queue.Drained().Wait(ctx); err != nil {
		log.Fatal(err)
	}

	run, err := source.JobOrders.Run(ctx, order.ID)
	if err != nil {
		log.Fatal(err)
	}
	job, err := run.Wait(ctx)
	fmt.Println(job.Name, job.Status, err)
	// Output: nightly Success <nil>
}

// An order is changed as it was read: members that drkit does not know go back as they came.
func ExampleJobOrders_Update() {
	source, _, pair, stop := startExample()
	defer stop()
	ctx := context.Background()

	order, err := source.JobOrders.Get(ctx, orderExample(source, pair).ID)
	if err != nil {
		log.Fatal(err)
	}
	order.Instances = order.Instances[:1]
	if _, err := source.JobOrders.Update(ctx, order); err != nil {
		log.Fatal(err)
	}
	order, err = source.JobOrders.Get(ctx, order.ID)
	fmt.Println(order.Name, len(order.Instances), err)
	// Output: nightly 1 <nil>
}

// On the target: a copy is proven to work, without touching the machine that it is of.
func ExampleInstantRecoveries_Start() {
	source, target, pair, stop := startExample()
	defer stop()
	ctx := context.Background()
	orderExample(source, pair)
	if _, err := source.Queue.Drained().Wait(ctx); err != nil {
		log.Fatal(err)
	}

	catalog, err := target.Catalog.List(ctx, unitrends.CatalogQuery{})
	if err != nil {
		log.Fatal(err)
	}
	copied := catalog[0]
	started, err := target.InstantRecoveries.Start(ctx, unitrends.InstantRecovery{
		Audit: true, PowerOn: drkit.Some(true), BackupID: copied.Backups[len(copied.Backups)-1].ID,
		Target: unitrends.RecoveryTarget{Host: "14", Name: copied.DatabaseName + "-audit", Datastore: drkit.Some("scratch")},
	})
	if err != nil {
		log.Fatal(err)
	}
	machine, err := started.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(machine.VMName, machine.Mode, machine.Status)

	over, err := target.InstantRecoveries.End(ctx, machine.VirtualID, unitrends.RecoveryKindVMware)
	if err != nil {
		log.Fatal(err)
	}
	_, err = over.Wait(ctx)
	fmt.Println(len(pair.Target.Audit().Recoveries), err)
	// Output:
	// db-1-audit audit Running
	// 0 <nil>
}

// On the source: a target is asked, and the person there lets the source in hours later, when another process waits.
func ExampleResume() {
	source, target, pair, stop := startExample()
	defer stop()
	ctx := context.Background()

	asked, err := source.Targets.Request(ctx, unitrends.TargetRequest{"host": pair.Target.Host})
	if err != nil {
		log.Fatal(err)
	}
	token, err := asked.ResumeToken(ctx) // for a file, or a ticket: it holds no secret
	if err != nil {
		log.Fatal(err)
	}
	if _, err := target.Sources.Accept(ctx, "1", unitrends.Acceptance{}); err != nil {
		log.Fatal(err)
	}

	another := connectExample(pair.Source)
	resumed, err := unitrends.Resume[unitrends.Target](another, token)
	if err != nil {
		log.Fatal(err)
	}
	connected, err := resumed.Wait(ctx)
	fmt.Println(connected.Name, err)
	// Output: vault <nil>
}
