package plugin

import (
	"io"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
)

// The load of the benchmarks: one operation is a mailbox of that many messages
// of that size.
const (
	benchMessages = 2000
	benchSize     = 57_000
)

// ways runs a benchmark on memory in this process and behind another.
func ways(b *testing.B, bench func(b *testing.B, p providers.Provider)) {
	b.Run("direct", func(b *testing.B) { bench(b, benchOrg().Provider()) })
	b.Run("process", func(b *testing.B) {
		p, _ := launch(b, "bench")
		bench(b, p)
	})
}

// benchOrg holds the load without its bytes, and discards what is put there.
func benchOrg() *mem.Organisation {
	org := mem.New().Configure(func(c *mem.Config) { c.Discard = true })
	box := org.AddMailbox(anna)
	content := make([]byte, benchSize)
	for range benchMessages {
		box.Deliver("Source", mem.Item{Content: content})
	}
	return org
}

func BenchmarkPut(b *testing.B) {
	ways(b, func(b *testing.B, p providers.Provider) {
		_, m := open(b, p, providers.Target, anna)
		content := make([]byte, benchSize)
		b.SetBytes(benchMessages * benchSize)
		b.ReportAllocs()
		for b.Loop() {
			for stored, err := range m.Put(b.Context(), func(yield func(providers.Outgoing) bool) {
				for i := range uint64(benchMessages) {
					if !yield(outgoing(i, content)) {
						return
					}
				}
			}) {
				if err != nil || stored.Err != nil {
					b.Fatal(err, stored.Err)
				}
			}
		}
	})
}

func BenchmarkFetch(b *testing.B) {
	ways(b, func(b *testing.B, p providers.Provider) {
		_, m := open(b, p, providers.Source, anna)
		var folder inventory.FolderID
		folders, err := m.Folders(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		for _, f := range folders {
			if f.Path.String() == "Source" {
				folder = f.ID
			}
		}
		var ids []inventory.ItemID
		for change, err := range m.Changes(b.Context(), folder, "", 0) {
			if err != nil {
				b.Fatal(err)
			}
			if change.Op == providers.Listed {
				ids = append(ids, change.Item.ID)
			}
		}
		b.SetBytes(int64(len(ids)) * benchSize)
		b.ReportAllocs()
		for b.Loop() {
			for fetched, err := range m.Fetch(b.Context(), folder, ids, inventory.FormatRFC5322) {
				if err != nil || fetched.Err != nil {
					b.Fatal(err, fetched.Err)
				}
				if _, err := io.Copy(io.Discard, fetched.Body); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
}
