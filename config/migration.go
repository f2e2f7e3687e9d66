package config

import (
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/planner"
)

// Migration is the migration block.
type Migration struct {
	Name string
	// From and To are in the order of the configuration: the first with an
	// ability serves it.
	From, To        []*Endpoint
	AcceptedDomains []string // lower case
	Include         []planner.Rule
	Exclude         []planner.Rule
	Map             []planner.Mapping
	Batches         []planner.Batch
	Waivers         []planner.Waiver
	Sync            Sync
	Completion      Completion
	Passwords       Passwords
	Report          Report
	Range           *diag.Range
}

// Sync is what happens after the first copy.
type Sync struct {
	// Every is the interval of `cutover sync -daemon`; 0 is not set.
	Every time.Duration
	// Deletions is "mirror" (the default) or "keep".
	Deletions string
}

// Completion is how far the migration goes.
type Completion struct {
	Phase            string // "sync"
	IgnoreSyncErrors bool
	MX               *MX // nil when there is no mx block
}

// MX is what DNS has to say before completion.
type MX struct {
	Expect []string
	Settle time.Duration // how long it has to say so; 0 is not at all
}

// Passwords are the rules for initial passwords.
type Passwords struct {
	Length     int  // characters, 16 by default
	MustChange bool // at the first sign-in, true by default
}

// Report is where reports go.
type Report struct {
	Directory string // absolute or relative to Config.Dir; "" is not set
	Mail      *Mail  // nil when there is no mail block
}

// Mail is who gets the report.
type Mail struct {
	SMTP string // host:port
	From inventory.Address
	To   []inventory.Address
}

// Planner returns what the planner has to know.
func (m *Migration) Planner() planner.Migration {
	return planner.Migration{Name: m.Name, AcceptedDomains: m.AcceptedDomains, Include: m.Include, Exclude: m.Exclude,
		Map: m.Map, Batches: m.Batches, Deletions: m.Sync.Deletions, Waivers: m.Waivers}
}

var migrationLayout = layout{required: []string{"from", "to"}, attributes: []string{"accepted_domains"}, blocks: []blockLayout{
	{name: "include", repeated: true},
	{name: "exclude", repeated: true},
	{name: "map", labels: []string{"address"}, repeated: true},
	{name: "batch", labels: []string{"name"}, repeated: true},
	{name: "waive", labels: []string{"code"}, repeated: true},
	{name: "sync"}, {name: "completion"}, {name: "passwords"}, {name: "report"},
}}

// readMigrations reads the one migration there has to be. Further ones are
// read too, for what is wrong in them.
func (l *loader) readMigrations() {
	var first *hclsyntax.Block
	l.root.each("migration", func(b *hclsyntax.Block) {
		if first != nil {
			l.duplicate(b.DefRange(), "a second migration", first.DefRange())
			l.readMigration(b)
			return
		}
		first = b
		l.migration = l.readMigration(b)
	})
	if first == nil && !l.report.has(codeSyntax, codeEmpty, codeRead) {
		l.report.error(nil, problem{code: codeMissing, subject: l.dir, summary: "the configuration has no migration",
			fix: `write one: migration "name" { from = ... to = ... }`})
	}
}

func (l *loader) readMigration(b *hclsyntax.Block) *Migration {
	l.identifier(b, 0)
	s := l.open(b, migrationLayout)
	m := &Migration{Name: b.Labels[0], Range: toRange(b.DefRange())}
	m.From = s.endpoints("from", "source", l.sources)
	m.To = s.endpoints("to", "target", l.targets)
	m.AcceptedDomains = s.domains("accepted_domains")
	s.each("include", func(b *hclsyntax.Block) { m.Include = append(m.Include, l.rule(b)) })
	s.each("exclude", func(b *hclsyntax.Block) { m.Exclude = append(m.Exclude, l.rule(b)) })
	m.Map = l.mappings(s)
	m.Batches = l.batches(s)
	m.Waivers = l.waivers(s)
	m.Sync = l.sync(s.one("sync"))
	m.Completion = l.completion(s.one("completion"))
	m.Passwords = l.passwords(s.one("passwords"))
	m.Report = l.reports(s.one("report"))
	return m
}

func (l *loader) waivers(s *section) (all []planner.Waiver) {
	first := map[string]*hclsyntax.Block{}
	s.each("waive", func(b *hclsyntax.Block) {
		code := b.Labels[0]
		if first[code] != nil {
			l.duplicate(b.DefRange(), fmt.Sprintf("%q is waived twice", code), first[code].DefRange())
			return
		}
		first[code] = b
		inner := l.open(b, layout{required: []string{"reason"}})
		if !isCode(code) {
			l.report.error(&b.LabelRanges[0], problem{code: codeValue, summary: fmt.Sprintf("%q is not the code of a loss", code),
				fix: "write the code as the plan shows it, such as \"inbox-rules\""})
		}
		all = append(all, planner.Waiver{Code: code, Reason: inner.text("reason"), Range: toRange(b.DefRange())})
	})
	return all
}

// isCode reports whether s is lower-case words joined by "-".
func isCode(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}

func (l *loader) sync(b *hclsyntax.Block) Sync {
	if b == nil {
		return Sync{Deletions: "mirror"}
	}
	s := l.open(b, layout{attributes: []string{"every", "deletions"}})
	return Sync{Every: s.duration("every", 0), Deletions: s.oneOf("deletions", "mirror", "mirror", "keep")}
}

func (l *loader) completion(b *hclsyntax.Block) Completion {
	if b == nil {
		return Completion{Phase: "sync"}
	}
	s := l.open(b, layout{attributes: []string{"phase", "ignore_sync_errors"}, blocks: []blockLayout{{name: "mx"}}})
	c := Completion{Phase: s.oneOf("phase", "sync", "sync", "complete"), IgnoreSyncErrors: s.boolean("ignore_sync_errors", false)}
	if c.Phase == "complete" {
		s.invalid("phase", codeUnsupported, "this version of cutover cannot complete a migration yet", `keep phase = "sync" until a version that can`)
	}
	if mx := s.one("mx"); mx != nil {
		inner := l.open(mx, layout{required: []string{"expect"}, attributes: []string{"settle"}})
		c.MX = &MX{Expect: inner.domains("expect"), Settle: inner.duration("settle", 0)}
	}
	return c
}

func (l *loader) passwords(b *hclsyntax.Block) Passwords {
	p := Passwords{Length: 16, MustChange: true}
	if b == nil {
		return p
	}
	s := l.open(b, layout{attributes: []string{"length", "must_change"}})
	return Passwords{Length: s.integer("length", p.Length, 8, 128), MustChange: s.boolean("must_change", p.MustChange)}
}

func (l *loader) reports(b *hclsyntax.Block) (r Report) {
	if b == nil {
		return r
	}
	s := l.open(b, layout{attributes: []string{"directory"}, blocks: []blockLayout{{name: "mail"}}})
	r.Directory = s.text("directory")
	if mail := s.one("mail"); mail != nil {
		inner := l.open(mail, layout{required: []string{"smtp", "from", "to"}})
		r.Mail = &Mail{SMTP: inner.hostPort("smtp"), From: inner.address("from"), To: inner.addresses("to")}
	}
	return r
}

func (s *section) hostPort(name string) string {
	text, ok := s.str(name)
	if !ok {
		return ""
	}
	if host, port, err := net.SplitHostPort(text); err != nil || host == "" || port == "" {
		s.invalid(name, codeValue, fmt.Sprintf("%q is no server and port", text), `write them as "smtp.contoso.test:587"`)
	}
	return text
}
