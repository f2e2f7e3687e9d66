package providertest

import (
	"context"
	"iter"
	"math/rand/v2"
	"sync"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// Faults is an endpoint that fails as a test has scripted, and otherwise does
// what the endpoint in it does. Its methods may be called concurrently. Calls
// are named by their method; Info of a mailbox is "MailboxInfo".
//
// An error of kind Transient breaks the session it comes from: every later
// call on it fails in the same way, until another is opened.
type Faults struct {
	inner providers.Endpoint

	mu     sync.Mutex
	script []*Fault
	calls  map[string]int
	random *lottery
}

// NewFaults wraps an endpoint. Without a script nothing fails.
func NewFaults(inner providers.Endpoint) *Faults {
	return &Faults{inner: inner, calls: map[string]int{}}
}

// Fault is one scripted fault. What it does is said by its methods, before the
// call that it strikes; each returns the fault.
type Fault struct {
	method   string
	nth      int
	address  inventory.Address
	position position
	at       int64
	lost     int
	err      error
	hook     func(context.Context)

	seen, fired int
	owner       *Faults
}

type position uint8

const (
	before position = iota
	after
	afterItems
	afterBytes
	onItem
)

// On scripts a fault for the nth call of a method, counted from 1 among the
// calls that the fault is for; 0 is every call. It fails before anything is
// done unless the methods of Fault say otherwise.
func (f *Faults) On(method string, nth int) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	fault := &Fault{method: method, nth: nth, owner: f}
	f.script = append(f.script, fault)
	return fault
}

// For narrows the fault to one mailbox (for CreateRecipient and
// UpdateRecipient, one recipient).
func (x *Fault) For(address inventory.Address) *Fault { x.address = address; return x }

// After does all of the call and then fails: the answer is lost. A stream is
// drained, and none of it told.
func (x *Fault) After() *Fault { x.position = after; return x }

// AfterItems fails when n elements of a stream have been told: in Put n
// results, in Changes n changes.
func (x *Fault) AfterItems(n int) *Fault { x.position, x.at = afterItems, int64(n); return x }

// Lost lets the endpoint go on for n more elements before a fault of
// AfterItems, without telling: in Put they are stored and have no result.
func (x *Fault) Lost(n int) *Fault { x.lost = n; return x }

// AfterBytes fails when n bytes of content have passed in a Fetch or Put, in
// the middle of a body if that is where it is.
func (x *Fault) AfterBytes(n int64) *Fault { x.position, x.at = afterBytes, n; return x }

// Item gives the error to the nth element (from 1) of a Fetch, Put or Edit
// alone, which is not carried out; the others go on.
func (x *Fault) Item(n int) *Fault { x.position, x.at = onItem, int64(n); return x }

// Then is the error. Without one, only the hook is called.
func (x *Fault) Then(err error) *Fault { x.err = err; return x }

// Hook is called where the fault strikes, before the error if there is one;
// it may block, and should end when its context does.
func (x *Fault) Hook(call func(ctx context.Context)) *Fault { x.hook = call; return x }

// Fired returns how often the fault has struck.
func (x *Fault) Fired() int {
	x.owner.mu.Lock()
	defer x.owner.mu.Unlock()
	return x.fired
}

// lottery draws faults at random.
type lottery struct {
	source *rand.Rand
	rate   float64
	errs   []error
}

// Random makes every call but Close fail with probability rate, with one of
// errs: before, after, or in mid-stream. Equal seeds and equal calls in equal
// order fail equally. Scripted faults go first.
func (f *Faults) Random(seed uint64, rate float64, errs ...error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.random = &lottery{rand.New(rand.NewPCG(seed, seed)), rate, errs}
}

// Clear removes every fault.
func (f *Faults) Clear() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.script, f.random = nil, nil
}

// Calls returns how often a method has been called.
func (f *Faults) Calls(method string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[method]
}

// strike returns the fault for this call, or one that does nothing. Its copy
// belongs to the call.
func (f *Faults) strike(method string, address inventory.Address) *Fault {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[method]++
	var hit *Fault
	for _, x := range f.script {
		if x.method != method || (x.address != "" && x.address != address) {
			continue
		}
		x.seen++
		if hit == nil && (x.nth == 0 || x.nth == x.seen) {
			hit = x
		}
	}
	if hit != nil {
		hit.fired++
		call := *hit
		return &call
	}
	if x := f.random.draw(); x != nil {
		return x
	}
	return &Fault{}
}

func (l *lottery) draw() *Fault {
	if l == nil || len(l.errs) == 0 || l.source.Float64() >= l.rate {
		return nil
	}
	x := &Fault{err: l.errs[l.source.IntN(len(l.errs))]}
	switch l.source.IntN(4) {
	case 0:
		x.position = before
	case 1:
		x.position = after
	default:
		x.position, x.at, x.lost = afterItems, int64(l.source.IntN(20)), l.source.IntN(5)
	}
	return x
}

// hits is asked at each position; it calls the hook and returns the error.
func (x *Fault) hits(ctx context.Context, p position) error {
	if x.position != p {
		return nil
	}
	if x.hook != nil {
		x.hook(ctx)
	}
	return x.err
}

// once makes one call that is not a stream. A fault in mid-stream strikes it
// before.
func once[T any](ctx context.Context, x *Fault, call func() (T, error)) (T, error) {
	var none T
	if x.position > after {
		x.position = before
	}
	if err := x.hits(ctx, before); err != nil {
		return none, err
	}
	answer, err := call()
	if err != nil {
		return answer, err
	}
	if err := x.hits(ctx, after); err != nil {
		return none, err
	}
	return answer, nil
}

// many makes one call that is a stream of elements.
func many[T any](ctx context.Context, x *Fault, inner iter.Seq2[T, error], yield func(T, error) bool) error {
	var none T
	fail := func(err error) error { yield(none, err); return err }
	if err := x.hits(ctx, before); err != nil {
		return fail(err)
	}
	var told, lost int
	for element, err := range inner {
		if err != nil {
			return fail(err)
		}
		switch {
		case x.position == after:
		case x.position == afterItems && int64(told) >= x.at && x.err != nil:
			if lost++; lost > x.lost {
				return fail(x.hits(ctx, afterItems))
			}
		default:
			if x.position == afterItems && int64(told) == x.at && x.hook != nil {
				x.hook(ctx)
			}
			told++
			if !yield(element, nil) {
				return nil
			}
		}
	}
	if err := x.hits(ctx, after); err != nil {
		return fail(err)
	}
	if lost > 0 {
		return fail(x.hits(ctx, afterItems))
	}
	return nil
}
