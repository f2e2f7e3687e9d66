package plan

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

func sample() *Plan {
	return &Plan{
		FormatVersion: FormatVersion, Tool: "0.1.0", Migration: "contoso",
		Basis:   Basis{Lineage: "abc", Serial: 3, Config: "c0", Inventory: "1f"},
		Targets: []Endpoint{{Address: "target.imap.mail"}}, Batches: []Batch{}, Deletions: "mirror",
		Steps: []Step{
			{ID: "s1", Action: Create, Kind: inventory.KindMailbox, Source: "anna@contoso.test", Reason: `a "quoted" <reason>`},
			{ID: "s2", Action: Copy, Kind: inventory.KindMailbox, Source: "anna@contoso.test", Needs: []StepID{"s1"},
				Folders: []Folder{{Source: "a/b", Path: inventory.Path{"a/b", "ü"}, Work: Work{New: 4, Bytes: -1}}},
				Losses:  []providers.Loss{{Code: "oversize-items", Detail: `"steps":null`}}},
		},
		Losses:  []LossSummary{{Code: "oversize-items", Detail: `{"steps":null}`, Steps: 1}},
		Summary: Summary{Actions: map[Action]int{Create: 1, Copy: 1}, Kinds: map[inventory.Kind]int{"mailbox": 1}},
	}
}

func saved(t testing.TB, p *Plan) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := Write(&buf, p); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestSavedPlanIsReadBackAsItWas(t *testing.T) {
	p := sample()
	got, err := Read(bytes.NewReader(saved(t, p)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(p, got); diff != "" {
		t.Errorf("read back differs:\n%s", diff)
	}
	if got.Digest() != p.Digest() || p.Digest() == "" {
		t.Errorf("digest %q, read back %q", p.Digest(), got.Digest())
	}
}

func TestStepsAreWrittenAsMarshalDoes(t *testing.T) {
	for _, p := range []*Plan{sample(), {}, {Steps: []Step{}}} {
		var buf bytes.Buffer
		if err := WriteJSON(&buf, p); err != nil {
			t.Fatal(err)
		}
		want, _ := json.Marshal(p)
		if got := buf.String(); got != string(want) {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestChangedOrCutFileIsRefused(t *testing.T) {
	whole := saved(t, sample())
	edited := bytes.Replace(whole, []byte(`"new":4`), []byte(`"new":5`), 1)
	newer := bytes.Replace(whole, []byte(`"1.0"`), []byte(`"2.0"`), 1)
	minor := bytes.Replace(whole, []byte(`"1.0"`), []byte(`"1.9"`), 1)
	for _, c := range []struct {
		name, code, says string
		data             []byte
	}{
		{"edited", "plan-damaged", "changed since it was saved", edited},
		{"cut", "plan-damaged", "not complete", whole[:len(whole)/2]},
		{"cut at the end", "plan-damaged", "not complete", whole[:len(whole)-3]},
		{"something appended", "plan-damaged", "not complete", append(bytes.Clone(whole), "{}"...)},
		{"newer format", "plan-format", "this program reads 1.x", newer},
		{"not a plan", "plan-format", "not a saved plan", []byte("hello")},
		{"other JSON", "plan-format", "no format_version", []byte(`{"a":1}`)},
		{"empty", "plan-format", "not a saved plan", nil},
		{"newer minor", "", "", minor},
	} {
		_, err := Read(bytes.NewReader(c.data))
		var file *FileError
		switch {
		case c.code == "":
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		case !errors.As(err, &file) || file.Code != c.code || !strings.Contains(err.Error(), c.says):
			t.Errorf("%s: got %v, want %s: %s", c.name, err, c.code, c.says)
		}
	}
}

func TestPlanWithDanglingNeedsIsRefused(t *testing.T) {
	p := sample()
	p.Steps[1].Needs = []StepID{"nowhere"}
	if _, err := Read(bytes.NewReader(saved(t, p))); err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("got %v", err)
	}
	p = sample()
	p.Steps[1].ID = "s1"
	if _, err := Read(bytes.NewReader(saved(t, p))); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("got %v", err)
	}
}

func TestStalePlanIsRefusedWithItsReason(t *testing.T) {
	base := Basis{Lineage: "l1", Serial: 4, Config: "c", Inventory: "i"}
	change := func(f func(*Basis)) Basis { b := base; f(&b); return b }
	first := Basis{Config: "c", Inventory: "i"}
	for _, c := range []struct {
		name, code string
		saved, now Basis
		tool       string
	}{
		{"nothing moved", "", base, base, "1"},
		{"other tool", "plan-tool", base, base, "2"},
		{"other state", "plan-lineage", base, change(func(b *Basis) { b.Lineage = "l2" }), "1"},
		{"state removed", "plan-lineage", base, change(func(b *Basis) { b.Lineage, b.Serial = "", 0 }), "1"},
		{"another run", "plan-serial", base, change(func(b *Basis) { b.Serial++ }), "1"},
		{"configuration", "plan-config", base, change(func(b *Basis) { b.Config = "d" }), "1"},
		{"inventory", "plan-inventory", base, change(func(b *Basis) { b.Inventory = "j" }), "1"},
		{"servers not asked yet", "", base, change(func(b *Basis) { b.Inventory = "" }), "1"},
		{"first apply, still no state", "", first, first, "1"},
		{"first apply, state made by init", "", first, Basis{Lineage: "l1", Config: "c", Inventory: "i"}, "1"},
		{"first apply, state with runs", "plan-serial", first, Basis{Lineage: "l1", Serial: 1, Config: "c", Inventory: "i"}, "1"},
		{"first apply, inventory moved", "plan-inventory", first, Basis{Config: "c", Inventory: "j"}, "1"},
	} {
		err := Check(&Plan{Tool: "1", Basis: c.saved}, c.now, c.tool)
		var stale *StaleError
		switch {
		case c.code == "":
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		case !errors.As(err, &stale) || stale.Code != c.code || !strings.Contains(err.Error(), "make a new plan: cutover plan -out"):
			t.Errorf("%s: got %v, want %s", c.name, err, c.code)
		}
	}
}

func FuzzRead(f *testing.F) {
	whole := saved(f, sample())
	f.Add(whole)
	f.Add(whole[:40])
	f.Add([]byte(`{"format_version":"1.0","plan":{},"sha256":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := Read(bytes.NewReader(data))
		if (p == nil) == (err == nil) {
			t.Fatalf("plan %v with error %v", p != nil, err)
		}
		if p == nil {
			return
		}
		var buf bytes.Buffer
		if err := Write(&buf, p); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(&buf); err != nil {
			t.Fatalf("what was written is not read: %v", err)
		}
	})
}
