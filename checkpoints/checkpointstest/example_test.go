package checkpointstest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"strings"
	"time"

	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// A program talks to the service as to a real one: it signs in, backs the vault up and looks after the checkpoint.
func Example() {
	clock := checkpointstest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := checkpointstest.Start(checkpointstest.UseClock(clock), checkpointstest.TaskDuration(0, 5*time.Minute))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()

	client := &http.Client{Transport: srv.Transport()}
	token := ""
	call := func(method, url, body string) map[string]map[string]any {
		request, err := http.NewRequestWithContext(context.Background(), method, url, strings.NewReader(body))
		if err != nil {
			log.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Auth-Token", token)
		response, err := client.Do(request)
		if err != nil {
			log.Fatal(err)
		}
		defer response.Body.Close()
		if issued := response.Header.Get("X-Subject-Token"); issued != "" {
			token = issued
		}
		var answer map[string]map[string]any
		if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
			log.Fatal(err)
		}
		return answer
	}

	call("POST", srv.AuthURL+"/auth/tokens", fmt.Sprintf(`{"auth":{
		"identity":{"methods":["password"],"password":{"user":{"name":%q,"password":%q,"domain":{"name":%q}}}},
		"scope":{"project":{"id":%q}}}}`, srv.User, srv.Password, srv.Domain, srv.ProjectID))
	path := srv.URL + "/v3/" + srv.ProjectID + "/checkpoints"
	made := call("POST", path, fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, checkpointstest.VaultID("production")))
	fmt.Println(made["checkpoint"]["status"])
	clock.Advance(5 * time.Minute)
	done := call("GET", fmt.Sprintf("%s/%s", path, made["checkpoint"]["id"]), "")
	fmt.Println(done["checkpoint"]["status"], len(srv.Backups(checkpointstest.VaultID("production"))))
	// Output:
	// protecting
	// available 2
}

// A second region takes the replicas of the first. Somebody else replicates the vault here, as in the console.
func ExampleLinkedTo() {
	clock := checkpointstest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	here, err := checkpointstest.Start(checkpointstest.UseClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer here.Close()
	there, err := checkpointstest.Start(checkpointstest.LinkedTo(here), checkpointstest.InRegion("eu-nl"))
	if err != nil {
		log.Fatal(err)
	}
	defer there.Close()

	from, to := checkpointstest.VaultID("production"), checkpointstest.VaultID("replicas")
	backups := here.AddBackups(from, 3)
	if _, err := here.Operator("olga").Do("Checkpoints.Replicate", "", fmt.Sprintf(
		`{"replicate":{"vault_id":%q,"destination_region":%q,"destination_project_id":%q,"destination_vault_id":%q}}`,
		from, there.Region, there.ProjectID, to)); err != nil {
		log.Fatal(err)
	}
	clock.Advance(time.Minute)
	for _, replica := range there.Backups(to)[:2] {
		fmt.Println(replica.Name, replica.Replica, replica.Status)
	}
	fmt.Println(len(there.Backups(to)), here.Audit().Replication(backups[0], "eu-nl").Succeeded)
	// Output:
	// autobk_db-1 true available
	// autobk_app-1 true available
	// 6 1
}

// The checkpoint is made, then its answer is lost: what a client makes of that is what the test is about.
func ExampleServer_Inject() {
	srv, err := checkpointstest.Start()
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	srv.Inject(checkpointstest.Fault{Operation: "Checkpoints.Create", After: true, Drop: true, Times: 1})
	// … the code under test …
	fmt.Println(srv.Audit().Vault(checkpointstest.VaultID("production")).Checkpoints)
	// Output: 0
}

// Options replace the parts of the default picture that they name.
func ExampleVaults() {
	srv, err := checkpointstest.Start(
		checkpointstest.Play(checkpointstest.HuaweiCloud),
		checkpointstest.InRegion("eu-west-101"),
		checkpointstest.Resources(checkpointstest.VM("erp-1", 40, 200), checkpointstest.Volume("logs", 100)),
		checkpointstest.Vaults(
			checkpointstest.Vault{Name: "gold", Resources: []string{checkpointstest.VMID("erp-1")}, Tags: map[string]string{"tier": "1"}},
			checkpointstest.Vault{Name: "disks", ObjectType: checkpointstest.ObjectDisk, SizeGB: 500},
		),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	for _, vault := range srv.Vaults() {
		fmt.Println(vault.Name, vault.ObjectType, vault.SizeGB, len(vault.Resources))
	}
	// Output:
	// gold server 1000 1
	// disks disk 500 0
}

// Tasks end as the test wants.
func ExampleServer_SkipTask() {
	clock := checkpointstest.NewManualClock(time.Date(2030, time.June, 1, 12, 0, 0, 0, time.UTC))
	srv, err := checkpointstest.Start(checkpointstest.UseClock(clock))
	if err != nil {
		log.Fatal(err)
	}
	defer srv.Close()
	srv.SkipTask("Checkpoints.Create", checkpointstest.VMID("app-1"), "BackupService.7102", "The server is stopped.")
	body := fmt.Sprintf(`{"checkpoint":{"vault_id":%q}}`, checkpointstest.VaultID("production"))
	if _, err := srv.Operator("olga").Do("Checkpoints.Create", "", body); err != nil {
		log.Fatal(err)
	}
	clock.Advance(time.Minute)
	for _, task := range srv.Tasks() {
		fmt.Printf("%s: %s %q\n", task.Type, task.State, task.Error)
	}
	// Output:
	// backup: success ""
	// backup: skipped "BackupService.7102"
}
