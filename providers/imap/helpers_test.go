package imap

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/internal/servertest"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

type object map[string]any

func settingsOf(t testing.TB, set object) providers.Settings {
	t.Helper()
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return providers.Settings(text)
}

func openEndpoint(t testing.TB, role providers.Role, set object) providers.Endpoint {
	t.Helper()
	e, err := Provider{}.Open(t.Context(), providers.Options{Role: role, Name: "test", Settings: settingsOf(t, set), Folder: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// plain are the settings of a server without TLS on this machine.
func plain(port int, more object) object {
	set := object{"host": "127.0.0.1", "port": port, "security": "none", "password": servertest.Password, "username": "{local}", "timeout": "20s"}
	for name, value := range more {
		set[name] = value
	}
	return set
}

func openMailbox(t testing.TB, e providers.Endpoint, address string) *session {
	t.Helper()
	m, err := e.OpenMailbox(t.Context(), inventory.Address(address))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Close() })
	return m.(*session)
}

// message is one to put.
type message struct {
	folder   inventory.FolderID
	body     string
	flags    inventory.Flags
	received time.Time
}

func outgoing(messages []message) iter.Seq[providers.Outgoing] {
	return func(yield func(providers.Outgoing) bool) {
		for i, m := range messages {
			open := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte(m.body))), nil }
			if !yield(providers.Outgoing{Key: uint64(i), Folder: m.folder, Class: inventory.ClassMessage, Format: inventory.FormatRFC5322,
				Flags: m.flags, Received: m.received, Size: int64(len(m.body)), Open: open}) {
				return
			}
		}
	}
}

// put stores messages and returns the results by position.
func putAll(t testing.TB, m providers.Mailbox, messages ...message) []providers.Stored {
	t.Helper()
	out := make([]providers.Stored, len(messages))
	seen := 0
	for stored, err := range m.Put(t.Context(), outgoing(messages)) {
		if err != nil {
			t.Fatalf("put: %v", err)
		}
		out[stored.Key] = stored
		seen++
	}
	if seen != len(messages) {
		t.Fatalf("put gave %d results for %d messages", seen, len(messages))
	}
	return out
}

// page is what one call of Changes told.
type page struct {
	listed  []inventory.Item
	exists  []inventory.ItemID
	removed []inventory.ItemID
	end     providers.Change
}

func changes(t testing.TB, m providers.Mailbox, folder inventory.FolderID, after inventory.Cursor, limit int) page {
	t.Helper()
	var p page
	for c, err := range m.Changes(t.Context(), folder, after, limit) {
		if err != nil {
			t.Fatalf("changes: %v", err)
		}
		switch c.Op {
		case providers.Listed:
			p.listed = append(p.listed, c.Item)
		case providers.Exists:
			p.exists = append(p.exists, c.Item.ID)
		case providers.Removed:
			p.removed = append(p.removed, c.Item.ID)
		case providers.End:
			p.end = c
		}
	}
	if p.end.Op != providers.End {
		t.Fatal("the page has no end")
	}
	return p
}

// series reads all pages.
func readSeries(t testing.TB, m providers.Mailbox, folder inventory.FolderID, after inventory.Cursor, limit int) (all page, pages int) {
	t.Helper()
	for {
		p := changes(t, m, folder, after, limit)
		pages++
		all.listed = append(all.listed, p.listed...)
		all.exists = append(all.exists, p.exists...)
		all.removed = append(all.removed, p.removed...)
		reset := all.end.Reset
		all.end = p.end
		all.end.Reset = reset || p.end.Reset
		after = p.end.Cursor
		if !p.end.More {
			return all, pages
		}
		if pages > 1000 {
			t.Fatal("the series does not end")
		}
	}
}

type body struct {
	item inventory.Item
	text string
	err  error
}

func fetchAll(t testing.TB, m providers.Mailbox, folder inventory.FolderID, ids ...inventory.ItemID) map[inventory.ItemID]body {
	t.Helper()
	out := map[inventory.ItemID]body{}
	for f, err := range m.Fetch(t.Context(), folder, ids, inventory.FormatRFC5322) {
		if err != nil {
			t.Fatalf("fetch: %v", err)
		}
		b := body{item: f.Item, err: f.Err}
		if f.Body != nil {
			text, err := io.ReadAll(f.Body)
			if err != nil {
				t.Fatal(err)
			}
			b.text = string(text)
		}
		out[f.Item.ID] = b
	}
	return out
}

func editAll(t testing.TB, m providers.Mailbox, folder inventory.FolderID, edits ...providers.Edit) map[inventory.ItemID]providers.Edited {
	t.Helper()
	out := map[inventory.ItemID]providers.Edited{}
	for e, err := range m.Edit(t.Context(), folder, edits) {
		if err != nil {
			t.Fatalf("edit: %v", err)
		}
		out[e.ID] = e
	}
	return out
}

func folderAt(t testing.TB, m providers.Mailbox, path ...string) inventory.Folder {
	t.Helper()
	folders, err := m.Folders(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range folders {
		if slices.Equal(f.Path, path) {
			return f
		}
	}
	t.Fatalf("no folder %q in %v", path, folders)
	return inventory.Folder{}
}

func makeFolder(t testing.TB, m providers.Mailbox, path ...string) inventory.Folder {
	t.Helper()
	f, err := m.CreateFolder(context.Background(), inventory.Folder{Path: path, Holds: inventory.Mail})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func text(n int) string {
	return fmt.Sprintf("From: a@example.org\r\nSubject: number %d\r\n\r\nbody %d\r\n", n, n)
}

var noon = time.Date(2024, 3, 5, 12, 0, 0, 0, time.FixedZone("", 3600))

func cmdDelete(name string) *wire.Command { return wire.Cmd("DELETE").Str(name) }
