package imap

import (
	"context"
	"errors"
	"iter"
	"regexp"
	"strings"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/imap/imapstream"
	"github.com/cutover-mail/cutover/providers/imap/wire"
)

// Put implements [providers.Mailbox].
func (s *session) Put(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	return func(yield func(providers.Stored, error) bool) {
		p := &put{session: s, yield: yield, items: make(chan providers.Outgoing), quit: make(chan struct{}),
			again: make(chan providers.Outgoing, providers.PutWindowItems), under: map[uint64]providers.Outgoing{}, bare: map[uint64]bool{}}
		go p.feed(items)
		err := p.run(ctx)
		close(p.quit)
		for range p.items { // until feed has ended
		}
		if err != nil && !p.stopped {
			yield(providers.Stored{}, s.fail("append", err))
		}
	}
}

// put is one call of Put. Items go to the server in one stream of APPENDs; the
// stream is interrupted only to learn which keywords a folder keeps.
type put struct {
	session *session
	yield   func(providers.Stored, error) bool
	stopped bool
	items   chan providers.Outgoing
	quit    chan struct{}
	// again are items that the server refused for their keywords, to be sent
	// without them.
	again chan providers.Outgoing
	next  *providers.Outgoing // first of the next stretch

	mu      sync.Mutex // guards what follows: Append converts on its own goroutine
	under   map[uint64]providers.Outgoing
	bare    map[uint64]bool
	refused map[uint64]inventory.Flags
	strange []uint64 // items in a format that IMAP does not take
}

func (p *put) feed(items iter.Seq[providers.Outgoing]) {
	defer close(p.items)
	for item := range items {
		if item.Format != inventory.FormatRFC5322 {
			p.mu.Lock()
			p.strange = append(p.strange, item.Key)
			p.mu.Unlock()
			continue
		}
		select {
		case p.items <- item:
		case <-p.quit:
			return
		}
	}
}

func (p *put) run(ctx context.Context) error {
	p.refused = map[uint64]inventory.Flags{}
	first, more := <-p.items
	for more {
		if err := p.session.learnFlags(ctx, first); err != nil {
			return err
		}
		if err := p.stretch(ctx, first); err != nil || p.stopped {
			return err
		}
		first, more = p.rest()
	}
	p.giveStrange()
	return nil
}

func (p *put) give(out providers.Stored) {
	if !p.stopped {
		p.stopped = !p.yield(out, nil)
	}
}

// giveStrange refuses what is no message.
func (p *put) giveStrange() {
	p.mu.Lock()
	keys := p.strange
	p.strange = nil
	p.mu.Unlock()
	for _, key := range keys {
		p.give(providers.Stored{Key: key, Err: &providers.Error{Kind: providers.Rejected, Code: codeUnsupported, Op: "append", Err: errors.New("IMAP takes RFC 5322 messages only")}})
	}
}

// rest returns what a stretch left to do.
func (p *put) rest() (first providers.Outgoing, more bool) {
	select {
	case first = <-p.again:
		return first, true
	default:
	}
	if p.next == nil {
		return first, false
	}
	first, p.next = *p.next, nil
	return first, true
}

// stretch appends items until there are none, or one whose folder's keywords
// are not known.
func (p *put) stretch(ctx context.Context, first providers.Outgoing) error {
	return p.session.stream(func(stream *imapstream.Stream) error {
		for result, err := range stream.Append(ctx, p.session.appendOptions(), p.outgoing(first)) {
			if err != nil {
				return err
			}
			if err := p.result(result); err != nil || p.stopped {
				return err
			}
		}
		return nil
	})
}

func (s *session) appendOptions() imapstream.AppendOptions {
	return imapstream.AppendOptions{
		MultiAppend:  s.has("MULTIAPPEND"),
		LiteralPlus:  s.has("LITERAL+"),
		LiteralMinus: s.has("LITERAL-") || s.has("IMAP4REV2"),
		Binary:       s.has("BINARY"),
	}
}

// outgoing is what Append pulls: an item, and those that follow.
func (p *put) outgoing(first providers.Outgoing) iter.Seq[imapstream.Item] {
	return func(yield func(imapstream.Item) bool) {
		if !yield(p.convert(first)) {
			return
		}
		for p.next == nil {
			item, more := p.pull()
			if !more {
				return
			}
			if !p.session.knowsFlags(item) {
				p.next = &item
				return
			}
			if !yield(p.convert(item)) {
				return
			}
		}
	}
}

func (p *put) pull() (item providers.Outgoing, more bool) {
	select {
	case item = <-p.again:
		return item, true
	case item, more = <-p.items:
		return item, more
	}
}

func (p *put) convert(o providers.Outgoing) imapstream.Item {
	keep, refused := p.session.keepFlags(o.Folder, o.Flags)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bare[o.Key] {
		keep, refused = splitFlags(o.Flags, nil)
	}
	if refused != "" {
		p.refused[o.Key] = refused
	}
	if hasKeywords(o.Flags) {
		p.under[o.Key] = o
	}
	return imapstream.Item{Key: o.Key, Folder: string(o.Folder), Flags: keep, Received: o.Received, Size: o.Size, Open: o.Open}
}

