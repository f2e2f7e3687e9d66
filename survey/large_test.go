package survey_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"runtime/metrics"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers/mem"
	"github.com/cutover-mail/cutover/state"
	"github.com/cutover-mail/cutover/survey"
)

// TestLargeChangedFolderIsStreamed surveys a folder of 200,000 items of which
// the state knows the half, and watches what the survey holds meanwhile.
func TestLargeChangedFolderIsStreamed(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	s := newScene(t, alice)
	s.copied(nil)
	m := s.source.Mailbox(alice)
	content := []byte("Subject: large folder\r\n\r\n")
	const n = 200_000
	for i := range n {
		m.Deliver("INBOX", mem.Item{Received: morning.Add(time.Duration(i) * time.Second), Size: int64(len(content)),
			Open: func() io.Reader { return bytes.NewReader(content) }})
	}
	folder := s.folder(s.known(), "INBOX")
	var entries []state.Entry
	for i, id := range m.IDs("INBOX") {
		if i%2 == 0 {
			entries = append(entries, state.Entry{Folder: folder.ID, Source: id, Target: id, Size: int64(len(content)),
				Received: morning.Add(time.Duration(i) * time.Second), Digest: sha256.Sum256(content), Status: state.Copied})
		}
	}
	// One that the source does not have any more.
	entries = append(entries, state.Entry{Folder: folder.ID, Source: "gone", Received: morning, Digest: sha256.Sum256([]byte("x")), Status: state.Copied})
	folder.Cursor, folder.State = "", "" // an interrupted first copy: everything is listed
	if err := s.store.Record(t.Context(), state.Record{Put: entries, Folders: []state.Folder{folder}}); err != nil {
		t.Fatal(err)
	}
	entries = nil
	before, most := heap(), atomic.Uint64{}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for tick := time.NewTicker(300 * time.Millisecond); ; {
			select {
			case <-stop:
				return
			case <-tick.C:
				most.Store(max(most.Load(), heap()))
			}
		}
	}()
	began := time.Now()
	delta := s.gather().Mailboxes[alice].Deltas["INBOX"]
	close(stop)
	<-done
	grown := int64(most.Load()) - int64(before)
	t.Logf("%v, %+d MiB", time.Since(began), grown>>20)
	if delta.Work.New != n/2 || delta.Work.Deleted != 1 || delta.Work.Changed != 0 {
		t.Errorf("%+v", delta.Work)
	}
	if grown > 64<<20 {
		t.Errorf("held %d MiB", grown>>20)
	}
}

// heap returns what a collection found in use, whatever has been allocated
// since.
func heap() uint64 {
	runtime.GC()
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}

// TestManyKnownMailboxesArePlannedInSeconds has a state that knows them all.
func TestManyKnownMailboxesArePlannedInSeconds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const n = 20_000
	s := newScene(t)
	s.open()
	store := s.state()
	var known state.Record
	for i := range n {
		a := inventory.Address(fmt.Sprintf("user%06d@contoso.test", i))
		s.source.AddMailbox(a)
		known.Recipients = append(known.Recipients, state.Recipient{Migration: "contoso", Kind: inventory.KindMailbox, Source: a, Target: a, TargetInfo: "{}", Synced: morning})
	}
	if err := store.Record(t.Context(), known); err != nil {
		t.Fatal(err)
	}
	session, err := s.from.Endpoint.OpenMailbox(t.Context(), "user000000@contoso.test")
	if err != nil {
		t.Fatal(err)
	}
	folders, err := session.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	session.Close()
	var rows state.Record
	for r, err := range store.Recipients(t.Context(), "contoso") {
		if err != nil {
			t.Fatal(err)
		}
		f := folders[0]
		rows.Folders = append(rows.Folders, state.Folder{Recipient: r.ID, Ability: f.Holds, Source: f.ID, Path: f.Path, Identity: f.Identity,
			Epoch: f.Epoch, State: f.State, Cursor: f.End, Target: f.ID, TargetPath: f.Path, TargetEndpoint: s.to.Address})
	}
	if err := store.Record(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	in, err := survey.Gather(t.Context(), s.request())
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	t.Logf("%d mailboxes in %v", len(in.Mailboxes), took)
	for a, box := range in.Mailboxes {
		if len(box.Deltas) > 0 || len(box.Known) != 1 || box.Problem != nil {
			t.Fatalf("%s: %+v", a, box)
		}
	}
	if s.target.Calls("OpenMailbox") > 0 {
		t.Error("the target was opened")
	}
	if took > 10*time.Second {
		t.Errorf("took %v", took)
	}
}
