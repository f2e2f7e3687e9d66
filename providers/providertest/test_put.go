package providertest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func (s *suite) testPutPlain(t *testing.T) {
	b := s.mailbox(t)
	f := b.folder("Letters")
	results := b.put(f.ID, letter(1))
	if results[0].Err != nil {
		t.Fatalf("Put of one plain letter: %v", results[0].Err)
	}
	item, content := b.only(f.ID)
	if !bytes.Equal(content, letter(1).Content) {
		t.Errorf("came back as %q and was %q: bytes are kept", content, letter(1).Content)
	}
	if results[0].ID != "" && results[0].ID != item.ID {
		t.Errorf("Stored.ID is %q and the item is listed as %q (empty where the endpoint does not tell)", results[0].ID, item.ID)
	}
	b.put(f.ID)
}

func (s *suite) testPutOddContent(t *testing.T) {
	for _, odd := range []struct {
		name, content string
		kept          bool
	}{
		{"no body", "Subject: no body\r\n\r\n", true},
		{"header without end", "Subject: only a header\r\n", true},
		{"no header", "\r\nText without a header.\r\n", true},
		{"no last line end", "Subject: x\r\n\r\nno line end", true},
		{"eight bit", "Subject: Gr\xfc\xdfe\r\n\r\n\xe4\xf6\xfc \x80\xff and \xc3\xa4\r\n", true},
		{"dots and From", "Subject: x\r\n\r\n.\r\n..\r\nFrom here\r\n>From there\r\n", true},
		{"literal look-alike", "Subject: {10}\r\n\r\n{5}\r\n{3+}\r\n) A1 OK\r\n", true},
		{"long line", "Subject: x\r\n\r\n" + strings.Repeat("x", 70_000) + "\r\n", true},
		{"bare LF", "Subject: unix\n\nline\nline\n", s.KeepsBareNewlines},
		{"bare CR", "Subject: mac\r\n\r\none\rtwo\r\r\nthree\r\n", s.KeepsBareNewlines},
		{"mixed line ends", "Subject: mixed\r\n\nline\r\nline\n", s.KeepsBareNewlines},
		{"NUL", "Subject: nul\r\n\r\na\x00b\r\n", s.KeepsNUL},
	} {
		t.Run(odd.name, func(t *testing.T) {
			if !odd.kept {
				t.Skip("the harness does not claim that these bytes are kept")
			}
			b := s.mailbox(t)
			f := b.folder("Odd")
			if results := b.put(f.ID, Message{Content: []byte(odd.content), Received: letter(0).Received}); results[0].Err != nil {
				t.Fatalf("refused: %v", results[0].Err)
			}
			if _, content := b.only(f.ID); string(content) != odd.content {
				t.Errorf("came back as %.200q and was %.200q: broken mail travels as it is", content, odd.content)
			}
		})
	}
	t.Run("empty", s.testPutEmpty)
}

func (s *suite) testPutEmpty(t *testing.T) {
	b := s.mailbox(t)
	f := b.folder("Odd")
	results := b.put(f.ID, letter(1), Message{}, letter(2))
	if s.RefusesEmpty {
		if providers.KindOf(results[1].Err) != providers.Rejected {
			t.Errorf("an item of no bytes: %v; it should be Rejected alone", results[1].Err)
		}
		return
	}
	if results[1].Err != nil || len(b.ids(f.ID)) != 3 {
		t.Errorf("an item of no bytes: %v, %d items of 3", results[1].Err, len(b.ids(f.ID)))
	}
}

func (s *suite) testPutLarge(t *testing.T) {
	size := s.LargeSize
	if size == 0 {
		size = 5 << 20
	}
	b := s.mailbox(t)
	f := b.folder("Large")
	big := Message{Content: bytes.Repeat([]byte("All work and no play makes a message large and dull to read.  \r\n"), size/64), Received: letter(0).Received}
	copy(big.Content, "Subject: large\r\n\r\n")
	if results := b.put(f.ID, letter(1), big, letter(2)); results[1].Err != nil {
		t.Fatalf("a message of %d bytes: %v", len(big.Content), results[1].Err)
	}
	found := false
	for _, content := range b.contents(f.ID, b.ids(f.ID)...) {
		found = found || bytes.Equal(content, big.Content)
	}
	if !found {
		t.Errorf("a message of %d bytes did not come back whole", len(big.Content))
	}
}

func (s *suite) testPutMany(t *testing.T) {
	b := s.mailbox(t)
	f := b.folder("Many")
	sent := letters(1000)
	for _, result := range b.put(f.ID, sent...) {
		if result.Err != nil {
			t.Fatalf("letter %d of 1000: %v", result.Key, result.Err)
		}
	}
	got := map[[32]byte]int{}
	for _, content := range b.contents(f.ID, b.ids(f.ID)...) {
		got[sha256.Sum256(content)]++
	}
	for i, m := range sent {
		if got[sha256.Sum256(m.Content)] != 1 {
			t.Fatalf("letter %d is there %d times", i, got[sha256.Sum256(m.Content)])
		}
	}
	if again := b.listed(f.Path); again.Items != 1000 && again.Items != -1 {
		t.Errorf("the folder is listed with %d items of 1000", again.Items)
	}
}

