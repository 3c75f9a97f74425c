package unitrends_test

import (
	"context"
	"fmt"
	"log"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
)

func ExampleNewClient() {
	password := drkit.NewSecret("the password")
	client, err := unitrends.NewClient("https://recovery01.example.com", unitrends.Login(`EXAMPLE\ops`, password),
		drkit.WithThumbprint("SHA-256:3A:6F:41:7C:0B:59:E2:D8:10:94:77:AC:5E:21:F3:88:6D:02:B4:CF:19:EA:50:73:96:3D:88:0C:47:BE:15:A2"))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())
}

// On the target: one source is let in, with a storage of its own, and all others are turned away.
func ExampleSources_Accept() {
	ctx := context.Background()
	target, err := unitrends.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer target.Close(ctx)

	systems, err := target.Systems.List(ctx, unitrends.SystemQuery{})
	if err != nil {
		log.Fatal(err)
	}
	for _, request := range systems {
		switch {
		case !request.IsPending:
		case request.AssetTag == "UT-500731":
			terms := unitrends.Acceptance{StorageID: drkit.Some(unitrends.ID("7"))}
			accepted, err := target.Sources.Accept(ctx, request.RequestID, terms)
			if err != nil {
				log.Fatal(err)
			}
			source, err := accepted.Wait(ctx) // until it is configured
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(source.Name, "is", source.Role)
		default:
			if _, err := target.Sources.Reject(ctx, request.RequestID, "ask the backup team first"); err != nil {
				log.Fatal(err)
			}
		}
	}
}

// On the source: what an asset has waiting is copied before something else begins.
func ExampleQueue_Drained() {
	ctx := context.Background()
	source, err := unitrends.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer source.Close(ctx)

	drain, err := source.Queue.Drained("ledger-db").Wait(ctx, drkit.OnProgress(func(p drkit.Progress) { fmt.Println(p.Percent, "%") }))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(drain.Left, "backups have left the queue:", drain.States)
}

// A run of a job order is waited for by another process.
func ExampleResume() {
	ctx := context.Background()
	client, err := unitrends.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	run, err := client.System("4").JobOrders.Run(ctx, "17")
	if err != nil {
		log.Fatal(err)
	}
	token, err := run.ResumeToken(ctx)
	if err != nil {
		log.Fatal(err)
	}

	resumed, err := unitrends.Resume[unitrends.HistoryJob](client, token)
	if err != nil {
		log.Fatal(err)
	}
	job, err := resumed.Wait(ctx)
	fmt.Println(job.Status, err)
}
