package unitrends_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"strconv"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// startExample returns clients of a simulated source, which protects db-1, app-1 and web-1, and of a simulated target,
// vault. What takes time there is over in a moment.
func startExample(options ...unitrendstest.Option) (source, target *unitrends.Client, pair *unitrendstest.Pair, stop func()) {
	pair, err := unitrendstest.StartPair(append([]unitrendstest.Option{
		unitrendstest.Settling(5 * time.Millisecond), unitrendstest.Copying(5 * time.Millisecond),
	}, options...)...)
	if err != nil {
		log.Fatal(err)
	}
	source, target = connectExample(pair.Source), connectExample(pair.Target)
	return source, target, pair, func() {
		_, _ = source.Close(context.Background()), target.Close(context.Background())
		pair.Close()
	}
}

func connectExample(server *unitrendstest.Server) *unitrends.Client {
	options := append(server.Options(), drkit.WithPolling(drkit.PollPolicy{MinInterval: 5 * time.Millisecond, Grace: 100 * time.Millisecond}))
	client, err := unitrends.NewClient(server.URL, unitrends.Login(server.User, drkit.NewSecret(server.Password)), options...)
	if err != nil {
		log.Fatal(err)
	}
	return client
}

// A source asks, the target accepts, and the backups of one machine are copied.
func Example() {
	source, target, pair, stop := startExample()
	defer stop()
	ctx := context.Background()
	pair.Source.HoldCopies(true) // until somebody watches

	asked, err := source.Targets.Request(ctx, unitrends.TargetRequest{"host": pair.Target.Host})
	if err != nil {
		log.Fatal(err)
	}
	pending, err := target.Sources.Pending(ctx)
	if err != nil {
		log.Fatal(err)
	}
	accepted, err := target.Sources.Accept(ctx, pending[0].RequestID, unitrends.Acceptance{})
	if err != nil {
		log.Fatal(err)
	}
	system, err := accepted.Wait(ctx) // until the source has finished its configuration
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(system.Name, "replicates:", system.Replicates())

	vault, err := asked.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	ordered, err := source.JobOrders.Create(ctx, unitrends.ReplicationJobOrder{
		Name: "nightly", Instances: []unitrends.ID{instance(ctx, source, "db-1")}, TargetID: vault.TargetID,
	})
	if err != nil {
		log.Fatal(err)
	}
	if _, err := ordered.Wait(ctx); err != nil {
		log.Fatal(err)
	}
	drain, err := source.Queue.Drained("db-1").Wait(ctx, drkit.OnProgress(func(drkit.Progress) { pair.Source.HoldCopies(false) }))
	fmt.Println(drain.States, err)
	// Output:
	// branch replicates: true
	// map[Success:1] <nil>
}

// instance returns what job orders name a machine by.
func instance(ctx context.Context, client *unitrends.Client, name string) unitrends.ID {
	assets, err := client.Assets.List(ctx)
	if err != nil {
		log.Fatal(err)
	}
	for _, asset := range assets {
		for _, child := range asset.Children {
			if child.Name == name {
				return child.ID
			}
		}
	}
	log.Fatal("no instance " + name)
	return ""
}

func ExampleNewClient() {
	password := drkit.NewSecret("from a vault")
	client, err := unitrends.NewClient("https://recovery01.example.com", unitrends.Login(`EXAMPLE\ops`, password),
		drkit.WithThumbprint("SHA-256:3A:6F:41:7C:0B:59:E2:D8:10:94:77:AC:5E:21:F3:88:6D:02:B4:CF:19:EA:50:73:96:3D:88:0C:47:BE:15:A2"),
		drkit.WithLogger(slog.Default()))
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = client.Close(context.Background()) }()
	fmt.Println("nothing was sent yet")
	// Output: nothing was sent yet
}

// A target that manages its source changes what that copies, over its own session.
func ExampleClient_System() {
	_, target, pair, stop := startExample(unitrendstest.AtTarget(unitrendstest.Manages("branch")))
	defer stop()
	ctx := context.Background()

	branch := target.System(unitrends.ID(strconv.Itoa(pair.Target.SystemID("branch"))))
	if _, err := branch.Queue.SetStrategy(ctx, unitrends.StrategyRecency); err != nil {
		log.Fatal(err)
	}
	there, err := branch.Queue.Strategy(ctx)
	if err != nil {
		log.Fatal(err)
	}
	here, err := target.Queue.Strategy(ctx)
	fmt.Printf("branch: %s, vault: %s %v\n", there, here, err)
	// Output: branch: Recency, vault: Maximize Retention <nil>
}

