package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// The benchmarks run on ledgers of two sizes: the figures of the larger must
// be like those of the smaller.
func BenchmarkLedger(b *testing.B) {
	for _, rows := range [...]int{10_000, 1_000_000} {
		s := open(b, filepath.Join(b.TempDir(), "state.db"))
		f := newFolder(b, s)
		for n := 0; n < rows; n += 10_000 {
			record(b, s, state.Record{Put: mailEntries(f.ID, n, 10_000)})
		}
		b.Run(fmt.Sprintf("Record500/%d", rows), func(b *testing.B) {
			for i := range b.N {
				record(b, s, state.Record{Put: mailEntries(f.ID, i*500%rows, 500)})
			}
		})
		b.Run(fmt.Sprintf("Lookup5000/%d", rows), func(b *testing.B) {
			ids := make([]inventory.ItemID, 5000)
			for i := range b.N {
				for n := range ids {
					ids[n] = inventory.ItemID(fmt.Sprint((i*5000 + n) % rows))
				}
				if _, err := s.Lookup(b.Context(), f.ID, ids); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(fmt.Sprintf("Folders/%d", rows), func(b *testing.B) {
			for range b.N {
				if _, err := s.Folders(b.Context(), f.Recipient); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSmallRecord(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "state.db"))
	f := newFolder(b, s)
	for i := range b.N {
		record(b, s, state.Record{Put: mailEntries(f.ID, i, 1)})
	}
}

func BenchmarkSmallRecordParallel(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "state.db"))
	f := newFolder(b, s)
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			record(b, s, state.Record{Put: mailEntries(f.ID, 1, 1)})
		}
	})
}

func BenchmarkRecipients(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "state.db"))
	var r state.Record
	for i := range 100_000 {
		r.Recipients = append(r.Recipients, state.Recipient{Migration: "m", Kind: inventory.KindMailbox,
			Source: inventory.Address(fmt.Sprintf("user%06d@contoso.test", i)), Target: inventory.Address(fmt.Sprintf("user%06d@example.org", i))})
	}
	record(b, s, r)
	b.ResetTimer()
	for range b.N {
		for _, err := range s.Recipients(b.Context(), "m") {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
