package transport_test

import (
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/transport"
)

// A file that is there is the old one until the new one is whole, and stays if that does not become so.
func TestFileIsReplacedAtTheEnd(t *testing.T) {
	t.Parallel()
	data, old := content(3*chunk), []byte("the old one")
	for name, tc := range map[string]struct {
		step    http.HandlerFunc
		failure error
	}{
		"well":       {honest(data), nil},
		"mismatch":   {honest(other(data, chunk)), drkit.ErrChecksum},
		"not found":  {refuses(http.StatusNotFound, "Gone"), drkit.ErrNotFound},
		"broken off": {cut(0, honest(data)), drkit.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			path := filepath.Join(directory, "file")
			require.NoError(t, os.WriteFile(path, old, 0o644))
			reports := 0
			_, err := download(t, serveFile(t, false, tc.step).client(t), drkit.ToFile(path), drkit.WithChecksum(sha512Of(data)),
				drkit.OnDownload(func(p drkit.DownloadProgress) {
					if reports++; p.Received < p.Total {
						holds(t, path, old)
					}
				}))
			assert.Equal(t, []string{"file"}, in(t, directory))
			if tc.failure != nil {
				require.ErrorIs(t, err, tc.failure)
				holds(t, path, old)
				return
			}
			require.NoError(t, err)
			assert.NotZero(t, reports)
			holds(t, path, data)
		})
	}
}

// What a bundle holds is nobody else's business.
func TestFileIsForItsOwnerOnly(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("there are no such modes")
	}
	path := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(path, nil, 0o644))
	_, err := download(t, serveFile(t, false, honest(content(5))).client(t), drkit.ToFile(path))
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode())
}

// A target that cannot be written to is found out before anything is asked for: a one-time cookie would
// be lost.
func TestBadTargets(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	file := filepath.Join(directory, "file")
	require.NoError(t, os.WriteFile(file, []byte("x"), 0o600))
	server := serveFile(t, false, honest(content(5), "Content-Disposition", disposition))
	for name, tc := range map[string]struct {
		target  drkit.Target
		failure error
		text    string
	}{
		"no such directory":        {drkit.ToFile(filepath.Join(directory, "none", "file")), fs.ErrNotExist, "no such file"},
		"no such directory either": {drkit.ToDirectory(filepath.Join(directory, "none")), fs.ErrNotExist, "no such file"},
		"a directory":              {drkit.ToFile(directory), nil, directory + " is there and is not a file that could be replaced"},
		"a file as a directory":    {drkit.ToDirectory(file), syscall.ENOTDIR, "not a directory"},
		"below a file":             {drkit.ToFile(filepath.Join(file, "file")), syscall.ENOTDIR, "not a directory"},
		"a device":                 {drkit.ToFile(os.DevNull), nil, "is not a file that could be replaced"},
		"a NUL":                    {drkit.ToFile("a\x00b"), nil, "invalid argument"},
		"a name that is too long":  {drkit.ToFile(strings.Repeat("x", 300)), syscall.ENAMETOOLONG, "name too long"},
		"empty file":               {drkit.ToFile(""), nil, "the target of the download is empty"},
		"empty directory":          {drkit.ToDirectory(""), nil, "the target of the download is empty"},
		"no writer":                {drkit.ToWriter(nil), nil, "the target of the download is empty"},
		"none":                     {drkit.Target{}, nil, "the target of the download is empty"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := download(t, server.client(t), tc.target, drkit.WithoutChecksum())
			require.ErrorContains(t, err, tc.text)
			if tc.failure != nil {
				require.ErrorIs(t, err, tc.failure)
			}
			assert.True(t, strings.HasPrefix(err.Error(), "fake.Files.Download: "), err)
			assert.Empty(t, got)
			assert.Empty(t, server.asked("Range"))
			assert.Equal(t, []string{"file"}, in(t, directory))
		})
	}
}

func TestDirectoryThatMustNotBeWrittenTo(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("root writes everywhere, and Windows has no such mode")
	}
	directory := t.TempDir()
	require.NoError(t, os.Chmod(directory, 0o500))
	server := serveFile(t, false, honest(content(5)))
	_, err := download(t, server.client(t), drkit.ToFile(filepath.Join(directory, "file")))
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.Empty(t, server.asked("Range"))
}

// A disk that is full ends the download.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip(err)
	}
	defer full.Close()
	_, err = download(t, serveFile(t, false, honest(content(5))).client(t), drkit.ToWriter(full))
	require.ErrorIs(t, err, syscall.ENOSPC)
	oneLiner(t, err)
}

