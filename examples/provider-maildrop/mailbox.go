package main

import (
	"context"
	"encoding/hex"
	"hash/fnv"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// mailbox is a session. Everything is read through its root, which lets no
// name and no link lead out of the folder of the mailbox.
type mailbox struct {
	readOnly
	endpoint *endpoint
	root     *os.Root
}

func (m *mailbox) Close() error { return m.root.Close() }

func (m *mailbox) Info(context.Context) (providers.MailboxInfo, error) {
	return providers.MailboxInfo{}, nil
}

// The ID of a folder is its path, that of an item its file name, with whatever
// is not plain text escaped: IDs are UTF-8, and names of files need not be.
func escape(name string) string { return url.PathEscape(name) }

func unescape(id string) (name string, ok bool) {
	name, err := url.PathUnescape(id)
	return name, err == nil && name != "" && !strings.ContainsAny(name, "/\x00")
}

// folderPath returns where the folder of an ID is.
func folderPath(id inventory.FolderID) (string, error) {
	var names []string
	for part := range strings.SplitSeq(string(id), "/") {
		name, ok := unescape(part)
		if !ok {
			return "", verdict("open the folder", string(id), fs.ErrNotExist)
		}
		names = append(names, name)
	}
	return path.Join(names...), nil
}

// file is one message as the listing tells it.
type file struct {
	name string
	info fs.FileInfo
}

func (m *mailbox) files(ctx context.Context, folder inventory.FolderID) ([]file, error) {
	if err := alive(ctx, m.endpoint.life); err != nil {
		return nil, err
	}
	at, err := folderPath(folder)
	if err != nil {
		return nil, err
	}
	entries, err := m.list(at)
	if err != nil {
		return nil, err
	}
	var all []file
	for _, entry := range entries { // sorted by name
		if info, err := entry.Info(); err == nil && message(info) {
			all = append(all, file{entry.Name(), info})
		}
	}
	return all, nil
}

// list returns what is in a folder, sorted by name.
func (m *mailbox) list(at string) ([]fs.DirEntry, error) {
	folder, err := m.root.Open(at)
	if err != nil {
		return nil, verdict("open the folder", at, err)
	}
	defer folder.Close()
	entries, err := folder.ReadDir(-1)
	if err != nil {
		return nil, verdict("list the folder", at, err)
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	return entries, nil
}

func message(info fs.FileInfo) bool {
	return info.Mode().IsRegular() && strings.EqualFold(path.Ext(info.Name()), ".eml")
}

// version changes with the content, as far as a file system tells.
func (f file) version() string {
	return strconv.FormatInt(f.info.Size(), 10) + "-" + strconv.FormatInt(f.info.ModTime().UnixNano(), 36)
}

// mark is a short form of name and version.
func (f file) mark() uint64 {
	h := fnv.New64a()
	io.WriteString(h, f.name+"\x00"+f.version())
	return h.Sum64()
}

func (m *mailbox) item(f file) inventory.Item {
	item := inventory.Item{
		ID: inventory.ItemID(escape(f.name)), Version: f.version(), Class: inventory.ClassMessage,
		Size: f.info.Size(), Received: f.info.ModTime().UTC(),
	}
	if m.endpoint.seen {
		item.Flags = inventory.MakeFlags(inventory.Seen)
	}
	return item
}

func (m *mailbox) Folders(ctx context.Context) ([]inventory.Folder, error) {
	return m.below(ctx, ".")
}

// below returns the folders in a folder, parents before children.
func (m *mailbox) below(ctx context.Context, at string) (folders []inventory.Folder, err error) {
	entries, err := m.list(at)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		f, err := m.folder(ctx, path.Join(at, entry.Name()))
		if err != nil {
			return nil, err
		}
		children, err := m.below(ctx, path.Join(at, entry.Name()))
		if err != nil {
			return nil, err
		}
		folders = append(append(folders, f), children...)
	}
	return folders, nil
}

// folder describes the folder at a path: its counts, and a state that is equal
// only while no file has come, gone or changed.
func (m *mailbox) folder(ctx context.Context, at string) (inventory.Folder, error) {
	f := inventory.Folder{Holds: inventory.Mail, Subscribed: true}
	var id []string
	for name := range strings.SplitSeq(at, "/") {
		f.Path = append(f.Path, strings.ToValidUTF8(name, "\uFFFD"))
		id = append(id, escape(name))
	}
	f.ID = inventory.FolderID(strings.Join(id, "/"))
	if at == "INBOX" {
		f.Role = inventory.RoleInbox
	}
	files, err := m.files(ctx, f.ID)
	state := fnv.New128a()
	for _, each := range files {
		f.Items++
		f.Bytes += each.info.Size()
		io.WriteString(state, each.name+"\x00"+each.version()+"\x00")
	}
	f.State = strconv.FormatInt(f.Items, 10) + "-" + hex.EncodeToString(state.Sum(nil))
	return f, err
}

func (m *mailbox) Larger(ctx context.Context, folder inventory.FolderID, size int64) (items []inventory.Item, err error) {
	files, err := m.files(ctx, folder)
	for _, f := range files {
		if f.info.Size() > size {
			items = append(items, m.item(f))
		}
	}
	return items, err
}

// Fetch hands out one open file at a time. What is wrong with one file is a
// verdict on that item; the others follow.
func (m *mailbox) Fetch(ctx context.Context, folder inventory.FolderID, ids []inventory.ItemID, format inventory.Format) iter.Seq2[providers.Fetched, error] {
	return func(yield func(providers.Fetched, error) bool) {
		if _, err := m.files(ctx, folder); err != nil {
			yield(providers.Fetched{}, err)
			return
		}
		for _, id := range ids {
			if err := alive(ctx, m.endpoint.life); err != nil {
				yield(providers.Fetched{}, err)
				return
			}
			if !m.fetch(folder, id, format, yield) {
				return
			}
		}
	}
}

func (m *mailbox) fetch(folder inventory.FolderID, id inventory.ItemID, format inventory.Format, yield func(providers.Fetched, error) bool) bool {
	failed := providers.Fetched{Item: inventory.Item{ID: id}}
	if format != inventory.FormatRFC5322 {
		failed.Err = &providers.Error{Kind: providers.Rejected, Code: codeFormat, Op: "fetch", Subject: string(format)}
		return yield(failed, nil)
	}
	content, info, err := m.open(folder, id)
	if err != nil {
		failed.Err = err
		return yield(failed, nil)
	}
	defer content.Close()
	item := m.item(file{info.Name(), info})
	return yield(providers.Fetched{Item: item, Format: format, Body: io.LimitReader(content, item.Size)}, nil)
}

// open opens the file of an item. A file that may not be read is Rejected, so
// that it does not keep the rest of the mailbox from being moved.
func (m *mailbox) open(folder inventory.FolderID, id inventory.ItemID) (*os.File, fs.FileInfo, error) {
	at, err := folderPath(folder)
	if err != nil {
		return nil, nil, err
	}
	name, ok := unescape(string(id))
	if !ok {
		return nil, nil, verdict("fetch", string(id), fs.ErrNotExist)
	}
	f, err := m.root.Open(path.Join(at, name))
	if err != nil {
		err = verdict("fetch", string(id), err)
		if providers.KindOf(err) == providers.Denied {
			err = &providers.Error{Kind: providers.Rejected, Code: codeDenied, Op: "fetch", Subject: string(id), Err: err}
		}
		return nil, nil, err
	}
	info, err := f.Stat()
	if err == nil && !message(info) {
		err = fs.ErrNotExist
	}
	if err != nil {
		f.Close()
		return nil, nil, verdict("fetch", string(id), err)
	}
	return f, info, nil
}
