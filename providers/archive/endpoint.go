package archive

import (
	"context"
	"iter"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// endpoint is one archive on one side.
type endpoint struct {
	root     string
	role     providers.Role
	settings settings
	durable  bool
	// convert gives foreign mail with bare LF as CRLF.
	convert   bool
	limit     int
	directory directory

	mu    sync.Mutex
	boxes map[inventory.Address]*box // with a session open
	ended atomic.Bool
}

func newEndpoint(root string, role providers.Role, s settings) *endpoint {
	e := &endpoint{root: root, role: role, settings: s, durable: s.Fsync == nil || *s.Fsync, limit: 4,
		convert: role == providers.Source && s.LineEnds == "crlf", boxes: map[inventory.Address]*box{}}
	if s.MaxConnections != nil {
		e.limit = int(*s.MaxConnections)
	}
	e.directory.endpoint = e
	return e
}

// writes reports whether the archive may be written to.
func (e *endpoint) writes() bool { return e.role == providers.Target }

func (e *endpoint) Info(ctx context.Context) (providers.Info, error) {
	only := func(f inventory.Format) []providers.FormatSupport { return []providers.FormatSupport{{Format: f}} }
	return providers.Info{
		Identity: "archive:" + e.root, Product: "archive folder", Abilities: abilities(),
		Limits: providers.Limits{Connections: e.limit},
		Formats: map[inventory.Class][]providers.FormatSupport{
			inventory.ClassMessage: only(inventory.FormatRFC5322),
			inventory.ClassEvent:   only(inventory.FormatICalendar),
			inventory.ClassTask:    only(inventory.FormatICalendar),
			inventory.ClassNote:    only(inventory.FormatICalendar),
			inventory.ClassContact: only(inventory.FormatVCard),
		},
	}, ctx.Err()
}

func (e *endpoint) Recipients(ctx context.Context) iter.Seq2[inventory.Recipient, error] {
	return func(yield func(inventory.Recipient, error) bool) {
		all, err := e.directory.list()
		if err != nil {
			yield(inventory.Recipient{}, err)
			return
		}
		for _, r := range all {
			if err := ctx.Err(); err != nil {
				yield(inventory.Recipient{}, err)
				return
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (e *endpoint) CreateRecipient(ctx context.Context, r inventory.Recipient, _ string) (providers.Created, error) {
	if err := e.ready(ctx, "create recipient"); err != nil {
		return providers.Created{}, err
	}
	return e.directory.create(r)
}

func (e *endpoint) UpdateRecipient(ctx context.Context, r inventory.Recipient) (providers.Created, error) {
	if err := e.ready(ctx, "update recipient"); err != nil {
		return providers.Created{}, err
	}
	return e.directory.update(r)
}

func (e *endpoint) ready(ctx context.Context, op string) error {
	if !e.writes() {
		return failure(providers.Unsupported, "archive-read-only", op, "", "a source is never written to")
	}
	return ctx.Err()
}

func (e *endpoint) OpenMailbox(ctx context.Context, address inventory.Address) (providers.Mailbox, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if e.ended.Load() {
		return nil, failure(providers.Transient, "archive-closed", "open mailbox", string(address), "the endpoint is closed")
	}
	dir, err := e.mailboxDir(address)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	b := e.boxes[address]
	if b == nil {
		b = &box{endpoint: e, address: address, dir: dir, folders: map[inventory.FolderID]*folder{}}
		e.boxes[address] = b
	}
	b.sessions++
	return &session{endpoint: e, box: b}, nil
}

// mailboxDir finds the folder of a mailbox. A target takes only those that an
// archive has made.
func (e *endpoint) mailboxDir(address inventory.Address) (string, error) {
	names := []string{mailboxName(address), string(address)}
	if e.settings.Domain != "" && address.Domain() == e.settings.Domain {
		names = append(names, string(address)[:len(address)-len(e.settings.Domain)-1])
	}
	for _, name := range names {
		if name != filepath.Base(name) {
			continue
		}
		dir := filepath.Join(e.root, name)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			if dir += ".mbox"; e.writes() || !exists(dir) {
				continue
			}
		}
		if e.writes() && !exists(filepath.Join(dir, manifestFile)) {
			return "", failure(providers.Denied, "archive-read-only", "open mailbox", string(address), "its folder was not made by an archive target")
		}
		return dir, nil
	}
	if _, err := os.Stat(e.root); err != nil && !os.IsNotExist(err) {
		return "", disk("open archive", e.root, err)
	}
	return "", failure(providers.Gone, "archive-no-mailbox", "open mailbox", string(address), "the archive has no such mailbox")
}

// leave forgets what is known of a mailbox when its last session ends.
func (e *endpoint) leave(b *box) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if b.sessions--; b.sessions == 0 {
		delete(e.boxes, b.address)
	}
}

// Close ends all sessions: each call on one fails from then on.
func (e *endpoint) Close() error {
	e.ended.Store(true)
	return nil
}
