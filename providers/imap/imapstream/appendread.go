package imapstream

import (
	"bytes"
	"context"
	"slices"
)

// read reads answers and yields results until the writing goroutine has ended
// and every command is answered, or the connection ends. stopped says that the
// caller left the sequence.
func (a *appender) read(yield func(Result, error) bool) (stopped bool, err error) {
	for {
		results, reading, done, err := a.state()
		for _, result := range results {
			if !yield(result, nil) {
				return true, nil
			}
		}
		switch {
		case len(results) > 0:
		case done:
			return false, err
		case !reading:
			select {
			case <-a.posted:
			case <-a.ctx.Done():
				return false, context.Cause(a.ctx)
			}
		default:
			results, err := a.response()
			if err != nil {
				return false, err
			}
			for _, result := range results {
				if !yield(result, nil) {
					return true, nil
				}
			}
		}
	}
}

// state tells the reading goroutine what to do: yield results of items that
// were not sent, read, or end.
func (a *appender) state() (results []Result, reading, done bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	results, a.failed = a.failed, nil
	reading = len(a.under) > 0
	done = a.written && (!reading || a.writeErr != nil)
	return results, reading, done, a.writeErr
}

// response reads one response and returns the results it brings.
func (a *appender) response() ([]Result, error) {
	k, tag, err := a.s.response("APPEND")
	if err != nil {
		return nil, err
	}
	switch k {
	case untagged:
		return nil, a.s.skipOther()
	case continuation:
		a.more()
		return nil, nil
	}
	return a.answered(tag)
}

// more passes a continuation on to the command that waits for one. Some
// servers send them for literals that need none.
func (a *appender) more() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.under) == 0 {
		return
	}
	if c := a.under[len(a.under)-1]; c.waiting {
		c.waiting = false
		c.more <- true
	}
}

// answered handles the tagged response to a command.
func (a *appender) answered(tag []byte) ([]Result, error) {
	c, sent := a.take(tag)
	if c == nil {
		return nil, a.s.syntax("answer to a command that was not given")
	}
	line := a.s.line[a.s.pos:]
	err := a.s.verdict("APPEND")
	refusal, refused := err.(*ResponseError)
	switch {
	case err == nil && !sent:
		return nil, a.s.syntax("OK to a command that was not complete")
	case err == nil:
		results := stored(c, line)
		a.settle(c.items...)
		return results, nil
	case !refused || refusal.Status == BYE:
		return nil, err
	}
	return a.refused(c, refusal), nil
}

// take removes the command from those under way; it counts as answered and
// gets no further items.
// sent is whether all of it had been.
func (a *appender) take(tag []byte) (c *command, sent bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	i := slices.IndexFunc(a.under, func(c *command) bool { return c.tag == string(tag) })
	if i < 0 {
		return nil, false
	}
	c = a.under[i]
	a.under = slices.Delete(a.under, i, i+1)
	c.answered = true
	close(c.more)
	return c, c.sent
}

// stored makes the results of a command that was carried out.
func stored(c *command, line []byte) []Result {
	results := make([]Result, len(c.items))
	for i, item := range c.items {
		results[i].Key = item.Key
	}
	_, rest, _ := bytes.Cut(line, []byte(" "))
	code, args, _ := responseCode(rest)
	if !bytes.EqualFold(code, []byte("APPENDUID")) {
		return results
	}
	validity, set, _ := bytes.Cut(args, []byte(" "))
	if v, ok := parseUID(validity); ok && countUIDs(set) == uint64(len(results)) {
		assignUIDs(results, v, set)
	}
	return results
}

// countUIDs returns how many UIDs a set names, 0 when it is none.
func countUIDs(set []byte) (n uint64) {
	ok := eachRange(set, func(low, high uint32) bool {
		n += uint64(high-low) + 1
		return true
	})
	if !ok {
		return 0
	}
	return n
}

// assignUIDs gives the UIDs of a set to the results, in order (RFC 4315
// section 3).
func assignUIDs(results []Result, validity uint32, set []byte) {
	i := 0
	eachRange(set, func(low, high uint32) bool {
		for uid := uint64(low); uid <= uint64(high); uid++ {
			results[i].UID, results[i].UIDValidity = uint32(uid), validity
			i++
		}
		return true
	})
}

// refused decides about the items of a command that was refused: nothing of it
// is stored.
func (a *appender) refused(c *command, refusal *ResponseError) []Result {
	switch {
	case len(c.items) > 1 && !aboutFolder(refusal.Code):
		a.sendAlone(c.items)
		signal(a.wake)
		return nil
	case a.o.Binary && c.items[0].attempt != asBinary && maybeNUL(refusal.Code):
		a.retryBinary(c.items[0], refusal)
		return nil
	}
	a.settle(c.items...)
	results := make([]Result, len(c.items))
	for i, item := range c.items {
		results[i] = Result{Key: item.Key, Err: refusal}
	}
	return results
}

func (a *appender) retryBinary(item *outgoing, refusal *ResponseError) {
	a.mu.Lock()
	item.attempt, item.refusal = asBinary, refusal
	a.again = append(a.again, item)
	a.mu.Unlock()
	signal(a.wake)
}

// aboutFolder reports whether a response code speaks of the folder or the
// session, so that every message would meet it.
func aboutFolder(code string) bool {
	switch code {
	case "TRYCREATE", "NONEXISTENT", "NOPERM", "AUTHORIZATIONFAILED", "EXPIRED", "INUSE", "UNAVAILABLE", "CONTACTADMIN":
		return true
	}
	return false
}

// maybeNUL reports whether a refusal could be due to a NUL byte.
func maybeNUL(code string) bool {
	switch code {
	case "OVERQUOTA", "TOOBIG", "LIMIT":
		return false
	}
	return !aboutFolder(code)
}
