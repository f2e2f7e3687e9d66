package executor_test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"iter"
	"os"
	"sync"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/mem"
)

// diskTarget is an organisation whose changes are appended to a file before
// they are answered, so that it outlives the process however that ends.
type diskTarget struct {
	providers.Endpoint
	mu   sync.Mutex
	file *os.File
}

// deed is one change.
type deed struct {
	Address inventory.Address
	Folder  *inventory.Folder `json:",omitempty"`
	Item    *content          `json:",omitempty"`
	In      inventory.FolderID
	Edit    *providers.Edit `json:",omitempty"`
}

type content struct {
	Class    inventory.Class
	Format   inventory.Format
	Flags    inventory.Flags
	Received time.Time
	Content  []byte
}

// openDisk replays what the file holds into the organisation.
func openDisk(path string, o *mem.Organisation) (*diskTarget, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReader(file)
	var whole int64
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			break
		}
		whole += int64(len(line))
		var d deed
		if err := json.Unmarshal(line, &d); err != nil {
			return nil, err
		}
		if err := d.replay(o); err != nil {
			return nil, err
		}
	}
	if err := file.Truncate(whole); err != nil { // a line cut short was never answered
		return nil, err
	}
	return &diskTarget{Endpoint: o.Endpoint(), file: file}, nil
}

func (d *deed) replay(o *mem.Organisation) error {
	box := o.AddMailbox(d.Address)
	if d.Item != nil {
		c := d.Item
		box.Deliver(string(d.In), mem.Item{Class: c.Class, Format: c.Format, Flags: c.Flags, Received: c.Received, Content: c.Content})
		return nil
	}
	session, err := o.Endpoint().OpenMailbox(context.Background(), d.Address)
	if err != nil {
		return err
	}
	defer session.Close()
	if d.Folder != nil {
		_, err := session.CreateFolder(context.Background(), *d.Folder)
		return err
	}
	for _, err := range session.Edit(context.Background(), d.In, []providers.Edit{*d.Edit}) {
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *diskTarget) write(d deed) error {
	line, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = t.file.Write(append(line, '\n'))
	return err
}

func (t *diskTarget) OpenMailbox(ctx context.Context, address inventory.Address) (providers.Mailbox, error) {
	inner, err := t.Endpoint.OpenMailbox(ctx, address)
	return &diskMailbox{inner, t, address}, err
}

type diskMailbox struct {
	providers.Mailbox
	target  *diskTarget
	address inventory.Address
}

func (m *diskMailbox) CreateFolder(ctx context.Context, f inventory.Folder) (inventory.Folder, error) {
	m.target.mu.Lock()
	defer m.target.mu.Unlock()
	made, err := m.Mailbox.CreateFolder(ctx, f)
	if err == nil {
		err = m.target.write(deed{Address: m.address, Folder: &f})
	}
	return made, err
}

func (m *diskMailbox) Put(ctx context.Context, items iter.Seq[providers.Outgoing]) iter.Seq2[providers.Stored, error] {
	return func(yield func(providers.Stored, error) bool) {
		for out := range items {
			stored, err := m.putOne(ctx, out)
			if !yield(stored, err) || err != nil {
				return
			}
		}
	}
}

func (m *diskMailbox) putOne(ctx context.Context, out providers.Outgoing) (stored providers.Stored, err error) {
	m.target.mu.Lock()
	defer m.target.mu.Unlock()
	body, err := out.Open()
	if err != nil {
		return stored, err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return stored, err
	}
	one := func(yield func(providers.Outgoing) bool) { yield(out) }
	for stored, err = range m.Mailbox.Put(ctx, one) {
		if err != nil {
			return stored, err
		}
	}
	item := &content{out.Class, out.Format, out.Flags, out.Received, text}
	return stored, m.target.write(deed{Address: m.address, In: out.Folder, Item: item})
}

func (m *diskMailbox) Edit(ctx context.Context, folder inventory.FolderID, edits []providers.Edit) iter.Seq2[providers.Edited, error] {
	return func(yield func(providers.Edited, error) bool) {
		for _, edit := range edits {
			edited, err := m.editOne(ctx, folder, edit)
			if !yield(edited, err) || err != nil {
				return
			}
		}
	}
}

func (m *diskMailbox) editOne(ctx context.Context, folder inventory.FolderID, edit providers.Edit) (edited providers.Edited, err error) {
	m.target.mu.Lock()
	defer m.target.mu.Unlock()
	for edited, err = range m.Mailbox.Edit(ctx, folder, []providers.Edit{edit}) {
		if err != nil {
			return edited, err
		}
	}
	return edited, m.target.write(deed{Address: m.address, In: folder, Edit: &edit})
}