// The name that the service gives is that of a file in the directory, or the download has none.
func TestNameOfTheService(t *testing.T) {
	t.Parallel()
	data := content(5)
	for header, name := range map[string]string{
		disposition:                            "cloud-bundle-7.tar.bz2",
		`attachment; filename=bundle.tar.bz2`:  "bundle.tar.bz2",
		`inline; filename*=UTF-8''b%C3%BC.bz2`: "bü.bz2",
		`inline; filename="../../etc/passwd"`:  "",
		`inline; filename="..\\evil"`:          "",
		`inline; filename=".bashrc"`:           "",
		`inline; filename="/etc/passwd"`:       "",
		`inline; filename="taken"`:             "", // a directory of that name is there
		`inline; filename=""`:                  "",
		`inline; filename="aux.tar"`:           "",
		`inline`:                               "",
		`; filename=x`:                         "",
		``:                                     "",
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			directory := t.TempDir()
			require.NoError(t, os.Mkdir(filepath.Join(directory, "taken"), 0o700))
			server := serveFile(t, false, honest(data, "Content-Disposition", header))
			got, err := download(t, server.client(t), drkit.ToDirectory(directory))
			if name == "" {
				require.Error(t, err)
				oneLiner(t, err)
				assert.Equal(t, []string{"taken"}, in(t, directory))
			} else {
				require.NoError(t, err)
				assert.Equal(t, name, got.Name)
				holds(t, filepath.Join(directory, name), data)
			}
			got, err = download(t, server.client(t), drkit.ToWriter(new(strings.Builder)))
			require.NoError(t, err, "a writer needs no name")
			if header != `inline; filename="taken"` {
				assert.Equal(t, name, got.Name)
			}
		})
	}
}

// The name is that of the first answer, and a relative path that of the moment of the call.
func TestNameAndPathStay(t *testing.T) {
	directory, elsewhere := t.TempDir(), t.TempDir()
	t.Chdir(directory)
	data := content(chunk + 1)
	server := serveFile(t, false, cut(chunk, honest(data, "Content-Disposition", disposition)), func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, os.Chdir(elsewhere)) //nolint:usetesting // in the middle of the test; t.Chdir puts the old one back
		honest(data, "Content-Disposition", `inline; filename="another"`)(w, r)
	})
	got, err := download(t, server.client(t), drkit.ToDirectory("."))
	require.NoError(t, err)
	assert.Equal(t, "cloud-bundle-7.tar.bz2", got.Name)
	assert.Equal(t, []string{"cloud-bundle-7.tar.bz2"}, in(t, directory))
	assert.Equal(t, "cloud-bundle-7.tar.bz2", filepath.Base(got.Path))
	assert.Empty(t, in(t, elsewhere))
}

// A name as long as the file system allows leaves room for the temporary one.
func TestLongName(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), strings.Repeat("x", 255))
	got, err := download(t, serveFile(t, false, honest(content(5))).client(t), drkit.ToFile(path))
	require.NoError(t, err)
	assert.Equal(t, path, got.Path)
}

// Downloads into one directory, even of the same file, do not get into each other's way.
func TestConcurrentDownloads(t *testing.T) {
	t.Parallel()
	data, directory := content(chunk+1), t.TempDir()
	client := serveFile(t, false, honest(data, "Content-Disposition", disposition)).client(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			call := transport.Call{Operation: &getFile, Path: []string{"7"}}
			_, err := client.Download(t.Context(), call, nil, []drkit.DownloadOption{drkit.ToDirectory(directory), drkit.WithChecksum(sha512Of(data))})
			assert.NoError(t, err)
		})
	}
	all.Wait()
	assert.Equal(t, []string{"cloud-bundle-7.tar.bz2"}, in(t, directory))
	holds(t, filepath.Join(directory, "cloud-bundle-7.tar.bz2"), data)
}

// Where the temporary file cannot be removed, the error names it.
func TestTemporaryFileThatStays(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 || runtime.GOOS == "windows" {
		t.Skip("root removes everything, and Windows has no such mode")
	}
	directory := t.TempDir()
	server := serveFile(t, false, func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, os.Chmod(directory, 0o500))
		refuses(http.StatusNotFound, "Gone")(w, r)
	})
	_, err := download(t, server.client(t), drkit.ToFile(filepath.Join(directory, "file")))
	require.NoError(t, os.Chmod(directory, 0o700))
	require.ErrorIs(t, err, drkit.ErrNotFound)
	require.ErrorIs(t, err, fs.ErrPermission)
	require.ErrorContains(t, err, "its temporary file is still there")
}

// What takes the final name while the download runs is not a file that could be replaced.
func TestNameIsTakenMeanwhile(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	path := filepath.Join(directory, "file")
	server := serveFile(t, false, func(w http.ResponseWriter, r *http.Request) {
		assert.NoError(t, os.MkdirAll(filepath.Join(path, "full"), 0o700))
		honest(content(5))(w, r)
	})
	_, err := download(t, server.client(t), drkit.ToFile(path))
	var failed *os.LinkError
	require.ErrorAs(t, err, &failed)
	oneLiner(t, err)
	assert.Equal(t, []string{"file"}, in(t, directory))
}
