package providertest

import (
	"context"
	"iter"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// Info is the call "Info".
func (f *Faults) Info(ctx context.Context) (providers.Info, error) {
	return once(ctx, f.strike("Info", ""), func() (providers.Info, error) { return f.inner.Info(ctx) })
}

// Recipients is the call "Recipients".
func (f *Faults) Recipients(ctx context.Context) iter.Seq2[inventory.Recipient, error] {
	return func(yield func(inventory.Recipient, error) bool) {
		many(ctx, f.strike("Recipients", ""), f.inner.Recipients(ctx), yield)
	}
}

// CreateRecipient is the call "CreateRecipient".
func (f *Faults) CreateRecipient(ctx context.Context, r inventory.Recipient, password string) (providers.Created, error) {
	return once(ctx, f.strike("CreateRecipient", r.Address), func() (providers.Created, error) {
		return f.inner.CreateRecipient(ctx, r, password)
	})
}

// UpdateRecipient is the call "UpdateRecipient".
func (f *Faults) UpdateRecipient(ctx context.Context, r inventory.Recipient) (providers.Created, error) {
	return once(ctx, f.strike("UpdateRecipient", r.Address), func() (providers.Created, error) {
		return f.inner.UpdateRecipient(ctx, r)
	})
}

// OpenMailbox is the call "OpenMailbox".
func (f *Faults) OpenMailbox(ctx context.Context, address inventory.Address) (providers.Mailbox, error) {
	x := f.strike("OpenMailbox", address)
	var opened providers.Mailbox
	_, err := once(ctx, x, func() (_ struct{}, err error) {
		opened, err = f.inner.OpenMailbox(ctx, address)
		return struct{}{}, err
	})
	if err != nil {
		if opened != nil {
			opened.Close() // the answer is lost, and with it the session
		}
		return nil, err
	}
	return &faultyMailbox{faults: f, inner: opened, address: address}, nil
}

// Close never fails by script.
func (f *Faults) Close() error { return f.inner.Close() }
