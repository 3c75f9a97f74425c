package checkpoints_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// exampleRegions are two simulated regions, and a client of each.
func exampleRegions() (here, there *checkpointstest.Server, client, other *checkpoints.Client, stop func()) {
	here, err := checkpointstest.Start(checkpointstest.TaskDuration(0, 20*time.Millisecond))
	if err != nil {
		log.Fatal(err)
	}
	there, err = checkpointstest.Start(checkpointstest.LinkedTo(here))
	if err != nil {
		log.Fatal(err)
	}
	connect := func(at *checkpointstest.Server) *checkpoints.Client {
		identity := checkpoints.Identity{URL: at.AuthURL, Project: checkpoints.Project{ID: at.ProjectID}}
		user := checkpoints.User{Name: at.User, Domain: checkpoints.Domain{Name: at.Domain}}
		client, err := checkpoints.NewClient(at.URL, "", checkpoints.Password(identity, user, drkit.NewSecret(at.Password)),
			append(at.Options(), drkit.WithPolling(drkit.PollPolicy{MinInterval: 5 * time.Millisecond}))...)
		if err != nil {
			log.Fatal(err)
		}
		return client
	}
	client, other = connect(here), connect(there)
	return here, there, client, other, func() {
		_ = errors.Join(client.Close(context.Background()), other.Close(context.Background()))
		there.Close()
		here.Close()
	}
}

// A vault is backed up under a name by which the checkpoint can be found again, and what was skipped is told.
func ExampleCheckpoints_Create() {
	here, _, client, _, stop := exampleRegions()
	defer stop()
	here.BreakResource(checkpointstest.VMID("app-1"))

	ctx := context.Background()
	poller, err := client.Checkpoints.Create(ctx, checkpoints.VaultBackup{
		VaultID:    checkpointstest.VaultID("production"),
		Parameters: drkit.Some(checkpoints.CheckpointParam{Name: drkit.Some("before-the-update")}),
	})
	if err != nil {
		log.Fatal(err)
	}
	result, err := poller.Wait(ctx) // until nothing of it is under way
	if err != nil {
		log.Fatal(err)
	}
	for _, backup := range result.Backups {
		fmt.Printf("%s: %s (%s)\n", backup.ResourceName, backup.Status, backup.Reason)
	}
	fmt.Println(errors.Is(result.Err(), checkpoints.ErrSkipped))
	// Output:
	// db-1: success ()
	// app-1: skipped (The status of the resource forbids it.)
	// true
}

// All backups of a vault are copied to another region. The client of that region is asked where the source has
// forgotten what became of a copy.
func ExampleCheckpoints_Replicate() {
	here, there, client, other, stop := exampleRegions()
	defer stop()
	here.AddBackups(checkpointstest.VaultID("production"), 2)

	ctx := context.Background()
	poller, err := client.Checkpoints.Replicate(ctx, checkpoints.CheckpointReplicateParam{
		VaultID: checkpointstest.VaultID("production"), DestinationVaultID: checkpointstest.VaultID("replicas"),
		DestinationProjectID: there.ProjectID, DestinationRegion: there.Region,
	}, checkpoints.FollowAt(other))
	if err != nil {
		log.Fatal(err)
	}
	result, err := poller.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(result.Copies), "copies, known by", result.Way, "all good:", result.Err() == nil)
	// Output:
	// 4 copies, known by tasks all good: true
}

// A wait goes on in another process.
func ExampleResume() {
	_, _, client, _, stop := exampleRegions()
	defer stop()

	ctx := context.Background()
	poller, err := client.Checkpoints.Create(ctx, checkpoints.VaultBackup{VaultID: checkpointstest.VaultID("production")})
	if err != nil {
		log.Fatal(err)
	}
	token, err := poller.ResumeToken(ctx) // no secret: it can be kept in a file
	if err != nil {
		log.Fatal(err)
	}
	resumed, err := checkpoints.Resume[checkpoints.CheckpointResult](client, token)
	if err != nil {
		log.Fatal(err)
	}
	result, err := resumed.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(result.Checkpoint.Status)
	// Output:
	// available
}
