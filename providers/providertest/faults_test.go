package providertest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"testing"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
	"github.com/cutover-mail/cutover/providers/providertest"
)

const anna = inventory.Address("anna@contoso.test")

var errCable = &providers.Error{Kind: providers.Transient, Code: "test-cable", Op: "read", Err: errors.New("connection reset")}

func faulty(t *testing.T) (*mem.Mailbox, *providertest.Faults, providers.Mailbox) {
	t.Helper()
	org := mem.New()
	box := org.AddMailbox(anna)
	faults := providertest.NewFaults(org.Endpoint())
	t.Cleanup(func() { faults.Close() })
	session, err := faults.OpenMailbox(context.Background(), anna)
	if err != nil {
		t.Fatal(err)
	}
	return box, faults, session
}

func letters(n int) iter.Seq[providers.Outgoing] {
	return func(yield func(providers.Outgoing) bool) {
		for i := range n {
			body := fmt.Appendf(nil, "Subject: letter %d\r\n\r\n", i)
			out := providers.Outgoing{Key: uint64(i), Folder: "INBOX", Class: inventory.ClassMessage, Format: inventory.FormatRFC5322,
				Size: int64(len(body)), Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }}
			if !yield(out) {
				return
			}
		}
	}
}

func put(s providers.Mailbox, n int) (results, rejected int, err error) {
	for stored, err := range s.Put(context.Background(), letters(n)) {
		if err != nil {
			return results, rejected, err
		}
		results++
		if stored.Err != nil {
			rejected++
		}
	}
	return results, rejected, nil
}

func TestFaultStrikesTheCallItIsFor(t *testing.T) {
	_, faults, s := faulty(t)
	fault := faults.On("Folders", 2).Then(errCable)
	if _, err := s.Folders(context.Background()); err != nil {
		t.Fatalf("the first call failed: %v", err)
	}
	if _, err := s.Folders(context.Background()); !errors.Is(err, errCable) || fault.Fired() != 1 {
		t.Fatalf("the second call: %v, fired %d", err, fault.Fired())
	}
	if _, err := s.Info(context.Background()); !errors.Is(err, errCable) {
		t.Fatalf("a broken session still works: %v", err)
	}
	again, err := faults.OpenMailbox(context.Background(), anna)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := again.Folders(context.Background()); err != nil {
		t.Fatalf("a new session is broken too: %v", err)
	}
}

func TestLostAnswersAreDone(t *testing.T) {
	box, faults, s := faulty(t)
	faults.On("Put", 1).After().Then(errCable)
	if n, _, err := put(s, 5); n != 0 || !errors.Is(err, errCable) || len(box.IDs("INBOX")) != 5 {
		t.Fatalf("%d results, %v, %d stored", n, err, len(box.IDs("INBOX")))
	}
}

func TestStreamFailsInItsMiddle(t *testing.T) {
	box, faults, s := faulty(t)
	faults.On("Put", 1).AfterItems(3).Lost(2).Then(errCable)
	n, _, err := put(s, 10)
	if stored := len(box.IDs("INBOX")); n != 3 || !errors.Is(err, errCable) || stored < 5 || stored > 6 {
		t.Fatalf("%d results, %v, %d stored", n, err, stored)
	}
}

func TestBodyFailsInItsMiddle(t *testing.T) {
	box, faults, s := faulty(t)
	faults.On("Put", 1).AfterBytes(70).Then(errCable)
	if n, _, err := put(s, 10); n != 3 || !errors.Is(err, errCable) || len(box.IDs("INBOX")) != 3 {
		t.Fatalf("%d results, %v, %d stored", n, err, len(box.IDs("INBOX")))
	}
	s, _ = faults.OpenMailbox(context.Background(), anna)
	faults.On("Fetch", 1).AfterBytes(30).Then(errCable)
	whole := 0
	var last error
	for fetched, err := range s.Fetch(context.Background(), "INBOX", box.IDs("INBOX"), inventory.FormatRFC5322) {
		if last = err; err != nil {
			break
		}
		if _, err := io.ReadAll(fetched.Body); err == nil {
			whole++
		} else if !errors.Is(err, errCable) {
			t.Fatal(err)
		}
	}
	if whole != 1 || !errors.Is(last, errCable) {
		t.Fatalf("%d whole bodies, %v", whole, last)
	}
}

func TestOneItemIsRejectedAloneAndHooksAreCalled(t *testing.T) {
	box, faults, s := faulty(t)
	faults.On("Put", 0).Item(4).Then(&providers.Error{Kind: providers.Rejected, Code: "test-virus"})
	n, rejected, err := put(s, 10)
	if n != 10 || rejected != 1 || err != nil || len(box.IDs("INBOX")) != 9 {
		t.Fatalf("%d results, %d rejected, %v", n, rejected, err)
	}
	called := 0
	faults.On("Find", 1).Hook(func(context.Context) { called++ })
	if _, err := s.Find(context.Background(), "INBOX", "", nil); err != nil || called != 1 {
		t.Fatalf("%v, called %d", err, called)
	}
}

func TestRandomFaultsRepeatWithTheirSeed(t *testing.T) {
	run := func(seed uint64) string {
		_, faults, s := faulty(t)
		faults.Random(seed, 0.3, &providers.Error{Kind: providers.Throttled, Code: "test-slow"})
		var story string
		for range 30 {
			n, _, err := put(s, 5)
			story += fmt.Sprint(n, err != nil, ";")
		}
		return story
	}
	first, again, other := run(7), run(7), run(8)
	if first != again || first == other {
		t.Fatal("the seed does not decide")
	}
}
