package main

import (
	"cmp"
	"os"
	"path/filepath"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/vcav"
	"github.com/drkit-go/drkit/vcav/vcavtest"
)

// simulate makes a client for an appliance in this process, with the machines of a small shop, and a journal
// that goes with it.
func simulate(chosen *settings, options []drkit.Option) (client *vcav.Client, closeServer func(), err error) {
	folder, err := os.MkdirTemp("", "failover-runbook-")
	if err != nil {
		return nil, nil, err
	}
	server, err := vcavtest.Start(vcavtest.TaskDuration(30*time.Millisecond, 250*time.Millisecond), shop())
	if err != nil {
		return nil, nil, err
	}
	remove := func() { server.Close(); _ = os.RemoveAll(folder) }
	options = append([]drkit.Option{drkit.WithPolling(drkit.PollPolicy{MinInterval: 70 * time.Millisecond})}, options...)
	options = append(options, server.Options()...)
	client, err = vcav.NewClient(server.URL, vcav.LocalUser(server.User, drkit.NewSecret(server.Password)), options...)
	if err != nil {
		remove()
		return nil, nil, err
	}
	if chosen.site == "" && len(chosen.waves) == 0 {
		chosen.waves = [][]string{{"db-1", "db-2"}, {"app-1", "app-2"}}
	}
	chosen.site = cmp.Or(chosen.site, "site1")
	chosen.file = cmp.Or(chosen.file, filepath.Join(folder, "journal"))
	return client, remove, nil
}

func shop() vcavtest.Option {
	return vcavtest.Protect(
		vcavtest.Replication{VMName: "db-1", VApp: "shop"}, vcavtest.Replication{VMName: "db-2", VApp: "shop"},
		vcavtest.Replication{VMName: "app-1", VApp: "shop"}, vcavtest.Replication{VMName: "app-2", VApp: "shop"},
		vcavtest.Replication{VMName: "web-1", VApp: "shop"}, vcavtest.Replication{VMName: "web-2", VApp: "shop"},
		vcavtest.Replication{VMName: "files-1", Paused: true},
	)
}
