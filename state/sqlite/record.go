package sqlite

import (
	"context"

	"github.com/cutover-mail/cutover/state"
)

// Record writes all of it or nothing.
func (s *Store) Record(ctx context.Context, r state.Record) error {
	return s.write(ctx, "write to the ledger", func(t *tx) error { return t.record(r) })
}

func (t *tx) record(r state.Record) error {
	steps := [...]func() error{
		func() error { return t.intend(r.Intend) },
		func() error { return t.rekey(r.Rekey) },
		func() error { return t.put(r.Put) },
		func() error { return t.drop(r.Drop) },
		func() error { return t.fail(r.Fail) },
		func() error { return t.lose(r.Lose) },
		func() error { return t.resolve(r.Resolve) },
		func() error { return t.saveFolders(r.Folders) },
		func() error { return t.saveRecipients(r.Recipients) },
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) saveFolders(folders []state.Folder) error {
	for _, f := range folders {
		if err := t.saveFolder(&f); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) saveRecipients(recipients []state.Recipient) error {
	for _, r := range recipients {
		if err := t.saveRecipient(&r); err != nil {
			return err
		}
	}
	return nil
}
