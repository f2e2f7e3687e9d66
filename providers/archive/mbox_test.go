package archive

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/internal/servertest"
)

// The counts are those of CPython's mailbox.mbox, but for what it takes for
// mail: it splits at every line that begins with "From ".
func TestMboxesOfTheCorpusAreSplit(t *testing.T) {
	for name, want := range map[string]int{
		"hyperkitty/non-ascii-headers.txt.mbox":          6,
		"mailutils/teaparty.mbox":                        95,
		"mbox/spamassassin-easy-ham-1-1of2-400msgs.mbox": 400,
		"mbox/spamassassin-easy-ham-1-2of2-354msgs.mbox": 354,
		"mimekit/content-length.mbox.txt.mbox":           29,
		"perl-mbox/invalid-boundaries.txt.mbox":          8,
		"perl-mbox/mailarc-1-dos.txt.mbox":               16,
		"perl-mbox/mailarc-1.txt.mbox":                   16,
		"perl-mbox/malformed.txt.mbox":                   54, // without empty lines
		"perl-mbox/separators1.sep.mbox":                 4,
	} {
		file, err := os.Open(servertest.Corpus(t, "mail", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		spans, err := splitMbox(file)
		file.Close()
		if err != nil || len(spans) != want {
			t.Errorf("%s: %d messages of %d, %v", name, len(spans), want, err)
		}
	}
}

func split(t *testing.T, text string) (contents []string, spans []span) {
	t.Helper()
	spans, err := splitMbox(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range spans {
		content, err := io.ReadAll(newUnquoteReader(strings.NewReader(text[s.start:s.end])))
		if err != nil {
			t.Fatal(err)
		}
		contents = append(contents, string(content))
	}
	return contents, spans
}

func TestMboxContent(t *testing.T) {
	const from = "From anna@contoso.test Tue Feb  6 10:11:12 2024"
	for _, c := range []struct{ name, text, want string }{
		{"one", from + "\nA: b\n\ntext\n\n", "A: b\n\ntext\n"},
		{"no final newline", from + "\nA: b\n\ntext", "A: b\n\ntext"},
		{"DOS", from + "\r\nA: b\r\n\r\ntext\r\n\r\n" + from + "\r\nC: d\r\n", "A: b\r\n\r\ntext\r\n|C: d\r\n"},
		{"quoted", from + "\n\n>From x\n>>From y\n> From z\n>Fromage\n>\n", "\n" + "From x\n>From y\n> From z\n>Fromage\n>\n"},
		{"prose", from + "\nA: b\n\ntext\n\nFrom here on it is text\n", "A: b\n\ntext\n\nFrom here on it is text\n"},
		{"no empty line", from + "\nA: b\n\ntext\n" + from + "\nC: d\n\n", "A: b\n\ntext\n|C: d\n"},
		{"wrong Content-Length", from + "\nContent-Length: 9999\n\ntext\n\n" + from + "\nC: d\n\n", "Content-Length: 9999\n\ntext\n|C: d\n"},
		{"ends with empty lines", from + "\nA: b\n\ntext\n\n\n\n", "A: b\n\ntext\n\n\n"},
		{"not an mbox", "A: b\n\ntext\n", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got, _ := split(t, c.text); strings.Join(got, "|") != c.want {
				t.Errorf("got %q, want %q", strings.Join(got, "|"), c.want)
			}
		})
	}
}

func TestFromLinesOfManyMakes(t *testing.T) {
	want := time.Date(2024, 2, 6, 10, 11, 12, 0, time.UTC)
	for line, at := range map[string]time.Time{
		"From anna@contoso.test Tue Feb  6 10:11:12 2024":       want,
		"From anna at contoso.test  Tue Feb 6 10:11:12 2024":    want,
		"From - Tue Feb 06 10:11:12 2024":                       want,
		"From anna@contoso.test Tue Feb  6 11:11:12 2024 +0100": want,
		"From anna@contoso.test Tue Feb  6 11:11:12 +0100 2024": want,
		"From anna@contoso.test Tue, 6 Feb 2024 11:11:12 +0100": want,
		"From anna@contoso.test Tue Feb  6 10:11 2024":          want.Truncate(time.Minute),
		"From - ": {},
	} {
		if got := parseFrom(line); got.Unix() != at.Unix() {
			t.Errorf("%q is %v, want %v", line, got, at)
		}
	}
}

func FuzzMbox(f *testing.F) {
	f.Add([]byte("From a Tue Feb  6 10:11:12 2024\nA: b\n\n>From x\n\nFrom - \nC: d"))
	f.Add([]byte("\r\nFrom a 10:11\r\n\r\n\r\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		spans, err := splitMbox(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		last := int64(0)
		for _, s := range spans {
			if s.start < last || s.end < s.start || s.end > int64(len(text)) {
				t.Fatalf("span %d-%d after %d of %d", s.start, s.end, last, len(text))
			}
			last = s.end
			raw := text[s.start:s.end]
			content, err := io.ReadAll(newUnquoteReader(bytes.NewReader(raw)))
			if err != nil || len(raw)-len(content) > bytes.Count(raw, []byte(">From "))+bytes.Count(raw, []byte(">>")) {
				t.Fatalf("%q became %q, %v", raw, content, err)
			}
			if twice, _ := io.ReadAll(newCRLFReader(bytes.NewReader(content))); bytes.Contains(bytes.ReplaceAll(twice, []byte("\r\n"), nil), []byte("\n")) {
				t.Fatalf("bare LF left in %q", twice)
			}
		}
	})
}

func FuzzIndexLine(f *testing.F) {
	f.Add([]byte(`{"n":1,"op":"put","id":"a.cutover","size":3,"received":"2024-02-06T10:11:12+01:00"}` + "\n" + `{"n":2,"op":"del","id":"a.cutover"}` + "\n"))
	f.Add([]byte(`{"v":1,"journal":"J"}` + "\n" + `{"n":3,"op":"set","id":"../x"}` + "\n{"))
	f.Fuzz(func(t *testing.T, text []byte) {
		x := &folder{}
		x.reset("")
		for l := range bytes.SplitSeq(text, []byte("\n")) {
			parsed, ok := parseLine(l)
			if ok && strings.ContainsAny(parsed.ID+parsed.Name, "/") {
				t.Fatalf("%+v leads out of the folder", parsed)
			}
			x.apply(parsed, ok)
		}
		if int64(len(x.byID)) != x.live || x.live < 0 {
			t.Fatalf("%d live of %d", x.live, len(x.byID))
		}
	})
}

func FuzzNames(f *testing.F) {
	for _, name := range []string{"", ".", "..", "a/b", "Entwürfe", "&AOk-", "%2E", "x ", " ", "~", strings.Repeat("ü", 300)} {
		f.Add(name, name+"x")
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		a, b = strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?")
		x, y := maildirName([]string{a}), maildirName([]string{b})
		if (x == y) != (a == b) {
			t.Fatalf("%q is %q and %q is %q", a, x, b, y)
		}
		if len(x) > 255 || strings.ContainsAny(x[1:], "./\x00\n") {
			t.Fatalf("%q is called %q", a, x)
		}
	})
}
