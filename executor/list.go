package executor

import (
	"context"

	"github.com/cutover-mail/cutover/state"
)

// maxFresh is how many new items of a folder are kept in memory to recognise
// moves. What comes after is listed while items are copied.
const maxFresh = 50_000

// listChanges lists the folders that have been seen to their end before. Those
// that have not are listed while they are copied, unless something vanished
// from a folder: it may have arrived there.
func (p *pass) listChanges(ctx context.Context) error {
	if err := p.recount(ctx); err != nil {
		return err
	}
	vanished := false
	for _, f := range p.folders {
		f.series = f.startSeries()
		if f.gone {
			if err := f.listGone(ctx); err != nil {
				return err
			}
		} else if f.row.Cursor != "" {
			if err := f.listAhead(ctx); err != nil {
				return err
			}
		}
		vanished = vanished || len(f.removed) > 0
	}
	for _, f := range p.folders {
		if vanished && f.row.Cursor == "" && !f.gone {
			if err := f.listAhead(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// listAhead lists a folder before anything is copied.
func (f *folder) listAhead(ctx context.Context) error {
	for !f.series.ended && len(f.fresh) < maxFresh {
		if f.pass.admit.Err() != nil {
			return errStopped
		}
		pg, err := f.series.next(ctx, f.pass.src)
		if err != nil {
			return err
		}
		if pg.reset {
			return f.startOver()
		}
		f.take(pg)
		f.fresh = append(f.fresh, pg.fresh...)
	}
	return nil
}

// listGone takes every entry of a folder that the source has lost for gone.
func (f *folder) listGone(ctx context.Context) error {
	var pg page
	err := f.pass.eachEntry(ctx, f.row.ID, func(e state.Entry) { pg.removed = append(pg.removed, e) })
	f.take(pg)
	f.series.ended = true
	return err
}

// take keeps everything of a page but its new items.
func (f *folder) take(pg page) {
	f.edits = append(f.edits, pg.edits...)
	f.replaced = append(f.replaced, pg.stale...)
	for _, e := range pg.removed {
		if isReplaced(e.Source) {
			f.replaced = append(f.replaced, e)
		} else {
			f.removed = append(f.removed, e)
		}
	}
}

// recount reads again how much the ledger has of each folder.
func (p *pass) recount(ctx context.Context) error {
	if err := p.readRows(ctx); err != nil {
		return err
	}
	for _, f := range p.folders {
		if row, ok := p.rowByID(f.row.ID); ok {
			f.row.Items, f.row.Bytes, f.row.Failed = row.Items, row.Bytes, row.Failed
		}
	}
	return nil
}

// startOver has the mailbox begin again, because the source has told while a
// folder was listed that all its item IDs are void.
func (f *folder) startOver() error {
	if f.pass.voided[f.Source] {
		return coded(codeOther, "folder %s: the item IDs lost their validity twice", f.name)
	}
	f.pass.voided[f.Source] = true
	return errAgain
}
