package main

import (
	"cmp"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/replication/unitrends"
	"github.com/drkit-go/drkit/replication/unitrends/unitrendstest"
)

// simulate makes a client for a target in this process that three branches have asked.
func simulate(chosen *settings) (target *unitrends.Client, closeAll func(), err error) {
	server, err := unitrendstest.Start(unitrendstest.Named("vault"), unitrendstest.Pending("branch-1", "branch-2", "lab-7"),
		unitrendstest.StorageAreas("internal", "copies", "copies-west"), unitrendstest.Settling(300*time.Millisecond))
	if err != nil {
		return nil, nil, err
	}
	target, err = unitrends.NewClient(server.URL, unitrends.Login(server.User, drkit.NewSecret(server.Password)),
		append(server.Options(), drkit.WithPolling(drkit.PollPolicy{MinInterval: 50 * time.Millisecond}))...)
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	if len(chosen.allowed) == 0 && chosen.message == "" {
		chosen.allowed = []allowed{{"branch-1", ""}, {"branch-2", "copies-west"}}
		chosen.storage, chosen.message = cmp.Or(chosen.storage, "copies"), "ask the backup team first"
	}
	return target, server.Close, nil
}
