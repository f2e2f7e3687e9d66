package mem

import (
	"context"
	"slices"
	"sync/atomic"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/internal/names"
)

// session is one session on a mailbox. It refuses to be used twice at once.
type session struct {
	endpoint *endpoint
	mailbox  *Mailbox
	busy     atomic.Bool
	closed   atomic.Bool
}

// begin marks the session as in use until the function returned is called.
func (s *session) begin(ctx context.Context, method string) (end func(), err error) {
	s.endpoint.organisation.use.call(method)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.closed.Load() {
		return nil, s.gone(method)
	}
	if !s.busy.CompareAndSwap(false, true) {
		return nil, failure(providers.Other, "mem-misuse", method, string(s.mailbox.address), "the session is in use")
	}
	return func() { s.busy.Store(false) }, nil
}

// alive is asked between the steps of a stream.
func (s *session) alive(ctx context.Context, method string) error {
	if s.closed.Load() {
		return s.gone(method)
	}
	return ctx.Err()
}

func (s *session) gone(method string) error {
	return failure(providers.Transient, "mem-closed", method, string(s.mailbox.address), "the session is closed")
}

func (s *session) Close() error {
	if s.closed.CompareAndSwap(false, true) {
		s.endpoint.drop(s)
	}
	return nil
}

func (s *session) Info(ctx context.Context) (providers.MailboxInfo, error) {
	end, err := s.begin(ctx, "Mailbox.Info")
	if err != nil {
		return providers.MailboxInfo{}, err
	}
	defer end()
	c := s.endpoint.organisation.settings()
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	return providers.MailboxInfo{
		Naming: c.Naming, MaxItemSize: c.MaxItemSize, Keywords: slices.Clone(c.Keywords),
		Quota: c.Quota, Used: s.mailbox.used, QuotaItems: c.QuotaItems, UsedItems: s.mailbox.count,
	}, nil
}

func (s *session) Folders(ctx context.Context) ([]inventory.Folder, error) {
	end, err := s.begin(ctx, "Folders")
	if err != nil {
		return nil, err
	}
	defer end()
	c := s.endpoint.organisation.settings()
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	var all []inventory.Folder
	for _, f := range s.mailbox.folders {
		if s.endpoint.info.Has(f.holds) {
			all = append(all, f.describe(c))
		}
	}
	slices.SortStableFunc(all, func(a, b inventory.Folder) int { return len(a.Path) - len(b.Path) })
	return all, nil
}

func (s *session) CreateFolder(ctx context.Context, f inventory.Folder) (inventory.Folder, error) {
	end, err := s.begin(ctx, "CreateFolder")
	if err != nil {
		return inventory.Folder{}, err
	}
	defer end()
	c := s.endpoint.organisation.settings()
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	if f.Holds != "" && !s.endpoint.info.Has(f.Holds) {
		return inventory.Folder{}, unsupported("create folder")
	}
	if existing := s.mailbox.byPath[f.Path.String()]; existing != nil {
		return existing.describe(c), nil
	}
	if err := s.checkName(f.Path, c.Naming); err != nil {
		return inventory.Folder{}, err
	}
	return s.mailbox.make(f).describe(c), nil
}

func (s *session) RenameFolder(ctx context.Context, id inventory.FolderID, to inventory.Path) (inventory.Folder, error) {
	end, err := s.begin(ctx, "RenameFolder")
	if err != nil {
		return inventory.Folder{}, err
	}
	defer end()
	c := s.endpoint.organisation.settings()
	s.mailbox.mu.Lock()
	defer s.mailbox.mu.Unlock()
	f, err := s.folder("rename folder", id)
	if err != nil {
		return inventory.Folder{}, err
	}
	if err := s.checkName(to, c.Naming); err != nil {
		return inventory.Folder{}, err
	}
	if s.mailbox.byPath[to.String()] != nil || below(to, f.path) || f.role == inventory.RoleInbox {
		return inventory.Folder{}, failure(providers.Rejected, "mem-folder-name", "rename folder", string(id), "cannot become "+to.String())
	}
	s.mailbox.rename(f, to)
	return f.describe(c), nil
}

// folder finds a folder under the mailbox's lock.
func (s *session) folder(op string, id inventory.FolderID) (*folder, error) {
	f := s.mailbox.byPath[string(id)]
	if f == nil || !s.endpoint.info.Has(f.holds) {
		return nil, failure(providers.Gone, "mem-no-folder", op, string(id), "there is no such folder")
	}
	return f, nil
}

func (s *session) checkName(path inventory.Path, naming inventory.Naming) error {
	why := names.Refusal(path, naming)
	for _, f := range s.mailbox.folders {
		if naming.FoldsCase && folded(f.path, path) {
			why = "a folder differs only in case"
		}
	}
	if why != "" {
		return failure(providers.Rejected, "mem-folder-name", "create folder", path.String(), why)
	}
	return nil
}
