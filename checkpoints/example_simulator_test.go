package checkpoints_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// Back a vault up, and list what that has made. With the address and the credentials of a cloud, and without the lines
// of the simulator, the program does the same there.
func Example() {
	ctx := context.Background()
	clock := checkpointstest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	cloud, err := checkpointstest.Start(checkpointstest.UseClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer cloud.Close()

	client, err := checkpoints.NewClient("", "", checkpoints.Password(
		checkpoints.Identity{URL: cloud.AuthURL, Region: "region1", Project: checkpoints.Project{Name: "region1"}},
		checkpoints.User{Name: "operator", Domain: checkpoints.Domain{Name: "ACME"}},
		drkit.NewSecret(cloud.Password),
	), cloud.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(ctx)

	for vault, err := range client.Vaults.List(ctx, checkpoints.VaultQuery{Name: "production"}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(vault.Name, "protects", len(vault.Resources), "servers")
		if _, err := client.Checkpoints.Create(ctx, checkpoints.VaultBackup{VaultID: vault.ID}); err != nil {
			log.Fatal(err)
		}
		clock.Advance(time.Hour) // backups take their time

		query := checkpoints.BackupQuery{VaultID: vault.ID, Sort: []checkpoints.SortField{checkpoints.Asc("name")}}
		for backup, err := range client.Backups.List(ctx, query) {
			if err != nil {
				log.Fatal(err)
			}
			fmt.Println(backup.ResourceName, backup.ResourceSize, "GB", backup.Status, len(backup.Children), "disks")
		}
	}
	// Output:
	// production protects 2 servers
	// app-1 40 GB available 1 disks
	// db-1 140 GB available 2 disks
}

// The address of the service and the id of the project come with the session.
func ExampleNewClient() {
	password := drkit.NewSecret("the password")
	client, err := checkpoints.NewClient("", "", checkpoints.Password(
		checkpoints.Identity{
			URL: "https://iam.eu-de.otc.t-systems.com/v3", Region: "eu-de", Project: checkpoints.Project{Name: "eu-de_production"},
		},
		checkpoints.User{Name: "ops", Domain: checkpoints.Domain{Name: "OTC00000000001000000001"}},
		password,
	), drkit.WithLogger(slog.Default()))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())
}

// Each request is signed with a key, and nobody signs in.
func ExampleAccessKey() {
	secret := drkit.NewSecret("the secret key")
	client, err := checkpoints.NewClient("https://cbr.eu-west-101.myhuaweicloud.com", "0605767b9b8025f32f99c018f4e00c50",
		checkpoints.AccessKey("QTWAOYTTINDUT2QVKYUC", secret))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())
}

// A program of one account backs up what belongs to another, which has made an agency for it.
func ExampleAgency() {
	password := drkit.NewSecret("the password")
	by := checkpoints.Password(checkpoints.Identity{URL: "https://iam.eu-de.otc.t-systems.com/v3", Region: "eu-de"},
		checkpoints.User{Name: "ops", Domain: checkpoints.Domain{Name: "OTC00000000001000000001"}}, password)
	client, err := checkpoints.NewClient("", "", checkpoints.Agency(by, checkpoints.Delegation{
		Domain: checkpoints.Domain{Name: "OTC00000000001000000002"}, Name: "backups", Project: checkpoints.Project{Name: "eu-de"},
	}))
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())
}

// What the README shows of the simulator.
func TestReadme(t *testing.T) {
	t.Parallel()
	server := checkpointstest.NewServer(t)
	client, err := checkpoints.NewClient("", "", checkpoints.Password(
		checkpoints.Identity{URL: server.AuthURL, Region: server.Region, Project: checkpoints.Project{Name: server.Project}},
		checkpoints.User{Name: server.User, Domain: checkpoints.Domain{Name: server.Domain}}, drkit.NewSecret(server.Password),
	), server.Options()...)
	require.NoError(t, err)

	// Somebody else backs the vault up, and the gateway fails once on the way.
	_, err = server.Operator("olga").Do("Checkpoints.Create", "", `{"checkpoint":{"vault_id":"`+checkpointstest.VaultID("production")+`"}}`)
	require.NoError(t, err)
	server.Inject(checkpointstest.Fault{Operation: "Tasks.List", Status: 502, Body: "<html>Bad Gateway</html>", Times: 1})
	tasks, err := drkit.Collect(client.Tasks.List(t.Context(), checkpoints.TaskQuery{OperationType: checkpoints.TaskTypeBackup}))

	require.NoError(t, err)
	assert.Len(t, tasks, 2)                        // one for each server in the vault
	assert.Equal(t, 2, server.Count("Tasks.List")) // a read is sent again
	require.NoError(t, client.Close(t.Context()))
}
