package imapstream

import (
	"context"
	"sync"
)

// appender is one run of [Stream.Append]. The pulling goroutine hands items to
// the writing one, which groups them into commands and sends these; the
// caller's goroutine reads the answers and yields results.
type appender struct {
	s   *Stream
	o   AppendOptions
	ctx context.Context // of the one call that this is

	in      chan Item     // from the pulling goroutine; closed at the end
	wake    chan struct{} // to the writing goroutine: something below changed
	posted  chan struct{} // to the reading goroutine: something below changed
	stopped chan struct{} // closed by stop
	ended   sync.WaitGroup

	mu       sync.Mutex
	under    []*command // begun and not answered, in order
	again    []*outgoing
	failed   []Result // items that could not be sent
	items    int      // pulled, without a result
	bytes    int64
	written  bool  // the writing goroutine has ended
	writeErr error // why, if not because all is done
}

// attempt is how an item is sent.
type attempt uint8

const (
	together attempt = iota // with others, where the server can
	alone
	asBinary // alone, as literal8
)

// outgoing is an item that has no result yet.
type outgoing struct {
	Item
	attempt attempt
	refusal *ResponseError // of the attempt before
}

// command is one APPEND on the wire.
type command struct {
	tag   string
	items []*outgoing
	// more gets true when the server asks for the literal, and is closed when
	// the command is answered.
	more     chan bool
	waiting  bool // for the server to ask
	sent     bool // to its end
	answered bool
}

func newAppender(ctx context.Context, s *Stream, o AppendOptions) *appender {
	a := &appender{
		s: s, o: o, ctx: ctx,
		in:      make(chan Item),
		wake:    make(chan struct{}, 1),
		posted:  make(chan struct{}, 1),
		stopped: make(chan struct{}),
	}
	a.ended.Add(2)
	return a
}

// stop tells both goroutines to end.
func (a *appender) stop() { close(a.stopped) }

// wait waits until they have.
func (a *appender) wait() { a.ended.Wait() }

func (a *appender) pull(items func(func(Item) bool)) {
	defer a.ended.Done()
	defer close(a.in)
	select {
	case <-a.stopped:
		return
	default:
	}
	items(func(item Item) bool {
		select {
		case a.in <- item:
			return true
		case <-a.stopped:
			return false
		}
	})
}

// signal leaves a note in a channel of capacity 1.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// admit counts an item that was pulled.
func (a *appender) admit(item Item) *outgoing {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.items++
	a.bytes += item.Size
	return &outgoing{Item: item}
}

// full reports whether no further item may be pulled.
func (a *appender) full() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.items >= a.o.WindowItems || a.bytes >= a.o.WindowBytes
}

// settle stops counting items that get their results.
func (a *appender) settle(items ...*outgoing) {
	a.mu.Lock()
	for _, item := range items {
		a.items--
		a.bytes -= item.Size
	}
	a.mu.Unlock()
	signal(a.wake)
}

// idle reports whether nothing is under way or to be sent again.
func (a *appender) idle() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.under) == 0 && len(a.again) == 0
}

func (a *appender) takeAgain() *outgoing {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.again) == 0 {
		return nil
	}
	first := a.again[0]
	a.again = a.again[1:]
	return first
}

// refuse gives an item that was not sent its result.
func (a *appender) refuse(item *outgoing, reason error) { a.answer(item, &ItemError{reason}) }

// answer gives an item its result without a word from the server.
func (a *appender) answer(item *outgoing, err error) {
	a.settle(item)
	a.mu.Lock()
	a.failed = append(a.failed, Result{Key: item.Key, Err: err})
	a.mu.Unlock()
	signal(a.posted)
}
