package imap

import (
	"context"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/cutover-mail/cutover/internal/servertest"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// recorder keeps what was written to the connections it dials.
type recorder struct {
	mu   sync.Mutex
	sent strings.Builder
}

type recorded struct {
	net.Conn
	r *recorder
}

func (c recorded) Write(b []byte) (int, error) {
	c.r.mu.Lock()
	c.r.sent.Write(b)
	c.r.mu.Unlock()
	return c.Conn.Write(b)
}

func (r *recorder) dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	return recorded{conn, r}, err
}

var commandName = regexp.MustCompile(`(?m)^[cS]\d+ ((?:UID )?[A-Z]+)`)

// commands returns the names of the commands sent since the last call.
func (r *recorder) commands() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var names []string
	for _, found := range commandName.FindAllStringSubmatch(r.sent.String(), -1) {
		names = append(names, found[1])
	}
	r.sent.Reset()
	return names
}

// recordedSource opens a mailbox of a server that holds three unread messages.
func recordedSource(t *testing.T, o servertest.DovecotOptions) (*recorder, *session) {
	t.Helper()
	d := servertest.StartDovecot(t, o)
	owner := openMailbox(t, openEndpoint(t, providers.Target, plain(d.Port, nil)), "anna@contoso.test")
	for i := range 3 {
		putAll(t, owner, message{folder: "INBOX", body: text(i), received: noon})
	}
	r := &recorder{}
	set := plain(d.Port, object{"accounts": []object{{"address": "anna@contoso.test"}}})
	e, err := Provider{Dial: r.dial}.Open(t.Context(), providers.Options{Role: providers.Source, Settings: settingsOf(t, set)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return r, openMailbox(t, e, "anna@contoso.test")
}

func TestTheSourceIsNeverWrittenTo(t *testing.T) {
	for _, capability := range []string{"", "IMAP4rev1 NAMESPACE"} {
		r, m := recordedSource(t, servertest.DovecotOptions{Capability: capability})
		if _, err := m.Info(t.Context()); err != nil {
			t.Fatal(err)
		}
		folders, err := m.Folders(t.Context())
		if err != nil || len(folders) == 0 {
			t.Fatal(folders, err)
		}
		first, _ := readSeries(t, m, "INBOX", "", 2)
		readSeries(t, m, "INBOX", first.end.Cursor, 2)
		for id, b := range fetchAll(t, m, "INBOX", "1", "2", "3") {
			if b.item.Flags != "" {
				t.Errorf("%s has flags %q", id, b.item.Flags)
			}
		}
		if _, err := m.Larger(t.Context(), "INBOX", 10); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Find(t.Context(), "INBOX", "", []inventory.Fingerprint{{Received: noon, Size: -1}}); err != nil {
			t.Fatal(err)
		}
		reading := []string{"AUTHENTICATE", "LOGIN", "CAPABILITY", "NAMESPACE", "ID", "ENABLE", "LIST", "LSUB", "STATUS", "EXAMINE", "UNSELECT", "NOOP", "UID FETCH", "UID SEARCH", "GETQUOTAROOT", "LOGOUT"}
		for _, name := range r.commands() {
			if !slices.Contains(reading, name) {
				t.Errorf("the source was sent %s", name)
			}
		}
		if again := changes(t, m, "INBOX", "", 0); len(again.listed) != 3 || again.listed[0].Flags != "" {
			t.Errorf("the messages are %+v", again.listed)
		}
	}
}

// Looking at a mailbox costs the sign-in, one exchange about the server, and
// one LIST for all its folders.
func TestLookingCostsFewCommands(t *testing.T) {
	r, m := recordedSource(t, servertest.DovecotOptions{})
	if _, err := m.Folders(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.commands(); !slices.Equal(got, []string{"AUTHENTICATE", "NAMESPACE", "ENABLE", "ID", "LIST"}) {
		t.Errorf("sent %v", got)
	}
}

func TestLargerMessagesAreFound(t *testing.T) {
	m := dovecotMailbox(t, providers.Target, servertest.DovecotOptions{})
	stored := putAll(t, m, message{folder: "INBOX", body: text(1), received: noon}, message{folder: "INBOX", body: text(1) + strings.Repeat("x", 900) + "\r\n", received: noon})
	items, err := m.Larger(t.Context(), "INBOX", 500)
	if err != nil || len(items) != 1 || items[0].ID != stored[1].ID || items[0].Size < 900 {
		t.Errorf("got %+v, %v", items, err)
	}
}

func TestALostConnectionIsTransient(t *testing.T) {
	opening := step{`EXAMINE "INBOX"`, []string{"* 1 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 4] x", "TAG OK [READ-ONLY] done"}}
	for name, answer := range map[string][]string{
		"in a body":     {`* 1 FETCH (UID 1 FLAGS () INTERNALDATE "05-Mar-2024 12:00:00 +0100" BODY[] {100}`, "Subject: half", "CLOSE"},
		"before a body": {"CLOSE"},
		"with a reason": {"* BYE Shutting down", "CLOSE"},
	} {
		m := openMailbox(t, scripted(t, providers.Source, signedIn("", noFolders, opening, step{"UID FETCH 1", answer}), nil), "anna@contoso.test")
		var last error
		for f, err := range m.Fetch(t.Context(), "INBOX", []inventory.ItemID{"1"}, inventory.FormatRFC5322) {
			if err == nil && f.Body != nil {
				buf := make([]byte, 200)
				for err == nil {
					_, err = f.Body.Read(buf)
				}
			}
			last = err
		}
		if providers.KindOf(last) != providers.Transient {
			t.Errorf("%s: %v", name, last)
		}
		if _, err := m.Folders(t.Context()); providers.KindOf(err) != providers.Transient {
			t.Errorf("%s: afterwards %v", name, err)
		}
	}
}

func TestMessagesThatTheServerCannotReadAreTold(t *testing.T) {
	m := openMailbox(t, scripted(t, providers.Source, signedIn("", noFolders,
		step{`EXAMINE "INBOX"`, []string{"* 3 EXISTS", "* OK [UIDVALIDITY 7] x", "* OK [UIDNEXT 4] x", "TAG OK [READ-ONLY] done"}},
		step{"UID FETCH 1:3", []string{`* 1 FETCH (UID 1 FLAGS () INTERNALDATE "05-Mar-2024 12:00:00 +0100" BODY[] {2}`, "hi)", "TAG NO Some messages could not be read"}},
		step{"UID FETCH 2 ", []string{"TAG NO Input/output error"}},
		step{"UID FETCH 3 ", []string{"TAG OK done"}}), nil), "anna@contoso.test")
	got := fetchAll(t, m, "INBOX", "1", "2", "3")
	if got["1"].text != "hi" || providers.CodeOf(got["2"].err) != codeUnreadable || providers.KindOf(got["3"].err) != providers.Gone {
		t.Errorf("got %+v", got)
	}
}

func TestGreetingsThatRefuse(t *testing.T) {
	for greeting, want := range map[string]providers.Kind{
		"* BYE Too many connections":    providers.Throttled,
		"* BYE [UNAVAILABLE] try later": providers.Transient,
		"HTTP/1.1 400 Bad Request":      providers.Other,
	} {
		_, err := scripted(t, providers.Source, script{greeting: greeting}, nil).OpenMailbox(t.Context(), "anna@contoso.test")
		if providers.KindOf(err) != want {
			t.Errorf("%q: %v", greeting, err)
		}
	}
}
