package clouds_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints/clouds"
)

func ExampleNewClient() {
	// An identity service that lets everybody in.
	identity := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Subject-Token", "gAAAAAB")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"token":{"user":{"name":"ops"},"project":{"id":"p1","name":"drill"}}}`)
	}))
	defer identity.Close()
	folder, err := os.MkdirTemp("", "clouds")
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	file := filepath.Join(folder, "clouds.yaml")
	text := fmt.Sprintf(`
clouds:
  lab:
    auth:
      auth_url: %s/v3
      username: ops
      password: correct horse
      user_domain_name: Default
      project_name: drill
    cbr_endpoint_override: https://cbr.example.com
`, identity.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		log.Fatal(err)
	}
	if err := os.Setenv("OS_CLIENT_CONFIG_FILE", file); err != nil {
		log.Fatal(err)
	}

	client, err := clouds.NewClient("lab", drkit.WithTransport(identity.Client().Transport))
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	defer client.Close(ctx)
	session, err := client.Sessions.SignIn(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(session.User.Name, session.Project.Name, session.Endpoint)
	// Output: ops drill https://cbr.example.com
}
