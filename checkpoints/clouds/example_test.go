package clouds_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
	"github.com/drkit-go/drkit/checkpoints/clouds"
)

// A cloud that clouds.yaml describes, here a simulated one.
func ExampleNewClient() {
	cloud, err := checkpointstest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer cloud.Close()
	defer describe(cloud)()

	client, err := clouds.NewClient("lab", cloud.Options()...)
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	defer client.Close(ctx)
	for vault, err := range client.Vaults.List(ctx, checkpoints.VaultQuery{}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(vault.Name)
	}
	// Output: production
}

// describe writes clouds.yaml for a simulated cloud, and returns what takes it away.
func describe(cloud *checkpointstest.Server) (remove func()) {
	folder, err := os.MkdirTemp("", "clouds")
	if err != nil {
		log.Fatal(err)
	}
	file := filepath.Join(folder, "clouds.yaml")
	text := fmt.Sprintf(`
clouds:
  lab:
    auth:
      auth_url: %s
      username: operator
      password: %s
      user_domain_name: ACME
      project_name: region1
    region_name: region1
`, cloud.AuthURL, cloud.Password)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	if err := os.Setenv("OS_CLIENT_CONFIG_FILE", file); err != nil {
		log.Fatal(err)
	}
	return func() {
		_ = os.Unsetenv("OS_CLIENT_CONFIG_FILE")
		_ = os.RemoveAll(folder)
	}
}

// The cloud that OS_CLOUD names or, without it, the one that OS_AUTH_URL and the other variables describe.
func ExampleFromEnv() {
	client, err := clouds.FromEnv() // OS_CLOUD and clouds.yaml, or OS_AUTH_URL and the others
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close(context.Background())
}
