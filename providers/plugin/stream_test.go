package plugin

import (
	"bytes"
	"context"
	"errors"
	"io"
	"iter"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
)

// patient is a context that ends before a test binary gives up.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestLargeBodyCrossesBothWays(t *testing.T) {
	org := mem.New()
	org.AddMailbox(anna)
	_, m := open(t, across(t, org.Provider()), providers.Target, anna)
	content := bytes.Repeat([]byte("0123456789abcde\n"), 20<<20/16)
	sizes := []int{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, spillOver, spillOver + 1, len(content)}
	var items []providers.Outgoing
	for i, size := range sizes {
		items = append(items, outgoing(uint64(i), content[:size]))
	}
	ids := map[uint64]inventory.ItemID{}
	for stored, err := range m.Put(patient(t), sequence(items...)) {
		if err != nil || stored.Err != nil {
			t.Fatal(err, stored.Err)
		}
		ids[stored.Key] = stored.ID
	}
	for i, size := range sizes {
		for fetched, err := range m.Fetch(patient(t), "INBOX", []inventory.ItemID{ids[uint64(i)]}, inventory.FormatRFC5322) {
			if err != nil || fetched.Err != nil {
				t.Fatal(err, fetched.Err)
			}
			if got, err := io.ReadAll(fetched.Body); err != nil || !bytes.Equal(got, content[:size]) {
				t.Errorf("%d bytes came back as %d, %v", size, len(got), err)
			}
		}
	}
}

// broken fails after some bytes.
type broken struct {
	io.Reader
	err error
}

func (b broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}

func TestContentThatCannotBeReadConcernsItsItemAlone(t *testing.T) {
	org := mem.New()
	box := org.AddMailbox(anna)
	_, m := open(t, across(t, org.Provider()), providers.Target, anna)
	large := bytes.Repeat([]byte("x"), 3*chunkSize)
	failing := func(key uint64, size int, open func() (io.ReadCloser, error)) providers.Outgoing {
		out := outgoing(key, large[:size])
		out.Open = open
		return out
	}
	disk := errors.New("the disk fails")
	items := []providers.Outgoing{
		outgoing(0, []byte("first")),
		failing(1, 10, func() (io.ReadCloser, error) { return nil, disk }),
		failing(2, len(large), func() (io.ReadCloser, error) { return io.NopCloser(broken{reader(large[:chunkSize+5]), disk}), nil }),
		failing(3, 10, func() (io.ReadCloser, error) { return io.NopCloser(reader(large[:9])), nil }),
		failing(4, 10, func() (io.ReadCloser, error) { return io.NopCloser(reader(large[:11])), nil }),
		failing(5, 10, func() (io.ReadCloser, error) {
			return nil, &providers.Error{Kind: providers.Gone, Code: "acme-gone"}
		}),
		outgoing(6, []byte("last")),
	}
	want := []string{"", codeContent, codeContent, codeContent, codeContent, "acme-gone", ""}
	results := 0
	for stored, err := range m.Put(patient(t), sequence(items...)) {
		if err != nil {
			t.Fatalf("the stream ended: %v", err)
		}
		results++
		if got := providers.CodeOf(stored.Err); got != want[stored.Key] {
			t.Errorf("item %d: %v; its code should be %q", stored.Key, stored.Err, want[stored.Key])
		}
	}
	if there := len(box.IDs("INBOX")); results != len(items) || there != 2 {
		t.Errorf("%d results of %d, %d items there of 2", results, len(items), there)
	}
}

// odd is a provider of which one method is another; the rest is mem.
type odd struct {
	providers.Provider
	put   func(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error]
	fetch func(ctx context.Context) iter.Seq2[providers.Fetched, error]
}

func (o odd) Open(ctx context.Context, options providers.Options) (providers.Endpoint, error) {
	e, err := o.Provider.Open(ctx, options)
	return oddEndpoint{e, o}, err
}

type oddEndpoint struct {
	providers.Endpoint
	odd odd
}

func (e oddEndpoint) OpenMailbox(ctx context.Context, a inventory.Address) (providers.Mailbox, error) {
	m, err := e.Endpoint.OpenMailbox(ctx, a)
	return oddMailbox{m, e.odd}, err
}

type oddMailbox struct {
	providers.Mailbox
	odd odd
}

func (m oddMailbox) Put(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	return m.odd.put(ctx, items)
}

func (m oddMailbox) Fetch(ctx context.Context, _ inventory.FolderID, _ []inventory.ItemID, _ inventory.Format) iter.Seq2[providers.Fetched, error] {
	return m.odd.fetch(ctx)
}

func (o odd) mailbox(t *testing.T) providers.Mailbox {
	t.Helper()
	org := mem.New()
	org.AddMailbox(anna)
	o.Provider = org.Provider()
	_, m := open(t, across(t, o), providers.Target, anna)
	return m
}

