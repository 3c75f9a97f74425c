package main

import (
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// simulate makes a client for a region in this process, with a vault that protects two servers.
func simulate(chosen *settings, options []drkit.Option) (client *checkpoints.Client, closeAll func(), err error) {
	server, err := checkpointstest.Start(checkpointstest.TaskDuration(30*time.Millisecond, 250*time.Millisecond))
	if err != nil {
		return nil, nil, err
	}
	options = append(options, drkit.WithPolling(drkit.PollPolicy{MinInterval: 70 * time.Millisecond}))
	client, err = clientOf(server, options...)
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	if chosen.vault == "" && len(chosen.resources) == 0 {
		chosen.vault = "production"
	}
	return client, server.Close, nil
}

func clientOf(server *checkpointstest.Server, options ...drkit.Option) (*checkpoints.Client, error) {
	return checkpoints.Settings{
		AuthURL: server.AuthURL, Username: server.User, Password: drkit.NewSecret(server.Password),
		UserDomain: checkpoints.Domain{Name: server.Domain}, ProjectName: server.Project, Region: server.Region,
	}.NewClient(append(options, server.Options()...)...)
}
