package main

import (
	"context"
	"errors"
	"io/fs"
	"iter"
	"os"
	"path/filepath"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// endpoint is one export. It is used by several goroutines at once, and so
// holds nothing that changes but its life.
type endpoint struct {
	path string
	seen bool
	life context.Context // ends with Close
	end  context.CancelFunc
}

func (e *endpoint) Close() error {
	e.end()
	return nil
}

func (e *endpoint) Info(context.Context) (providers.Info, error) {
	if _, err := os.Stat(e.path); err != nil {
		return providers.Info{}, verdict("open the export", e.path, err)
	}
	return providers.Info{
		Identity:  "maildrop:" + e.path,
		Product:   "folder of .eml files",
		Abilities: []inventory.Ability{inventory.Mail},
		Limits:    providers.Limits{Connections: 4},
		Formats: map[inventory.Class][]providers.FormatSupport{
			inventory.ClassMessage: {{Format: inventory.FormatRFC5322}},
		},
		Notes: []providers.Loss{{Code: "maildrop-flags", Detail: "An export holds no flags: which messages were read, answered or marked is not known"}},
	}, nil
}

// mailboxes returns the folders of the export by the address they are for.
func (e *endpoint) mailboxes() (map[inventory.Address][]string, error) {
	entries, err := os.ReadDir(e.path)
	if err != nil {
		return nil, verdict("list the export", e.path, err)
	}
	found := map[inventory.Address][]string{}
	for _, entry := range entries {
		if address, ok := inventory.ParseAddress(entry.Name()); ok && entry.IsDir() {
			found[address] = append(found[address], entry.Name())
		}
	}
	return found, nil
}

func (e *endpoint) Recipients(ctx context.Context) iter.Seq2[inventory.Recipient, error] {
	return func(yield func(inventory.Recipient, error) bool) {
		found, err := e.mailboxes()
		if err != nil {
			yield(inventory.Recipient{}, err)
			return
		}
		for address := range found {
			if !yield(inventory.Recipient{Kind: inventory.KindMailbox, Address: address, Type: inventory.TypeUser}, ctx.Err()) {
				return
			}
		}
	}
}

func (e *endpoint) OpenMailbox(ctx context.Context, address inventory.Address) (providers.Mailbox, error) {
	if err := alive(ctx, e.life); err != nil {
		return nil, err
	}
	found, err := e.mailboxes()
	if err != nil {
		return nil, err
	}
	switch names := found[address]; len(names) {
	case 0:
		return nil, verdict("open the mailbox", string(address), fs.ErrNotExist)
	case 1:
		root, err := os.OpenRoot(filepath.Join(e.path, names[0]))
		if err != nil {
			return nil, verdict("open the mailbox", string(address), err)
		}
		return &mailbox{endpoint: e, root: root}, nil
	default:
		return nil, &providers.Error{Kind: providers.Other, Code: codeAmbiguous, Op: "open the mailbox", Subject: string(address)}
	}
}

func (e *endpoint) CreateRecipient(context.Context, inventory.Recipient, string) (providers.Created, error) {
	return providers.Created{}, sourceOnly("create a recipient")
}

func (e *endpoint) UpdateRecipient(context.Context, inventory.Recipient) (providers.Created, error) {
	return providers.Created{}, sourceOnly("change a recipient")
}

// alive is the error of a call whose context, or endpoint, has ended.
func alive(ctx, life context.Context) error {
	if life.Err() != nil {
		return &providers.Error{Kind: providers.Transient, Code: codeClosed, Op: "use the export"}
	}
	return ctx.Err()
}

// verdict says what the caller can do about an error of the file system.
func verdict(op, subject string, err error) error {
	e := &providers.Error{Kind: providers.Transient, Code: codeRead, Op: op, Subject: subject, Err: err}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		e.Kind, e.Code = providers.Gone, codeGone
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Code = providers.Denied, codeDenied
	}
	return e
}

func sourceOnly(op string) error {
	return &providers.Error{Kind: providers.Unsupported, Code: codeSourceOnly, Op: op}
}
