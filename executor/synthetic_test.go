package executor_test

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// synthetic is an endpoint with one mailbox of one folder whose items are made
// as they are asked for, or are swallowed as they come: it takes no memory.
type synthetic struct {
	providers.Endpoint
	items int
	size  func(i int) int64
	taken atomic.Int64
}

func (s *synthetic) Info(context.Context) (providers.Info, error) {
	return providers.Info{Identity: "synthetic:", Abilities: []inventory.Ability{inventory.Mail}, Limits: providers.Limits{Connections: 4}}, nil
}

func (s *synthetic) OpenMailbox(context.Context, inventory.Address) (providers.Mailbox, error) {
	return &syntheticBox{endpoint: s}, nil
}

type syntheticBox struct {
	providers.Mailbox
	endpoint *synthetic
}

func (b *syntheticBox) Close() error { return nil }

func (b *syntheticBox) Info(context.Context) (providers.MailboxInfo, error) {
	return providers.MailboxInfo{}, nil
}

func (b *syntheticBox) Folders(context.Context) ([]inventory.Folder, error) {
	return []inventory.Folder{{ID: "INBOX", Path: inventory.Path{"INBOX"}, Role: inventory.RoleInbox, Holds: inventory.Mail, Items: int64(b.endpoint.items)}}, nil
}

func (b *syntheticBox) item(i int) inventory.Item {
	return inventory.Item{ID: inventory.ItemID(strconv.Itoa(i)), Class: inventory.ClassMessage, Size: b.endpoint.size(i), Received: time.Unix(int64(i), 0)}
}

func (b *syntheticBox) Changes(_ context.Context, _ inventory.FolderID, after inventory.Cursor, limit int) iter.Seq2[providers.Change, error] {
	return func(yield func(providers.Change, error) bool) {
		from, _ := strconv.Atoi(string(after))
		to := min(from+limit, b.endpoint.items)
		for i := from + 1; i <= to; i++ {
			if !yield(providers.Change{Op: providers.Listed, Item: b.item(i)}, nil) {
				return
			}
		}
		yield(providers.Change{Op: providers.End, Cursor: inventory.Cursor(strconv.Itoa(to)), More: to < b.endpoint.items, Full: true}, nil)
	}
}

func (b *syntheticBox) Fetch(_ context.Context, _ inventory.FolderID, ids []inventory.ItemID, format inventory.Format) iter.Seq2[providers.Fetched, error] {
	return func(yield func(providers.Fetched, error) bool) {
		for _, id := range ids {
			i, _ := strconv.Atoi(string(id))
			item := b.item(i)
			body := io.LimitReader(&pattern{byte(i)}, item.Size)
			if !yield(providers.Fetched{Item: item, Format: format, Body: body}, nil) {
				return
			}
		}
	}
}

// Put holds as much back as the contract lets it, and answers all at once.
func (b *syntheticBox) Put(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	return func(yield func(providers.Stored, error) bool) {
		var held []providers.Outgoing
		var bytes int64
		flush := func() bool {
			for _, out := range held {
				if err := b.swallow(out); err != nil {
					yield(providers.Stored{}, err)
					return false
				}
				n := b.endpoint.taken.Add(1)
				if !yield(providers.Stored{Key: out.Key, ID: inventory.ItemID(strconv.FormatInt(n, 10))}, nil) {
					return false
				}
			}
			held, bytes = held[:0], 0
			return true
		}
		for out := range items {
			held, bytes = append(held, out), bytes+out.Size
			if (bytes > providers.PutWindow || len(held) >= providers.PutWindowItems) && !flush() {
				return
			}
		}
		flush()
	}
}

func (b *syntheticBox) swallow(out providers.Outgoing) error {
	body, err := out.Open()
	if err != nil {
		return err
	}
	defer body.Close()
	if n, err := io.Copy(io.Discard, body); err != nil || n != out.Size {
		return errors.Join(err, errors.New("the content has another size"))
	}
	return nil
}
