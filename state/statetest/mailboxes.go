package statetest

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

func (x exercise) recipients(t *testing.T) {
	s := x.open(t)
	save := func(r state.Recipient) state.Recipient { return need(s.SaveRecipient(t.Context(), r))(t) }
	b := save(state.Recipient{Migration: "one", Kind: inventory.KindMailbox, Source: "b@contoso.test"})
	z := save(state.Recipient{Migration: "zero", Kind: inventory.KindMailbox, Source: "a@contoso.test"})
	group := save(state.Recipient{Migration: "one", Kind: inventory.KindGroup, Source: "b@contoso.test"})
	a := save(state.Recipient{
		Migration: "one", Kind: inventory.KindMailbox, Source: "a@contoso.test", Target: "a@example.org",
		SourceIdentity: "imap://one", TargetIdentity: "imap://two", Batch: "pilot", Created: true, Digest: "d", Run: 3,
		Synced: at, Error: "signing in failed", ErrorCode: "imap-denied", TargetInfo: `{"Quota":1}`,
	})
	b.Batch, b.Created = "rest", true
	again := b
	again.ID = 0
	same(t, "a recipient saved again", save(again), b)
	same(t, "recipients", collect(t, s.Recipients(t.Context(), "one")), []state.Recipient{a, group, b})
	same(t, "recipients of all", collect(t, s.Recipients(t.Context(), "")), []state.Recipient{a, group, b, z})
	if _, err := s.SaveRecipient(t.Context(), state.Recipient{Migration: "one"}); err == nil {
		t.Error("a recipient without an address was saved")
	}
}

func (x exercise) remove(t *testing.T) {
	s := x.open(t)
	gone := mailbox(t, s, "gone@contoso.test", "INBOX", "Sent")
	kept := mailbox(t, s, "kept@contoso.test", "INBOX")[0]
	for _, f := range append(gone, kept) {
		write(t, s, state.Record{
			Intend: []state.Intent{{ID: 100 + f.ID, Recipient: f.Recipient, Folder: f.ID, Items: []inventory.ItemID{"9"}}},
			Put:    []state.Entry{copied(f.ID, "1", "1", 10)},
			Fail:   []state.Problem{{Recipient: f.Recipient, Folder: f.ID, Source: "2", Code: "x"}},
			Lose:   []state.Problem{{Recipient: f.Recipient, Folder: f.ID, Source: "1", Code: "y"}},
		})
	}
	if err := s.RemoveRecipient(t.Context(), gone[0].Recipient); err != nil {
		t.Fatal(err)
	}
	sound(t, s)
	if n := len(need(s.Intents(t.Context(), gone[0].Recipient))(t)) + len(ledger(t, s, gone[0].ID)) + len(ledger(t, s, gone[1].ID)); n != 0 {
		t.Errorf("%d things of a removed mailbox are left", n)
	}
	if n := len(collect(t, s.Problems(t.Context(), migration))); n != 2 {
		t.Errorf("%d problems are left of the mailbox that was kept, want 2", n)
	}
	wantCounts(t, s, kept, 1, 10, 1)
	if err := s.RemoveRecipient(t.Context(), gone[0].Recipient); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("removing it again: %v", err)
	}
	if back := mailbox(t, s, "gone@contoso.test", "INBOX"); back[0].Recipient == gone[0].Recipient || back[0].ID == gone[0].ID {
		t.Error("an ID was given out a second time")
	}
}

func (x exercise) folders(t *testing.T) {
	s := x.open(t)
	b := mailbox(t, s, "b@contoso.test", "Sent", "INBOX", `A\/B`, "A/B", "A")
	a := mailbox(t, s, "a@contoso.test", "INBOX")
	full := state.Folder{
		ID: b[0].ID, Recipient: b[0].Recipient, Ability: inventory.Mail, Source: "Sent Items", Path: inventory.Path{"Gesendete/Objekte", "ü\\"},
		Role: inventory.RoleSent, Identity: "i", Epoch: "7", State: "7:8:9", Cursor: "c", Target: "t", TargetPath: inventory.Path{"Sent"},
		TargetEpoch: "3", TargetEndpoint: "target.imap.mail", Items: 99, Bytes: 99, Failed: 99,
	}
	saved := need(s.SaveFolder(t.Context(), full))(t)
	full.Items, full.Bytes, full.Failed = 0, 0, 0 // kept by Record alone
	same(t, "a folder saved again", saved, full)
	want := []state.Folder{b[4], b[3], b[2], full, b[1]}
	same(t, "folders", need(s.Folders(t.Context(), full.Recipient))(t), want)
	same(t, "folders of all", collect(t, s.AllFolders(t.Context(), migration)), append(a, want...))
	if n := len(collect(t, s.AllFolders(t.Context(), "other"))); n != 0 {
		t.Errorf("another migration has %d folders", n)
	}
	for _, wrong := range []state.Folder{{ID: 999, Recipient: full.Recipient}, {Recipient: 999}, {ID: full.ID, Recipient: a[0].Recipient}} {
		if _, err := s.SaveFolder(t.Context(), wrong); !errors.Is(err, state.ErrNotFound) {
			t.Errorf("saving folder %d of recipient %d: %v", wrong.ID, wrong.Recipient, err)
		}
	}
	x.manyFolders(t, s)
}

// manyFolders checks that a stream over many mailboxes leaves none out.
func (x exercise) manyFolders(t *testing.T, s state.Store) {
	var record state.Record
	for i := range 2100 {
		record.Recipients = append(record.Recipients, state.Recipient{Migration: "many", Kind: inventory.KindMailbox, Source: inventory.Address(fmt.Sprintf("u%04d@contoso.test", i))})
	}
	write(t, s, record)
	recipients := collect(t, s.Recipients(t.Context(), "many"))
	if len(recipients) != 2100 {
		t.Fatalf("%d of 2100 recipients are there", len(recipients))
	}
	record = state.Record{}
	for _, r := range recipients {
		record.Folders = append(record.Folders, state.Folder{Recipient: r.ID, Source: "B", Path: inventory.Path{"B"}}, state.Folder{Recipient: r.ID, Source: "A", Path: inventory.Path{"A"}})
	}
	write(t, s, record)
	all := collect(t, s.AllFolders(t.Context(), "many"))
	if len(all) != 4200 {
		t.Fatalf("%d of 4200 folders are there", len(all))
	}
	for i, f := range all {
		if f.Recipient != recipients[i/2].ID || f.Source != inventory.FolderID("AB"[i%2:i%2+1]) {
			t.Fatalf("folder %d is %s of recipient %d", i, f.Source, f.Recipient)
		}
	}
}
