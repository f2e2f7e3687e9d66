package providertest_test

import (
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
	"github.com/cutover-mail/cutover/providers/providertest"
)

func harness(org *mem.Organisation) providertest.Harness {
	return providertest.Harness{
		Provider: org.Provider(),
		Options: func(_ *testing.T, role providers.Role) providers.Options {
			return providers.Options{Role: role, Name: "suite"}
		},
		ResetEpoch: func(_ *testing.T, address inventory.Address, path inventory.Path) {
			org.Mailbox(address).ResetEpoch(path.String())
		},
		Wrong: []providertest.Wrong{{Name: "half a connection", Role: providers.Source,
			Settings: providers.Settings(`{"max_connections": 0.5}`), Path: []string{"max_connections"}}},
		KeepsBareNewlines: true, KeepsNUL: true,
	}
}

func TestMemoryPasses(t *testing.T) { providertest.Run(t, harness(mem.New())) }

// The suite has to accept what the contract leaves open.
func TestUnhelpfulMemoryPasses(t *testing.T) {
	org := mem.New().Configure(func(c *mem.Config) {
		c.HideIDs, c.HideSizes, c.HideState, c.HideIdentity, c.NoHistory, c.Reverse = true, true, true, true, true, true
		c.Page, c.PutBatch = 7, 100
		c.Keywords = []string{"$Forwarded"}
		c.Naming = inventory.Naming{Forbidden: "/", MaxName: 100, Encoding: "utf-7", FoldsCase: true}
	})
	providertest.Run(t, harness(org))
}
