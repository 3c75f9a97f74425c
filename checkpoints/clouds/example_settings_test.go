package clouds_test

import (
	"context"
	"fmt"
	"log"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
	"github.com/drkit-go/drkit/checkpoints/clouds"
)

// Two clients of one cloud: of the region that backups are in, and of the one that they are copied to.
func ExampleSettings() {
	cloud, err := checkpointstest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer cloud.Close()
	there, err := checkpointstest.Start(checkpointstest.LinkedTo(cloud))
	if err != nil {
		log.Fatal(err)
	}
	defer there.Close()
	defer describe(cloud)()

	settings, err := clouds.Settings("lab", "region1")
	if err != nil {
		log.Fatal(err)
	}
	away := settings
	away.Region, away.ProjectName = "region2", "region2"
	ctx := context.Background()
	for _, region := range []checkpoints.Settings{settings, away} {
		client, err := region.NewClient(cloud.Options()...)
		if err != nil {
			log.Fatal(err)
		}
		defer client.Close(ctx)
		vaults, err := drkit.Collect(client.Vaults.List(ctx, checkpoints.VaultQuery{}))
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(region.Region, vaults[0].Name)
	}
	// Output:
	// region1 production
	// region2 replicas
}
