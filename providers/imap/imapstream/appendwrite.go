package imapstream

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/cutover-mail/cutover/inventory"
)

// write sends commands until every item has its result.
func (a *appender) write() {
	defer a.ended.Done()
	err := (&assembler{appender: a, in: a.in}).run()
	a.mu.Lock()
	a.written, a.writeErr = true, err
	a.mu.Unlock()
	if err != nil {
		a.s.tap.fail(err)
	}
	signal(a.posted)
}

// assembler is the writing goroutine's own part of an appender.
type assembler struct {
	*appender
	in    chan Item // nil at its end
	batch []*outgoing
	size  int64
	since time.Time // when batch began
	// held belongs to the batch after this one.
	held   *outgoing
	header []byte
}

func (w *assembler) run() error {
	for {
		select {
		case <-w.stopped:
			return nil
		default:
		}
		item := w.takeAgain()
		switch {
		case item != nil:
			if err := w.send([]*outgoing{item}); err != nil {
				return err
			}
		case w.complete():
			if err := w.sendBatch(); err != nil {
				return err
			}
		case w.in == nil && len(w.batch) == 0 && w.idle():
			return nil
		default:
			if err := w.await(); err != nil {
				return err
			}
		}
	}
}

// complete reports whether the batch is to be sent without waiting for more.
func (w *assembler) complete() bool {
	return len(w.batch) > 0 &&
		(w.held != nil || w.in == nil || len(w.batch) >= w.o.BatchItems || w.size >= w.o.BatchBytes || w.full())
}

func (w *assembler) sendBatch() error {
	batch := w.batch
	w.batch, w.size = w.batch[len(w.batch):], 0
	if w.held != nil {
		w.put(w.held)
		w.held = nil
	}
	return w.send(batch)
}

// add puts an item where it belongs: a batch is of one folder.
func (w *assembler) add(item *outgoing) {
	fits := len(w.batch) == 0 || w.batch[0].Folder == item.Folder && w.size+item.Size <= w.o.BatchBytes
	if !fits {
		w.held = item
		return
	}
	w.put(item)
}

func (w *assembler) put(item *outgoing) {
	if len(w.batch) == 0 {
		w.since = time.Now()
	}
	w.batch = append(w.batch, item)
	w.size += item.Size
}

// await waits for the next item or for an answer, with nothing left unsent.
func (w *assembler) await() error {
	in := w.in
	if w.full() {
		in = nil
	}
	select {
	case item, ok := <-in:
		w.pulled(item, ok)
		return nil
	default:
	}
	if err := w.s.out.flush(); err != nil {
		return err
	}
	var linger <-chan time.Time
	if len(w.batch) > 0 && w.idle() {
		linger = time.After(w.o.Linger - time.Since(w.since))
	}
	select {
	case item, ok := <-in:
		w.pulled(item, ok)
	case <-linger:
		return w.sendBatch()
	case <-w.wake:
	case <-w.stopped:
	}
	return nil
}

func (w *assembler) pulled(item Item, ok bool) {
	if !ok {
		w.in = nil
		return
	}
	w.add(w.admit(item))
}

// send sends items as one command. Items that the command does not come to are
// sent again.
func (w *assembler) send(items []*outgoing) error {
	c := &command{tag: w.s.newTag(), more: make(chan bool, 1)}
	for i, item := range items {
		if w.answeredEarly(c) {
			w.sendAlone(items[i:])
			break
		}
		err := w.item(c, item)
		if errors.Is(err, errRefused) {
			w.sendAlone(items[i+1:])
			return nil
		}
		if err != nil {
			return err
		}
	}
	if len(c.items) == 0 {
		return nil // none could be sent
	}
	w.mu.Lock()
	c.sent = true
	w.mu.Unlock()
	w.s.out.string("\r\n")
	if w.o.BatchItems > 1 {
		return w.s.out.flush()
	}
	return w.s.out.err
}

// answeredEarly reports whether the server has refused a command that is still
// being sent. It still takes the literal under way, but no further one.
func (w *assembler) answeredEarly(c *command) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return c.answered
}

func (a *appender) sendAlone(items []*outgoing) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, item := range items {
		item.attempt = max(item.attempt, alone)
		a.again = append(a.again, item)
	}
}

// errRefused says that the server refused a literal it was asked to take.
var errRefused = errors.New("literal refused")

// item adds one message to the command. An item that cannot be sent gets its
// result; an error ends the connection.
func (w *assembler) item(c *command, item *outgoing) error {
	if err := checkItem(item.Item); err != nil {
		w.refuse(item, err)
		return nil
	}
	if item.attempt == asBinary {
		if found, err := hasNUL(item.Item); err != nil || !found {
			w.answer(item, item.refusal)
			return nil
		}
	}
	content, err := item.Open()
	if err != nil {
		w.refuse(item, err)
		return nil
	}
	defer content.Close()
	wait := w.makeHeader(c, item)
	if need := int64(len(w.header)) + item.Size; need <= bufferSize {
		return w.small(c, item, content, wait, int(need))
	}
	return w.large(c, item, content, wait)
}

