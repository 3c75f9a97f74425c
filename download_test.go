package drkit_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/internal/settings"
)

func applyDownload(options ...drkit.DownloadOption) (settings.Download, error) {
	var d settings.Download
	for _, option := range options {
		if err := option.ApplyDownload(&d); err != nil {
			return d, err
		}
	}
	return d, nil
}

func TestDownloadOptions(t *testing.T) {
	t.Parallel()
	w := new(bytes.Buffer)
	for name, tc := range map[string]struct {
		options []drkit.DownloadOption
		want    settings.Download
	}{
		"none":            {nil, settings.Download{}},
		"ToWriter":        {[]drkit.DownloadOption{drkit.ToWriter(w)}, settings.Download{Target: settings.Target{Writer: w}}},
		"ToFile":          {[]drkit.DownloadOption{drkit.ToFile("a")}, settings.Download{Target: settings.Target{File: "a"}}},
		"ToDirectory":     {[]drkit.DownloadOption{drkit.ToDirectory(".")}, settings.Download{Target: settings.Target{Directory: "."}}},
		"WithChecksum":    {[]drkit.DownloadOption{drkit.WithChecksum("SHA-512:00")}, settings.Download{Checksum: "SHA-512:00"}},
		"the last counts": {[]drkit.DownloadOption{drkit.WithChecksum("a"), drkit.WithChecksum("b")}, settings.Download{Checksum: "b"}},
		"WithoutChecksum": {[]drkit.DownloadOption{drkit.WithoutChecksum(), drkit.WithoutChecksum()}, settings.Download{NoChecksum: true}},
	} {
		got, err := applyDownload(tc.options...)
		require.NoError(t, err, name)
		assert.Equal(t, tc.want, got, name)
	}
	var seen drkit.DownloadProgress
	got, err := applyDownload(drkit.OnDownload(func(p drkit.DownloadProgress) { seen = p }))
	require.NoError(t, err)
	got.OnProgress(5, -1)
	assert.Equal(t, drkit.DownloadProgress{Received: 5, Total: -1}, seen)
}

func TestDownloadOptionsThatAreWrong(t *testing.T) {
	t.Parallel()
	for want, options := range map[string][]drkit.DownloadOption{
		"the target of the download is empty: use ToWriter, ToFile or ToDirectory":  {drkit.Target{}},
		"the target of the download is empty: use ToWriter, ToFile or ToDirectory ": {drkit.ToWriter(nil)},
		"the download has two targets":                                              {drkit.ToFile("a"), drkit.ToFile("a")},
		"OnDownload: function is nil":                                               {drkit.OnDownload(nil)},
		"WithChecksum: the checksum is empty":                                       {drkit.WithChecksum("")},
		"WithChecksum and WithoutChecksum contradict each other":                    {drkit.WithChecksum("a"), drkit.WithoutChecksum()},
		"WithChecksum and WithoutChecksum contradict each other, also":              {drkit.WithoutChecksum(), drkit.WithChecksum("a")},
	} {
		_, err := applyDownload(options...)
		require.Error(t, err, want)
		assert.Contains(t, want, err.Error())
	}
}

func TestChecksumError(t *testing.T) {
	t.Parallel()
	err := error(&drkit.ChecksumError{
		Operation: "vcav.SupportBundles.Download", OperationID: "op-1", Want: "SHA-512:0A", Got: "SHA-512:0B", Bytes: 7,
	})
	require.EqualError(t, err, "vcav.SupportBundles.Download: checksum mismatch: the 7 bytes received have SHA-512:0B instead of SHA-512:0A (operation ID op-1)")
	require.ErrorIs(t, err, drkit.ErrChecksum)
	require.NotErrorIs(t, err, drkit.ErrUnavailable)
	require.EqualError(t, &drkit.ChecksumError{Want: "a\nb"}, "checksum mismatch: the 0 bytes received have instead of a b")
}