// A provider that fails while it waits for more items tells so at once: the
// caller may have no more until it knows.
func TestFailureIsToldWhileItemsAreAwaited(t *testing.T) {
	o := odd{put: func(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
		return func(yield func(providers.Stored, error) bool) {
			first, pulled := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(pulled)
				n := 0
				for range items {
					if n++; n == 1 {
						close(first)
					}
				}
			}()
			defer func() { <-pulled }()
			<-first
			yield(providers.Stored{}, &providers.Error{Kind: providers.Transient, Code: "acme-bye"})
		}
	}}
	m := o.mailbox(t)
	ctx, cancel := context.WithCancel(patient(t))
	defer cancel()
	items := func(yield func(providers.Outgoing) bool) {
		yield(outgoing(1, []byte("one")))
		<-ctx.Done() // no more until the first has its result
	}
	var last error
	for _, err := range m.Put(ctx, items) {
		last = err
		cancel()
	}
	if providers.CodeOf(last) != "acme-bye" {
		t.Errorf("Put ended with %v", last)
	}
}

// What a provider is still at work on when its call was abandoned is done when
// the session is closed, so that nothing is written after that.
func TestCloseWaitsForAnAbandonedPut(t *testing.T) {
	abandoned, finish := make(chan struct{}), make(chan struct{})
	written := false
	o := odd{put: func(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
		return func(yield func(providers.Stored, error) bool) {
			for item := range items {
				yield(providers.Stored{Key: item.Key}, nil)
				break
			}
			<-ctx.Done()
			close(abandoned)
			<-finish
			written = true
		}
	}}
	m := o.mailbox(t)
	for _, err := range m.Put(patient(t), sequence(outgoing(1, []byte("one")))) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	<-abandoned
	closed := make(chan struct{})
	go func() { m.Close(); close(closed) }()
	select {
	case <-closed:
		t.Error("the session is closed while its provider still writes")
	case finish <- struct{}{}:
		<-closed
	}
	if !written {
		t.Error("Close did not wait for the write")
	}
}

// Abandoned streams end the work of the provider too.
func TestAbandonedFetchEndsInTheProvider(t *testing.T) {
	ended := make(chan struct{})
	o := odd{fetch: func(context.Context) iter.Seq2[providers.Fetched, error] {
		return func(yield func(providers.Fetched, error) bool) {
			defer close(ended)
			for yield(providers.Fetched{Item: inventory.Item{ID: "1", Size: chunkSize}, Body: bytes.NewReader(make([]byte, chunkSize))}, nil) {
			}
		}
	}}
	m := o.mailbox(t)
	for range m.Fetch(t.Context(), "INBOX", []inventory.ItemID{"1"}, inventory.FormatRFC5322) {
		break
	}
	select {
	case <-ended:
	case <-patient(t).Done():
		t.Error("the provider still fetches")
	}
}

// An ID that cannot cross is the provider's fault, and no better next time.
func TestAnswerThatCannotCrossIsNotTriedAgain(t *testing.T) {
	o := odd{fetch: func(context.Context) iter.Seq2[providers.Fetched, error] {
		return func(yield func(providers.Fetched, error) bool) {
			yield(providers.Fetched{Item: inventory.Item{ID: "\xff"}, Body: bytes.NewReader(nil)}, nil)
		}
	}}
	m := o.mailbox(t)
	var last error
	for _, err := range m.Fetch(patient(t), "INBOX", []inventory.ItemID{"1"}, inventory.FormatRFC5322) {
		last = err
	}
	if providers.KindOf(last) != providers.Other || providers.CodeOf(last) != codeProtocol {
		t.Errorf("%v", last)
	}
}

// A body that fails to be read on the far side fails the stream, with the
// verdict, and is not taken for a short one.
func TestBodyThatFailsOverThere(t *testing.T) {
	verdict := &providers.Error{Kind: providers.Throttled, Code: "acme-slow"}
	o := odd{fetch: func(context.Context) iter.Seq2[providers.Fetched, error] {
		return func(yield func(providers.Fetched, error) bool) {
			yield(providers.Fetched{Item: inventory.Item{ID: "1", Size: 3 * chunkSize}, Body: broken{bytes.NewReader(make([]byte, chunkSize+1)), verdict}}, nil)
		}
	}}
	m := o.mailbox(t)
	var read, last error
	for fetched, err := range m.Fetch(patient(t), "INBOX", []inventory.ItemID{"1"}, inventory.FormatRFC5322) {
		if last = err; err == nil {
			_, read = io.Copy(io.Discard, fetched.Body)
		}
	}
	if providers.CodeOf(read) != "acme-slow" || providers.KindOf(last) != providers.Throttled {
		t.Errorf("the body said %v, the stream %v", read, last)
	}
}
