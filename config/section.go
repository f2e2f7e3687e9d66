package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// layout says what may stand in a body.
type layout struct {
	attributes []string
	required   []string // of attributes
	blocks     []blockLayout
}

// blockLayout says how often a block may stand in a body, and its labels.
type blockLayout struct {
	name     string
	labels   []string // what each label names, for people
	repeated bool
}

// section is a body that has been held against its layout: what is left in
// attributes and blocks may stand there.
type section struct {
	l          *loader
	what       string // for people: `batch "pilot"`
	header     hcl.Range
	attributes map[string]*hclsyntax.Attribute
	blocks     []*hclsyntax.Block
}

// section checks a body and reports what does not belong there.
func (l *loader) section(what string, header hcl.Range, body *hclsyntax.Body, is layout) *section {
	s := &section{l: l, what: what, header: header, attributes: map[string]*hclsyntax.Attribute{}}
	s.takeAttributes(body, is)
	s.takeBlocks(body, is)
	for _, name := range is.required {
		if body.Attributes[name] == nil {
			s.missing(name, "")
		}
	}
	return s
}

// open is section for a block.
func (l *loader) open(b *hclsyntax.Block, is layout) *section {
	return l.section(blockName(b), b.DefRange(), b.Body, is)
}

func blockName(b *hclsyntax.Block) string {
	parts := []string{b.Type}
	for _, label := range b.Labels {
		parts = append(parts, fmt.Sprintf("%q", label))
	}
	return strings.Join(parts, " ")
}

func (s *section) missing(name, help string) {
	s.l.report.error(&s.header, problem{code: codeMissing,
		summary: fmt.Sprintf("%s needs %q", s.what, name), detail: help, fix: fmt.Sprintf("add %s = ...", name)})
}

func (s *section) takeAttributes(body *hclsyntax.Body, is layout) {
	for name, attribute := range body.Attributes {
		if slices.Contains(is.attributes, name) || slices.Contains(is.required, name) {
			s.attributes[name] = attribute
			continue
		}
		s.unknownAttribute(attribute, is)
	}
}

func (s *section) unknownAttribute(attribute *hclsyntax.Attribute, is layout) {
	name := attribute.Name
	p := problem{code: codeUnknownArgument, summary: fmt.Sprintf("%s has no argument %q", s.what, name)}
	if is.block(name) != nil {
		p.fix = fmt.Sprintf("%s is a block: write %s { ... } without the equals sign", name, name)
	} else {
		p.fix = suggest(name, "remove it", slices.Concat(is.attributes, is.required))
	}
	s.l.report.error(&attribute.NameRange, p)
}

func (s *section) takeBlocks(body *hclsyntax.Body, is layout) {
	first := map[string]*hclsyntax.Block{}
	for _, b := range body.Blocks {
		known := is.block(b.Type)
		switch {
		case known == nil:
			s.unknownBlock(b, is)
		case !s.labelsFit(b, known):
		case first[b.Type] != nil && !known.repeated:
			s.l.duplicate(b.DefRange(), fmt.Sprintf("a second %s block in %s", b.Type, s.what), first[b.Type].DefRange())
		default:
			first[b.Type] = b
			s.blocks = append(s.blocks, b)
		}
	}
}

func (s *section) unknownBlock(b *hclsyntax.Block, is layout) {
	p := problem{code: codeUnknownBlock, summary: fmt.Sprintf("%s has no block %q", s.what, b.Type)}
	if slices.Contains(is.attributes, b.Type) || slices.Contains(is.required, b.Type) {
		p.fix = fmt.Sprintf("%s is an argument: write %s = ...", b.Type, b.Type)
	} else {
		p.fix = suggest(b.Type, "remove it", is.blockNames())
	}
	s.l.report.error(&b.TypeRange, p)
}

// labelsFit reports a block whose labels are not those its layout names.
func (s *section) labelsFit(b *hclsyntax.Block, known *blockLayout) bool {
	if len(b.Labels) == len(known.labels) {
		return true
	}
	form := b.Type
	for _, label := range known.labels {
		form += fmt.Sprintf(" %q", strings.ToUpper(label))
	}
	at := b.DefRange()
	s.l.report.error(&at, problem{code: codeLabels,
		summary: fmt.Sprintf("block %q takes %s, not %d", b.Type, count(len(known.labels), "label"), len(b.Labels)),
		fix:     "write " + form + " { ... }"})
	return false
}

func (is layout) block(name string) *blockLayout {
	for i := range is.blocks {
		if is.blocks[i].name == name {
			return &is.blocks[i]
		}
	}
	return nil
}

func (is layout) blockNames() []string {
	var names []string
	for _, b := range is.blocks {
		names = append(names, b.name)
	}
	return names
}

// each calls f for the blocks of a name, in the order of the source.
func (s *section) each(name string, f func(*hclsyntax.Block)) {
	for _, b := range s.blocks {
		if b.Type == name {
			f(b)
		}
	}
}

// one returns the only block of a name, or nil.
func (s *section) one(name string) (found *hclsyntax.Block) {
	s.each(name, func(b *hclsyntax.Block) { found = b })
	return found
}

func (l *loader) duplicate(at hcl.Range, summary string, first hcl.Range) {
	l.report.error(&at, problem{code: codeDuplicate, summary: summary,
		detail: "The first is at " + toRange(first).String() + ".", fix: "remove one, or join them"})
}

func count(n int, noun string) string {
	switch n {
	case 0:
		return "no " + noun
	case 1:
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
