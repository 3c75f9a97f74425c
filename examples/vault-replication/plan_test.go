package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/drkit-go/drkit"
	"github.com/drkit-go/drkit/checkpoints"
	"github.com/drkit-go/drkit/checkpoints/checkpointstest"
)

// vaultLike is a vault as lists show it.
func vaultLike(id, name string, change ...func(*checkpoints.Vault)) checkpoints.Vault {
	vault := checkpoints.Vault{ID: id, Name: name, Billing: checkpoints.Billing{
		ObjectType: checkpoints.ObjectTypeServer, ProtectType: checkpoints.ProtectTypeBackup, Status: checkpoints.VaultStatusAvailable, Size: 10,
	}}
	for _, f := range change {
		f(&vault)
	}
	return vault
}

func forCopies(v *checkpoints.Vault) { v.Billing.ProtectType = checkpoints.ProtectTypeReplication }
func forDisks(v *checkpoints.Vault)  { v.Billing.ObjectType = checkpoints.ObjectTypeDisk }
func isFull(v *checkpoints.Vault)    { v.Billing.Used = 10 * 1024 }
func grows(v *checkpoints.Vault)     { v.AutoExpand = true }
func isHybrid(v *checkpoints.Vault)  { v.Billing.ProtectType = checkpoints.ProtectTypeHybrid }

func in(status checkpoints.VaultStatus) func(*checkpoints.Vault) {
	return func(v *checkpoints.Vault) { v.Billing.Status = status }
}

func TestChoice(t *testing.T) {
	t.Parallel()
	here := []checkpoints.Vault{
		vaultLike("1", "gold"), vaultLike("2", "silver"), vaultLike("3", "twin"), vaultLike("4", "twin"), vaultLike("5", "disks", forDisks),
		vaultLike("6", "copies", forCopies), vaultLike("7", "hybrid", isHybrid), vaultLike("8", "locked", in(checkpoints.VaultStatusLock)),
		vaultLike("9", "frozen", in(checkpoints.VaultStatusFrozen)), vaultLike("10", "odd", in("new in 2031")),
	}
	there := []checkpoints.Vault{
		vaultLike("a", "replicas", forCopies), vaultLike("b", "own"), vaultLike("c", "full", forCopies, isFull),
		vaultLike("d", "growing", forCopies, isFull, grows), vaultLike("e", "disk copies", forCopies, forDisks),
		vaultLike("f", "dying", forCopies, in(checkpoints.VaultStatusDeleting)),
	}
	for name, c := range map[string]struct {
		vaults      []named
		destination string
		want        string // name into destination, or why not
		err         string
	}{
		"by name":              {vaults: []named{{"gold", "replicas"}}, want: "gold into replicas"},
		"by id":                {vaults: []named{{"3", "a"}}, want: "twin into replicas"},
		"the common one":       {vaults: []named{{"gold", ""}}, destination: "growing", want: "gold into growing"},
		"its own first":        {vaults: []named{{"gold", "a"}}, destination: "growing", want: "gold into replicas"},
		"locked is fine":       {vaults: []named{{"locked", "a"}}, want: "locked into replicas"},
		"the service decides":  {vaults: []named{{"odd", "a"}}, want: "odd into replicas"},
		"which destination":    {vaults: []named{{"gold", ""}}, want: "gold: its copies could go to replicas, growing: say which with -destination, or -vault gold=NAME"},
		"no such destination":  {vaults: []named{{"gold", "attic"}}, want: `gold: destination: there is no vault "attic"`},
		"not for copies":       {vaults: []named{{"gold", "own"}}, want: "gold: destination own: it is not for copies"},
		"full":                 {vaults: []named{{"gold", "c"}}, want: "gold: destination full: it is full"},
		"other kind":           {vaults: []named{{"gold", "e"}}, want: "gold: destination disk copies: it is for copies of disk"},
		"dying":                {vaults: []named{{"gold", "f"}}, want: `gold: destination dying: it is in the state "deleting"`},
		"of disks":             {vaults: []named{{"disks", "e"}}, want: "disks: it is for backup of disk, and only backups of servers can be replicated"},
		"of copies":            {vaults: []named{{"copies", "a"}}, want: "copies: it holds copies, and a copy cannot be replicated"},
		"hybrid":               {vaults: []named{{"hybrid", "a"}}, want: "hybrid: it is for hybrid of server, and only backups of servers can be replicated"},
		"frozen":               {vaults: []named{{"frozen", "a"}}, want: `frozen: it is in the state "frozen"`},
		"no such vault":        {vaults: []named{{"bronze", ""}, {"tin", ""}}, err: `there is no vault "bronze"; there is no vault "tin"`},
		"two of the name":      {vaults: []named{{"twin", "a"}}, err: `"twin" may be 3 or 4: name it by its id`},
		"named twice":          {vaults: []named{{"gold", "a"}, {"1", "a"}}, err: "vault gold is named twice"},
		"all that hold server": {destination: "a", want: "gold into replicas"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, err := settings{vaults: c.vaults, destination: c.destination}.choose(here, there)
			if c.err != "" {
				require.EqualError(t, err, c.err)
				return
			}
			require.NoError(t, err)
			if c.vaults == nil {
				assert.Len(t, found, 7, "not those for disks, for copies and hybrid")
			}
			got := found[0].Name + " into " + found[0].into.Name
			if found[0].refusal != "" {
				got = found[0].Name + ": " + found[0].refusal
			}
			assert.Equal(t, c.want, got)
		})
	}
	_, err := settings{}.choose(here[4:6], there)
	require.EqualError(t, err, "there is no vault with backups of servers")
	found, err := settings{}.choose(here[:1], there[1:3])
	require.NoError(t, err)
	assert.Equal(t, []string{"vault gold: no vault there can take its copies"}, found.refused())
}