// small sends a message that fits the buffer, and so can still be taken back
// when its content turns out not to be readable.
func (w *assembler) small(c *command, item *outgoing, content io.Reader, wait bool, need int) error {
	out := w.s.out
	if need > out.space() {
		if err := out.flush(); err != nil {
			return err
		}
	}
	mark := len(out.buf)
	out.buf = append(out.buf, w.header...)
	split := len(out.buf)
	if err := out.whole(content, item.Size); err != nil {
		out.buf = out.buf[:mark]
		w.refuse(item, err)
		return nil
	}
	w.begin(c, item, wait)
	if !wait {
		return nil
	}
	if err := out.flushTo(split); err != nil {
		return err
	}
	if err := w.awaitMore(c); err != nil {
		out.buf = out.buf[:0]
		return err
	}
	return nil
}

// large sends a message through the buffer.
func (w *assembler) large(c *command, item *outgoing, content io.Reader, wait bool) error {
	out := w.s.out
	w.begin(c, item, wait)
	out.string(string(w.header))
	if wait {
		if err := out.flush(); err != nil {
			return err
		}
		if err := w.awaitMore(c); err != nil {
			return err
		}
	}
	err := out.stream(content, item.Size)
	if failed, ok := errors.AsType[*sourceError](err); ok {
		return fmt.Errorf("content failed in the middle of a literal: %w", failed.error)
	}
	return err
}

// begin adds an item to a command, whose first bytes may leave after that. A
// command that was refused meanwhile cannot take it any more.
func (w *assembler) begin(c *command, item *outgoing, wait bool) {
	w.mu.Lock()
	if c.answered {
		w.mu.Unlock()
		w.sendAlone([]*outgoing{item})
		return
	}
	c.items = append(c.items, item)
	c.waiting = wait
	if len(c.items) == 1 {
		w.under = append(w.under, c)
	}
	w.mu.Unlock()
	signal(w.posted)
}

// awaitMore waits until the server asks for the literal.
func (w *assembler) awaitMore(c *command) error {
	select {
	case more := <-c.more:
		if !more {
			return errRefused
		}
		return nil
	case <-w.stopped:
		return errStopped
	}
}

var errStopped = errors.New("stopped")

// makeHeader writes what comes before the content of an item, and reports
// whether the server must ask for the content.
func (w *assembler) makeHeader(c *command, item *outgoing) (wait bool) {
	b := w.header[:0]
	if len(c.items) == 0 {
		b = append(b, c.tag...)
		b = append(b, " APPEND "...)
		b = appendQuoted(b, item.Folder)
	}
	b = append(b, " ("...)
	b = append(b, item.Flags...)
	b = append(b, ") "...)
	if !item.Received.IsZero() {
		b = item.Received.AppendFormat(b, `"02-Jan-2006 15:04:05 -0700" `)
	}
	if item.attempt == asBinary {
		b = append(b, '~')
	}
	wait = !w.o.LiteralPlus && (!w.o.LiteralMinus || item.Size > 4096)
	if wait {
		b = fmt.Appendf(b, "{%d}\r\n", item.Size)
	} else {
		b = fmt.Appendf(b, "{%d+}\r\n", item.Size)
	}
	w.header = b
	return wait
}

func appendQuoted(b []byte, s string) []byte {
	b = append(b, '"')
	for i := range len(s) {
		if s[i] == '"' || s[i] == '\\' {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return append(b, '"')
}

// checkItem refuses what would not be one APPEND on the wire.
func checkItem(item Item) error {
	switch {
	case item.Size < 0 || item.Size > maxLiteral:
		return fmt.Errorf("size %d", item.Size)
	case strings.ContainsAny(item.Folder, "\r\n\x00"):
		return fmt.Errorf("folder name %q", item.Folder)
	case len(item.Folder) > maxSet || len(item.Flags) > 16*maxSet:
		return errors.New("folder name or flags too long")
	case !item.Received.IsZero() && (item.Received.Year() < 1 || item.Received.Year() > 9999):
		return fmt.Errorf("received in the year %d", item.Received.Year())
	}
	return checkFlags(item.Flags)
}

// checkFlags refuses flags that would break the command. Whether the server
// takes the others is its own decision.
func checkFlags(flags inventory.Flags) error {
	start := true
	for i := range len(flags) {
		c := flags[i]
		if c < ' ' || c == 0x7f || strings.IndexByte(`(){"`, c) >= 0 || c == '\\' && !start {
			return fmt.Errorf("flags %q", string(flags))
		}
		start = c == ' '
	}
	return nil
}

// hasNUL reads an item to see whether it holds a NUL byte.
func hasNUL(item Item) (bool, error) {
	content, err := item.Open()
	if err != nil {
		return false, err
	}
	defer content.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := content.Read(buf)
		if slices.Contains(buf[:n], 0) {
			return true, nil
		}
		if err == io.EOF {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
}
