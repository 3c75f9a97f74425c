package drkit_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/api"
	"github.com/drkit-go/drkit/internal/transport"
)

// What the service calls the file, how long it is, and whether it is what was published.
func ExampleDownload() {
	directory, err := os.MkdirTemp("", "drkit")
	if err != nil {
		fmt.Println(err)
	}
	defer os.RemoveAll(directory)

	done, err := download(drkit.ToDirectory(directory)) // stands for SupportBundles.Download of vcav
	fmt.Println(done.Name, done.Bytes, done.Verified, done.Checksum[:13], done.Resumed, err)
	fmt.Println(done.Path == filepath.Join(directory, done.Name))
	// Output:
	// bundle-7.tar.bz2 14 true SHA-256:44:B5 1 <nil>
	// true
}

// Options come after the target.
func ExampleDownloadOption() {
	options := []drkit.DownloadOption{drkit.WithoutChecksum(), drkit.OnDownload(func(drkit.DownloadProgress) {})}
	done, err := download(drkit.ToWriter(io.Discard), options...)
	fmt.Println(done.Bytes, err)
	// Output: 14 <nil>
}

func ExampleDownloadProgress() {
	for _, p := range []drkit.DownloadProgress{{Received: 512, Total: 1024}, {Received: 512, Total: -1}} {
		if p.Total > 0 {
			fmt.Printf("%d %%\n", 100*p.Received/p.Total)
		} else {
			fmt.Printf("%d bytes\n", p.Received)
		}
	}
	// Output:
	// 50 %
	// 512 bytes
}

// The last report is that of the whole file.
func ExampleOnDownload() {
	var last drkit.DownloadProgress
	_, err := download(drkit.ToWriter(io.Discard), drkit.OnDownload(func(p drkit.DownloadProgress) { last = p }))
	fmt.Println(last.Received, "of", last.Total, err)
	// Output: 14 of 14 <nil>
}

// A program may leave the target to its user.
func ExampleTarget() {
	target := func(path string) drkit.Target {
		if path == "-" {
			return drkit.ToWriter(os.Stdout)
		}
		return drkit.ToFile(path)
	}
	_, err := download(target("-"))
	fmt.Println("", err)
	// Output: logs and so on <nil>
}

func ExampleToWriter() {
	var archive bytes.Buffer
	_, err := download(drkit.ToWriter(&archive))
	fmt.Println(archive.String(), err)
	// Output: logs and so on <nil>
}

// A file that is there stays as it is until the new one is whole.
func ExampleToFile() {
	path := filepath.Join(os.TempDir(), "drkit-example.tar.bz2")
	defer os.Remove(path)
	done, err := download(drkit.ToFile(path))
	fmt.Println(done.Path == path, err)

	_, err = download(drkit.ToFile(path), drkit.WithChecksum("SHA-256:"+strings.Repeat("00", 32)))
	kept, _ := os.ReadFile(path)
	fmt.Println(errors.Is(err, drkit.ErrChecksum), string(kept))
	// Output:
	// true <nil>
	// true logs and so on
}

func ExampleToDirectory() {
	_, err := download(drkit.ToDirectory("/no/such/directory"))
	fmt.Println(errors.Is(err, os.ErrNotExist)) // and nothing was asked for
	// Output: true
}

// Who downloads with a cookie cannot see what was published, and may know it all the same.
func ExampleWithChecksum() {
	const told = "sha-256:44b59ae47da80981fee463dc75b135fc29d1def637e119c037534432cf11027d"
	done, err := download(drkit.ToWriter(io.Discard), drkit.WithChecksum(told))
	fmt.Println(done.Verified, err)
	// Output: true <nil>
}

func ExampleWithoutChecksum() {
	done, err := download(drkit.ToWriter(io.Discard), drkit.WithoutChecksum())
	fmt.Println(done.Verified, done.Checksum == "", err)
	// Output: false true <nil>
}

func ExampleChecksumError() {
	_, err := download(drkit.ToWriter(io.Discard), drkit.WithChecksum("SHA-256:"+strings.Repeat("00", 32)))
	var mismatch *drkit.ChecksumError
	if errors.As(err, &mismatch) {
		fmt.Println(mismatch.Operation, mismatch.Bytes, mismatch.Got[:13], mismatch.Want[:13])
	}
	// Output: vcav.SupportBundles.Download 14 SHA-256:44:B5 SHA-256:00:00
}

// download takes a small file over a connection that breaks once.
func download(to drkit.Target, options ...drkit.DownloadOption) (drkit.Download, error) {
	const archive = "logs and so on"
	client, err := transport.New(transport.Config{
		Service: "vcav", Endpoint: "https://vcda.example.com", TraceHeader: "operationID",
		Accept:      func(string, bool) string { return "application/octet-stream" },
		DecodeError: func(int, []byte) (transport.ServiceError, bool) { return transport.ServiceError{}, false },
		Session:     transport.Session{Header: "X-VCAV-Auth", Token: drkit.NewSecret("a token")},
		Options: []drkit.Option{
			drkit.WithTransport(roundTrip(func(r *http.Request) (*http.Response, error) {
				header := http.Header{"Content-Disposition": {`inline; filename="bundle-7.tar.bz2"`}}
				if r.Header.Get("Range") == "" {
					body := io.NopCloser(strings.NewReader(archive[:4]))
					return &http.Response{StatusCode: http.StatusOK, Header: header, Body: body, ContentLength: int64(len(archive))}, nil
				}
				header.Set("Content-Range", fmt.Sprintf("bytes 4-%d/%d", len(archive)-1, len(archive)))
				return &http.Response{StatusCode: http.StatusPartialContent, Header: header, Body: io.NopCloser(strings.NewReader(archive[4:]))}, nil
			})),
			drkit.WithRetry(drkit.RetryPolicy{MinWait: 1, MaxWait: 1}),
		},
	})
	if err != nil {
		return drkit.Download{}, err
	}
	operation := api.Operation{Name: "SupportBundles.Download", Method: http.MethodGet, Path: "/diagnostics/bundles/7", Class: api.Read}
	published := func(context.Context) (string, error) {
		return fmt.Sprintf("SHA-256:%X", sha256.Sum256([]byte(archive))), nil
	}
	return client.Download(context.Background(), transport.Call{Operation: &operation}, published, append([]drkit.DownloadOption{to}, options...))
}
