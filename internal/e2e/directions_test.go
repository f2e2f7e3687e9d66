package e2e

import (
	"encoding/csv"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cutover-mail/cutover/internal/servertest"
)

// TestEveryMessageArrivesInAllDirections puts the whole corpus on a source and
// compares, file by file, what the target has in the end.
func TestEveryMessageArrivesInAllDirections(t *testing.T) {
	letters := corpus(t)
	start := map[string]func(*testing.T) server{
		"dovecot": func(t *testing.T) server { return startDovecot(t, servertest.DovecotOptions{}) },
		// Cyrus writes X over 8-bit characters in headers unless told not to.
		"cyrus": func(t *testing.T) server {
			return startCyrus(t, servertest.CyrusOptions{Settings: []string{"munge8bit: 0"}})
		},
	}
	for _, from := range slices.Sorted(maps.Keys(start)) {
		for _, to := range slices.Sorted(maps.Keys(start)) {
			t.Run(from+" to "+to, func(t *testing.T) {
				t.Parallel()
				migrateCorpus(t, start[from](t), start[to](t), letters)
			})
		}
	}
}

func migrateCorpus(t *testing.T, src, dst server, letters []letter) {
	const user, folder = "anna", "Corpus"
	m := newMigration(t, src, dst, []string{user})
	refused := deliverAll(t, src, user, folder, letters)
	for _, name := range slices.Sorted(maps.Keys(refused)) {
		t.Logf("the source refuses %s: %s", name, refused[name])
	}
	onSource := src.messages(user, folder)
	if n := count(onSource); n != len(letters)-len(refused) {
		t.Fatalf("the source holds %d of %d messages, and refused %d", n, len(letters), len(refused))
	}
	r := m.run("apply", "-auto-approve")
	if r.code != 0 && r.code != 3 {
		t.Fatal(r)
	}
	failed := m.failures()
	for _, row := range failed {
		t.Logf("the target refuses message %s: %s", row["item"], row["detail"])
	}
	// What the target makes of the same bytes from a client that is not ours is
	// the server's doing, and the measure.
	const reference = "Reference"
	refusedThere := deliver(t, dst, user, reference, collect(t, src, user, folder))
	if diff := difference(dst.messages(user, reference), dst.messages(user, folder)); diff != "" {
		t.Errorf("against a copy by another client: %s; %s", diff, m.run("verify"))
	}
	if len(failed) != len(refusedThere) {
		t.Errorf("%d messages failed; another client saw %d refused", len(failed), len(refusedThere))
	}
	if n := difference(onSource, dst.messages(user, folder)); n != "" {
		t.Logf("against the source, refusals and what the server changes: %s", n)
	}
	if len(failed) > len(letters)/10 {
		t.Errorf("%d of %d messages failed", len(failed), len(letters))
	}
	if len(failed) == 0 {
		m.want(0, "plan", "-detailed-exitcode")
	}
}

// deliverAll delivers letters, those that the server refuses again with line
// ends as on the wire, and returns what it said of the rest.
func deliverAll(t *testing.T, s server, user, folder string, letters []letter) map[string]string {
	first := deliver(t, s, user, folder, letters)
	var again []letter
	for _, l := range letters {
		if first[l.name] != "" {
			l.body = crlf(l.body)
			again = append(again, l)
		}
	}
	return deliver(t, s, user, folder, again)
}

// TestWhatTheServerChangesIsToldApart: a Cyrus as it comes from the package
// changes 8-bit characters in headers. The copy is not blamed for it, and not
// called equal either.
func TestWhatTheServerChangesIsToldApart(t *testing.T) {
	src, dst := startDovecot(t, servertest.DovecotOptions{}), startCyrus(t, servertest.CyrusOptions{})
	m := newMigration(t, src, dst, []string{"anna"})
	deliver(t, src, "anna", "INBOX", []letter{{name: "8bit", body: []byte("From: a@contoso.test\r\nSubject: Gr\xfc\xdfe\r\nMessage-ID: <1@contoso.test>\r\n\r\nHello\r\n")}})
	m.want(0, "apply", "-auto-approve")
	if diff := difference(src.messages("anna", "INBOX"), dst.messages("anna", "INBOX")); diff == "" {
		t.Skip("this Cyrus keeps 8-bit headers")
	}
	if r := m.want(3, "verify"); !strings.Contains(r.stdout, "other content") {
		t.Errorf("verify does not name the changed message: %s", r)
	}
}

// failures reads MigrationErrors.csv as written by report, by column.
func (m *migration) failures() []map[string]string {
	m.t.Helper()
	m.want(0, "report")
	data, err := os.ReadFile(filepath.Join(m.dir, "reports", "MigrationErrors.csv"))
	if err != nil {
		m.t.Fatal(err)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff"))).ReadAll()
	if err != nil {
		m.t.Fatal(err)
	}
	var out []map[string]string
	for _, row := range rows[1:] {
		byName := map[string]string{}
		for i, name := range rows[0] {
			byName[strings.ToLower(name)] = row[i]
		}
		out = append(out, byName)
	}
	return out
}