// result passes a result on. An error that is not about the item ends the
// stream.
func (p *put) result(r imapstream.Result) error {
	out := providers.Stored{Key: r.Key}
	if r.UID != 0 {
		out.ID = itemID(r.UID)
	}
	p.mu.Lock()
	item, hadKeywords := p.under[r.Key]
	out.Refused = p.refused[r.Key]
	delete(p.under, r.Key)
	delete(p.refused, r.Key)
	retry := r.Err != nil && hadKeywords && !p.bare[r.Key] && aboutFlags(r.Err)
	if retry {
		p.bare[r.Key] = true
	}
	p.mu.Unlock()
	if retry {
		return p.sendAgain(item)
	}
	if r.Err != nil {
		verdict := appendVerdict(r.Err)
		if !ofItem(verdict) {
			return verdict
		}
		out.Err, out.Refused = verdict, ""
	}
	p.give(out)
	p.giveStrange()
	return nil
}

func (p *put) sendAgain(item providers.Outgoing) error {
	select {
	case p.again <- item:
		return nil
	default:
		return &providers.Error{Kind: providers.Transient, Code: codeRefusedFlag, Op: "append", Err: errors.New("too many messages refused for their keywords at once")}
	}
}

// Cyrus keeps 128 keywords a folder, and says "NO [LIMIT] Too many user flags
// in mailbox" to the message that brings the next one.
var flagWords = regexp.MustCompile(`(?i)(user )?flags?\b|keywords?\b`)

func aboutFlags(err error) bool {
	status, ok := asAnswer(err)
	return ok && status.name != "BYE" && flagWords.MatchString(status.text)
}

// appendVerdict judges the answer to one APPEND. A refusal that says nothing
// else is about the message.
func appendVerdict(err error) error {
	if _, ours := errors.AsType[*imapstream.ItemError](err); ours {
		return err
	}
	out := verdict("append", "message", err)
	status, ok := asAnswer(err)
	if e, isVerdict := errors.AsType[*providers.Error](out); ok && isVerdict && status.name != "BYE" {
		switch {
		case status.code == "LIMIT":
			e.Kind, e.Code = providers.Quota, codeOverquota
		case e.Code == codeRefused:
			e.Kind, e.Code = providers.Rejected, codeRefusedMessage
		}
	}
	return out
}

// ofItem reports whether an error concerns one message only.
func ofItem(err error) bool {
	if _, ours := errors.AsType[*imapstream.ItemError](err); ours {
		return true
	}
	kind := providers.KindOf(err)
	return kind == providers.Rejected || kind == providers.Quota
}

// learnFlags finds out which flags a folder keeps, if an item has keywords and
// the folder has not been opened yet. Only SELECT tells: EXAMINE says that
// nothing can be changed.
func (s *session) learnFlags(ctx context.Context, o providers.Outgoing) error {
	if s.knowsFlags(o) {
		return nil
	}
	commands := []*wire.Command{wire.Cmd("SELECT").Str(string(o.Folder))}
	if s.has("UNSELECT") {
		commands = append(commands, wire.Cmd("UNSELECT"))
	}
	heard := &selected{folder: o.Folder, writable: true}
	s.selected = nil
	done, err := s.conn.Run(ctx, func(r wire.Response) { s.hearOpening(heard, r) }, commands...)
	if err == nil {
		err = done[0]
	}
	s.keepsAnyUnlessTold(o.Folder)
	return s.folderError("open folder", o.Folder, err)
}

// keepsAnyUnlessTold: RFC 9051 section 7.1, without the code every flag can be
// kept.
func (s *session) keepsAnyUnlessTold(folder inventory.FolderID) {
	if _, told := s.permanent[folder]; !told {
		s.permanent[folder] = []string{`\*`}
	}
}

func (s *session) knowsFlags(o providers.Outgoing) bool {
	_, known := s.permanent[o.Folder]
	return known || !hasKeywords(o.Flags)
}

func hasKeywords(flags inventory.Flags) bool {
	for _, flag := range flags.List() {
		if !strings.HasPrefix(flag, `\`) {
			return true
		}
	}
	return false
}

// keepFlags splits flags into those that a folder keeps and the others.
func (s *session) keepFlags(folder inventory.FolderID, flags inventory.Flags) (keep, refused inventory.Flags) {
	permanent, known := s.permanent[folder]
	if !known {
		permanent = []string{`\*`}
	}
	return splitFlags(flags, permanent)
}

func splitFlags(flags inventory.Flags, permanent []string) (keep, refused inventory.Flags) {
	var kept, lost []string
	for _, flag := range flags.List() {
		if allowed(flag, permanent) {
			kept = append(kept, flag)
		} else {
			lost = append(lost, flag)
		}
	}
	return inventory.MakeFlags(kept...), inventory.MakeFlags(lost...)
}

// allowed: the five system flags are tried wherever they can be; other flags
// with a backslash belong to servers, keywords to folders that take them.
func allowed(flag string, permanent []string) bool {
	if strings.HasPrefix(flag, `\`) {
		return inventory.MakeFlags(inventory.Seen, inventory.Answered, inventory.Flagged, inventory.Deleted, inventory.Draft).Has(flag)
	}
	return validKeyword(flag) && (hasFold(permanent, `\*`) || hasFold(permanent, flag))
}

// validKeyword: a keyword is an atom (RFC 9051 section 9, flag-keyword).
func validKeyword(flag string) bool {
	for i := range len(flag) {
		if c := flag[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return false
		}
	}
	return flag != ""
}
