package vcav_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// Make a bundle and download it. It is verified by the checksum that the appliance publishes.
func ExampleSupportBundles_Download() {
	client, _, stop := startExample()
	defer stop()
	ctx := context.Background()
	directory, err := os.MkdirTemp("", "bundles")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)

	poller, err := client.SupportBundles.GenerateWithID(ctx, "2f6b90e4-d8c1-4753-ae06-b19d5c7f8e32")
	if err != nil {
		log.Fatal(err)
	}
	bundle, err := poller.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	done, err := client.SupportBundles.Download(ctx, bundle.ID, drkit.ToDirectory(directory),
		drkit.OnDownload(func(p drkit.DownloadProgress) { log.Printf("%d of %d bytes", p.Received, p.Total) }))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(done.Name[:49], done.Bytes, done.Verified)
	// Output: cloud-bundle-2f6b90e4-d8c1-4753-ae06-b19d5c7f8e32 262144 true
}

// Whoever has the cookie needs no session, and may be told the checksum in another way.
func ExampleSupportBundles_DownloadWithCookie() {
	client, server, stop := startExample()
	defer stop()
	ctx := context.Background()

	poller, err := client.SupportBundles.Generate(ctx)
	if err != nil {
		log.Fatal(err)
	}
	bundle, err := poller.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	cookie, err := client.SupportBundles.CreateCookie(ctx, bundle.ID)
	if err != nil {
		log.Fatal(err)
	}
	done, err := client.SupportBundles.DownloadWithCookie(ctx, bundle.ID, cookie, drkit.ToWriter(io.Discard), drkit.WithChecksum(bundle.SHA))
	fmt.Println(cookie, done.Verified, err)

	server.CorruptBundle(bundle.ID, 1000) // a single bit
	_, err = client.SupportBundles.Download(ctx, bundle.ID, drkit.ToWriter(io.Discard))
	fmt.Println(errors.Is(err, drkit.ErrChecksum))
	// Output:
	// [redacted] true <nil>
	// true
}

// Each part that the appliance does not reach has an error.
func ExampleDiagnostics_Health() {
	client, server, stop := startExample()
	defer stop()
	ctx := context.Background()
	server.BreakComponent(vcavtest.NTPServer, "FailedToConnectToNtpServer", "There is no answer.")

	poller, err := client.Diagnostics.Health(ctx)
	if err != nil {
		log.Fatal(err)
	}
	health, err := poller.Wait(ctx)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("database:", health.DBError == nil, "clock:", health.NTPError.Code)
	// Output: database: true clock: FailedToConnectToNtpServer
}