// A vault that must not be replicated keeps all others from it: whoever has named it looks first.
func TestNothingIsBegunUnlessAllMay(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		d.SetVaultStatus(checkpointstest.VaultID("files"), checkpointstest.VaultFrozen)
		_, err := d.run()
		require.EqualError(t, err, `nothing was replicated: vault files: it is in the state "frozen"`)
		assert.Zero(t, d.Count(replicates))
		d.SetVaultStatus(checkpointstest.VaultID("files"), checkpointstest.VaultAvailable)
		d.HideDestination(d.there.Region, true)
		_, err = d.run()
		require.EqualError(t, err, "from here there is no region that can be replicated to")
		d.HideDestination(d.there.Region, false)
		_, err = d.run("-vault", "files", "-vault", "shop")
		require.NoError(t, err)
		assert.Equal(t, 2, d.Ran(replicates, ""))
	})
}

func TestPlanStays(t *testing.T) {
	rehearse(t, func(t *testing.T, d *desk) {
		_, err := d.run("-vault", "shop")
		require.NoError(t, err)
		_, err = d.run("-vault", "files")
		require.ErrorContains(t, err, "the journal has other vaults or destinations")
		_, err = d.run("-destination", "replicas")
		require.ErrorContains(t, err, "the journal has other vaults or destinations")
		_, err = d.run("-vault", "shop", "-to", d.there.Region)
		require.NoError(t, err)
		assert.Equal(t, 1, d.Ran(replicates, ""))
	})
}

func TestPlanOfAnotherCloud(t *testing.T) {
	t.Parallel()
	agreed := plan{Project: "p1", To: place{Region: "eu-nl"}, ToProject: "p2"}
	at := regions{source: region{projectID: "p1"}, destination: region{projectID: "p2"}}
	require.NoError(t, agreed.check(settings{to: place{Region: "eu-nl"}}, at))
	require.ErrorContains(t, agreed.check(settings{to: place{Region: "eu-de"}}, at), "the journal is about copies in project p2 of eu-nl, and not in p2 of eu-de")
	at.destination.projectID = "p3"
	require.ErrorContains(t, agreed.check(settings{to: place{Region: "eu-nl"}}, at), "and not in p3 of eu-nl")
	at.source.projectID = "p4"
	require.ErrorContains(t, agreed.check(settings{to: place{Region: "eu-nl"}}, at), "the journal is about the vaults of project p1, and this is p4")
}

func TestPlanThatCannotBeRead(t *testing.T) {
	t.Parallel()
	_, err := readPlan(drkit.Step{Key: planKey, Result: []byte("1")})
	require.ErrorContains(t, err, "the plan in the journal cannot be read")
}