func (s *suite) testPutFlags(t *testing.T) {
	b := s.mailbox(t)
	f := b.folder("Flags")
	info, err := b.write.Info(b.ctx)
	if err != nil {
		t.Fatalf("Mailbox.Info: %v", err)
	}
	for i, flags := range []inventory.Flags{
		"", inventory.MakeFlags(inventory.Seen), inventory.MakeFlags(inventory.Answered, inventory.Flagged, inventory.Draft, inventory.Seen),
		inventory.MakeFlags("$Forwarded", "Project-X", inventory.Seen),
	} {
		m := letter(i)
		m.Flags = flags
		results := b.put(f.ID, m)
		kept := flags.Apply("", results[0].Refused)
		if results[0].Refused != "" && info.Keywords == nil && !strings.Contains(string(results[0].Refused), "Project-X") {
			t.Errorf("%q is refused, which every endpoint keeps", results[0].Refused)
		}
		if got := b.flagsOf(f.ID, m); got != kept {
			t.Errorf("flags came back as %q; %q was put and %q refused", got, flags, results[0].Refused)
		}
	}
}

// flagsOf returns the flags of the item with the content of m.
func (b *box) flagsOf(folder inventory.FolderID, m Message) inventory.Flags {
	b.t.Helper()
	return b.itemOf(folder, m).Flags
}

func (b *box) itemOf(folder inventory.FolderID, m Message) inventory.Item {
	b.t.Helper()
	items := b.items(folder)
	for id, content := range b.contents(folder, b.ids(folder)...) {
		if bytes.Equal(content, m.Content) {
			return items[id]
		}
	}
	b.t.Fatalf("no item has the content of %.40q", m.Content)
	return inventory.Item{}
}

func (s *suite) testPutReceived(t *testing.T) {
	b := s.mailbox(t)
	f := b.folder("Dates")
	east, west := time.FixedZone("", 12*3600+45*60), time.FixedZone("", -9*3600-30*60)
	for i, received := range []time.Time{
		time.Date(2024, 2, 29, 23, 59, 59, 0, time.UTC),
		time.Date(1999, 12, 31, 23, 59, 59, 0, west),
		time.Date(2024, 1, 1, 0, 0, 0, 0, east),
		time.Date(1996, 7, 1, 12, 0, 0, 0, time.UTC),
		time.Date(2031, 3, 4, 5, 6, 7, 0, time.FixedZone("", -5*3600)),
	} {
		m := letter(i)
		m.Received = received
		if result := b.put(f.ID, m)[0]; result.Err != nil {
			t.Errorf("received %v: %v", received, result.Err)
			continue
		}
		got := b.itemOf(f.ID, m).Received
		if got.Unix() != received.Unix() {
			t.Errorf("received came back as %v and was %v: kept to the second", got, received)
		}
		if !s.ShiftsZone && got.Format("-0700") != received.Format("-0700") {
			t.Errorf("received came back in zone %s and was in %s", got.Format("-0700"), received.Format("-0700"))
		}
	}
}

func (s *suite) testPutOneBad(t *testing.T) {
	b := s.mailbox(t)
	f := b.folder("Bad")
	items := func(yield func(providers.Outgoing) bool) {
		for i := range 3 {
			out := letter(i).outgoing(f.ID, i)
			if i == 1 {
				out.Format = "no-such-format"
			}
			if !yield(out) {
				return
			}
		}
	}
	good, bad := 0, 0
	for stored, err := range b.write.Put(b.ctx, items) {
		switch {
		case err != nil:
			t.Fatalf("one item that is not taken ended the stream: %v", err)
		case stored.Err == nil:
			good++
		case providers.KindOf(stored.Err) == providers.Rejected && stored.Key == 1:
			bad++
		default:
			t.Errorf("verdict on %d: %v", stored.Key, stored.Err)
		}
	}
	if good != 2 || bad != 1 || len(b.ids(f.ID)) != 2 {
		t.Errorf("%d stored, %d rejected, %d there; one of three was in a format that is not taken: Rejected alone", good, bad, len(b.ids(f.ID)))
	}
}

func (s *suite) testPutNoFolder(t *testing.T) {
	b := s.mailbox(t)
	var last error
	for stored, err := range b.write.Put(b.ctx, outgoing("no such folder", letters(1))) {
		if last = err; err == nil {
			last = stored.Err
		}
	}
	if providers.KindOf(last) != providers.Gone {
		t.Errorf("Put to a folder that does not exist should be Gone: %v", last)
	}
}