// Credentials are tried before a night's work depends on them.
func ExampleSessions_SignIn() {
	_, _, pair, stop := startExample()
	defer stop()
	client, err := unitrends.NewClient(pair.Target.URL, unitrends.Login("root", drkit.NewSecret("that of last year")), pair.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	err = client.Sessions.SignIn(context.Background())
	fmt.Println(errors.Is(err, drkit.ErrUnauthorized))
	// Output: true
}

// On the target: one source is let in, with a storage of its own, and all others are turned away.
func ExampleSources_Accept() {
	_, target, pair, stop := startExample(unitrendstest.AtTarget(unitrendstest.Pending("quay-07", "barge")))
	defer stop()
	ctx := context.Background()

	systems, err := target.Systems.List(ctx, unitrends.SystemQuery{IncludePending: drkit.Some(true)})
	if err != nil {
		log.Fatal(err)
	}
	for _, request := range systems {
		switch {
		case !request.IsPending:
		case request.AssetTag == "TAG-quay-07":
			accepted, err := target.Sources.Accept(ctx, request.RequestID, unitrends.Acceptance{StorageID: drkit.Some(unitrends.ID("2"))})
			if err != nil {
				log.Fatal(err)
			}
			source, err := accepted.Wait(ctx) // until it is configured
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(source.Name, "is a", source.Role)
		default:
			if _, err := target.Sources.Reject(ctx, request.RequestID, "ask the backup team first"); err != nil {
				log.Fatal(err)
			}
		}
	}
	for _, request := range pair.Target.Audit().Incoming {
		fmt.Println(request.Source, request.State)
	}
	// Output:
	// quay-07 is a Non-Managed Replication Source
	// quay-07 done
	// barge rejected
}

// The target accepts, then the connection breaks. The acceptance is found, and nothing is sent again.
func ExampleSources_Accept_answerLost() {
	_, target, pair, stop := startExample(unitrendstest.AtTarget(unitrendstest.Pending("quay-07")))
	defer stop()
	ctx := context.Background()
	pair.Target.Inject(unitrendstest.Fault{Operation: "Sources.Decide", After: true, Drop: true, Times: 1})

	accepted, err := target.Sources.Accept(ctx, "1", unitrends.Acceptance{})
	if err != nil {
		log.Fatal(err)
	}
	source, err := accepted.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(source.Name, "found again:", accepted.Adopted(), "sent:", pair.Target.Count("Sources.Decide"))
	// Output: quay-07 found again: true sent: 1
}

// The request is lost on its way. Whether the target has it nobody can say before it was looked for.
func ExampleSources_Accept_requestLost() {
	_, target, pair, stop := startExample(unitrendstest.AtTarget(unitrendstest.Pending("quay-07")))
	defer stop()
	ctx := context.Background()
	pair.Target.Inject(unitrendstest.Fault{Operation: "Sources.Decide", Drop: true, Times: 1})

	_, err := target.Sources.Accept(ctx, "1", unitrends.Acceptance{})
	var unknown *drkit.OutcomeUnknownError
	if !errors.As(err, &unknown) {
		log.Fatal(err)
	}
	fmt.Println("unknown for", unknown.Resource, "and all is as it was:", unknown.Untouched)
	drkit.Discard(err) // somebody has looked, and takes it on himself to try again
	accepted, err := target.Sources.Accept(ctx, "1", unitrends.Acceptance{})
	if err != nil {
		log.Fatal(err)
	}
	source, err := accepted.Wait(ctx)
	fmt.Println(source.Name, err)
	// Output:
	// unknown for replication request 1 and all is as it was: true
	// quay-07 <nil>
}

// Somebody accepts at the same moment with another storage. Nobody can tell the two acceptances apart, but what was
// wanted can be set again.
func ExampleSources_Update() {
	_, target, pair, stop := startExample(unitrendstest.AtTarget(unitrendstest.Pending("quay-07")))
	defer stop()
	ctx := context.Background()
	pair.Target.Inject(unitrendstest.Fault{Operation: "Sources.Decide", Times: 1, Do: func() {
		if err := pair.Target.Operator("ann").Accept(1, pair.Target.StorageID("internal")); err != nil {
			log.Fatal(err)
		}
	}})

	copies := drkit.Some(unitrends.ID("2"))
	accepted, err := target.Sources.Accept(ctx, "1", unitrends.Acceptance{StorageID: copies})
	if err != nil {
		log.Fatal(err)
	}
	source, err := accepted.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	if accepted.Adopted() {
		if _, err := target.Sources.Update(ctx, source.ID, unitrends.SourceUpdate{StorageID: copies}); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(pair.Target.StorageOf("quay-07") == pair.Target.StorageID("copies"))
	// Output: true
}

// A run after a crash finds a source accepted already, and waits for it.
func ExampleSources_Settled() {
	_, target, pair, stop := startExample(unitrendstest.AtTarget(unitrendstest.Pending("quay-07")))
	defer stop()
	ctx := context.Background()
	pair.Target.StallAcceptances(true) // until somebody waits
	if err := pair.Target.Operator("ann").Accept(1, 0); err != nil {
		log.Fatal(err)
	}

	accepted, err := target.Sources.Accept(ctx, "1", unitrends.Acceptance{})
	if errors.Is(err, drkit.ErrConflict) {
		accepted, err = target.Sources.Settled("1")
	}
	if err != nil {
		log.Fatal(err)
	}
	source, err := accepted.Wait(ctx, drkit.OnProgress(func(drkit.Progress) { pair.Target.StallAcceptances(false) }))
	fmt.Println(source.Name, err)
	// Output: quay-07 <nil>
}

// What the service says of a refusal is in the error: its message, and the article of the knowledge base.
func ExampleResult() {
	_, target, _, stop := startExample()
	defer stop()
	_, err := target.Sources.Update(context.Background(), "77", unitrends.SourceUpdate{StorageID: drkit.Some(unitrends.ID("2"))})
	var refused *drkit.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Code, refused.Message)
	}
	// Output: 500 5000 There is no replicating source with the id 77. https://kb.drkit.test/articles/005000
}
