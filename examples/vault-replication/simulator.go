package main

import (
	"cmp"
	"os"
	"path/filepath"
	"time"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// simulate makes two regions in this process, with the vaults of a small shop in one of them, and a journal that goes
// with them.
func simulate(chosen *settings) (found cloud, closeAll func(), err error) {
	folder, err := os.MkdirTemp("", "vault-replication-")
	if err != nil {
		return cloud{}, nil, err
	}
	closeAll = func() { _ = os.RemoveAll(folder) }
	here, err := checkpointstest.Start(append(shop(), checkpointstest.InRegion("eu-de"))...)
	if err != nil {
		closeAll()
		return cloud{}, nil, err
	}
	closeAll = func() { here.Close(); _ = os.RemoveAll(folder) }
	there, err := checkpointstest.Start(checkpointstest.LinkedTo(here), checkpointstest.InRegion("eu-nl"))
	if err != nil {
		closeAll()
		return cloud{}, nil, err
	}
	closeAll = func() { there.Close(); here.Close(); _ = os.RemoveAll(folder) }
	for vault, count := range map[string]int{"databases": 3, "applications": 2, "mixed": 1} {
		here.AddBackups(checkpointstest.VaultID(vault), count)
	}
	chosen.skips = true // so that the shop is replicated as well as it can be
	chosen.to.Region = cmp.Or(chosen.to.Region, there.Region)
	chosen.file = cmp.Or(chosen.file, filepath.Join(folder, "journal"))
	return cloudOf(here, drkit.WithPolling(drkit.PollPolicy{MinInterval: 70 * time.Millisecond})), closeAll, nil
}

// cloudOf is what the environment would say of a simulated region.
func cloudOf(server *checkpointstest.Server, options ...drkit.Option) cloud {
	return cloud{
		source: checkpoints.Settings{
			AuthURL: server.AuthURL, Username: server.User, Password: drkit.NewSecret(server.Password),
			UserDomain: checkpoints.Domain{Name: server.Domain}, ProjectName: server.Project, Region: server.Region,
		},
		options: append(server.Options(), options...),
	}
}

// shop are servers and their vaults. One of the servers has a data disk first, so that its backups cannot be
// replicated.
func shop() []checkpointstest.Option {
	odd := checkpointstest.VM("scratch-1", 100)
	odd.Disks[0].Data = true
	return []checkpointstest.Option{
		checkpointstest.TaskDuration(30*time.Millisecond, 250*time.Millisecond),
		checkpointstest.Resources(
			checkpointstest.VM("db-1", 40, 200), checkpointstest.VM("db-2", 40, 200), checkpointstest.VM("app-1", 40),
			checkpointstest.VM("app-2", 40), checkpointstest.VM("web-1", 40), odd, checkpointstest.Volume("logs", 100),
		),
		checkpointstest.Vaults(
			vaultOf("databases", "db-1", "db-2"), vaultOf("applications", "app-1", "app-2"), vaultOf("mixed", "web-1", "scratch-1"),
			checkpointstest.Vault{Name: "disks", ObjectType: checkpointstest.ObjectDisk, Resources: []string{checkpointstest.VolumeID("logs")}},
		),
	}
}

func vaultOf(name string, servers ...string) checkpointstest.Vault {
	vault := checkpointstest.Vault{Name: name}
	for _, server := range servers {
		vault.Resources = append(vault.Resources, checkpointstest.VMID(server))
	}
	return vault
}