func (s *suite) testPutAbandoned(t *testing.T) {
	b := s.mailbox(t)
	f := b.folder("Letters")
	settled := leaks(t)
	for range 6 {
		session := b.session(s.target)
		ended := false
		items := func(yield func(providers.Outgoing) bool) {
			defer func() { ended = true }()
			for i := 0; yield(letter(i).outgoing(f.ID, i)); i++ {
			}
		}
		for _, err := range session.Put(b.ctx, items) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
		if !ended {
			t.Fatal("Put was abandoned and still pulls items: its goroutine has ended when the sequence ends")
		}
		session.Close()
	}
	settled("an abandoned Put")
}

func (s *suite) testPutCancelled(t *testing.T) {
	b := s.mailbox(t)
	f := b.folder("Letters")
	settled := leaks(t)
	for range 6 {
		session := b.session(s.target)
		ctx, cancel := context.WithCancel(b.ctx)
		items := func(yield func(providers.Outgoing) bool) {
			for i := range 5 {
				if !yield(letter(i).outgoing(f.ID, i)) {
					return
				}
			}
			cancel()
			<-ctx.Done()
		}
		var last error
		for _, err := range session.Put(ctx, items) {
			last = err
		}
		if last == nil {
			t.Error("Put with a cancelled context ended without error, as if every item had a result")
		}
		session.Close()
	}
	settled("a cancelled Put")
}

func (s *suite) testOtherClasses(t *testing.T) {
	for _, other := range []struct {
		ability inventory.Ability
		class   inventory.Class
		format  inventory.Format
		content string
	}{
		{inventory.Calendars, inventory.ClassEvent, inventory.FormatICalendar,
			"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Contoso//EN\r\nBEGIN:VEVENT\r\nUID:event-1@contoso.test\r\nDTSTAMP:20240101T000000Z\r\nDTSTART:20240102T100000Z\r\nSUMMARY:Review\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"},
		{inventory.Contacts, inventory.ClassContact, inventory.FormatVCard,
			"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:card-1@contoso.test\r\nFN:Zoë\r\nN:;Zoë;;;\r\nEND:VCARD\r\n"},
		{inventory.Tasks, inventory.ClassTask, inventory.FormatICalendar,
			"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Contoso//EN\r\nBEGIN:VTODO\r\nUID:task-1@contoso.test\r\nDTSTAMP:20240101T000000Z\r\nSUMMARY:Write\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"},
		{inventory.Notes, inventory.ClassNote, inventory.FormatICalendar,
			"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Contoso//EN\r\nBEGIN:VJOURNAL\r\nUID:note-1@contoso.test\r\nDTSTAMP:20240101T000000Z\r\nSUMMARY:Idea\r\nEND:VJOURNAL\r\nEND:VCALENDAR\r\n"},
	} {
		t.Run(string(other.ability), func(t *testing.T) {
			if !s.has(other.ability, providers.Target) || (s.source != nil && !s.has(other.ability, providers.Source)) {
				t.Skip("not an ability of both sides")
			}
			b := s.mailbox(t)
			f, err := b.write.CreateFolder(b.ctx, inventory.Folder{Path: inventory.Path{"Own " + string(other.ability)}, Holds: other.ability})
			if err != nil || f.Holds != other.ability {
				t.Fatalf("a folder for %s: %+v, %v", other.ability, f, err)
			}
			out := Message{Content: []byte(other.content)}.outgoing(f.ID, 0)
			out.Class, out.Format = other.class, other.format
			for stored, err := range b.write.Put(b.ctx, func(yield func(providers.Outgoing) bool) { yield(out) }) {
				if err != nil || stored.Err != nil {
					t.Fatal(err, stored.Err)
				}
			}
			items := b.items(f.ID)
			for id, item := range items {
				if item.Class != other.class {
					t.Errorf("listed as %q and put as %q", item.Class, other.class)
				}
				for fetched, err := range b.read.Fetch(b.ctx, f.ID, []inventory.ItemID{id}, other.format) {
					if err != nil || fetched.Err != nil {
						t.Fatal(err, fetched.Err)
					}
					if content, _ := io.ReadAll(fetched.Body); string(content) != other.content {
						t.Errorf("came back as %q and was %q", content, other.content)
					}
				}
			}
			uid := inventory.Fingerprint{Class: other.class, Size: -1, UID: strings.Split(strings.Split(other.content, "UID:")[1], "\r\n")[0]}
			found, err := b.write.Find(b.ctx, f.ID, "", []inventory.Fingerprint{uid})
			if err != nil || len(items) != 1 || len(found) != 1 || len(found[0]) != 1 {
				t.Errorf("%d items; found by UID: %v, %v", len(items), found, err)
			}
		})
	}
}
