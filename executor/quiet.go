package executor

import (
	"context"
	"fmt"
	"time"

	"github.com/cutover-mail/cutover/internal/pace"
	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/state"
)

// quietBound is how many times the settling time awaitQuiet waits at most:
// mail that arrives for the user keeps a folder from ever being quiet.
const quietBound = 10

// awaitQuiet waits until the folders that hold writes in doubt stay as they
// are. The server may still be carrying out what a lost connection had sent,
// and what it writes after it was looked for would be there twice.
func (p *pass) awaitQuiet(ctx context.Context, intents []state.Intent) error {
	settle := p.target.info.Limits.Settle
	if settle <= 0 {
		return nil
	}
	began, since, before := time.Now(), time.Now(), ""
	for {
		now, err := p.picture(ctx, intents)
		if err != nil {
			return err
		}
		if now != before {
			before, since = now, time.Now()
		}
		if time.Since(since) >= settle || time.Since(began) >= quietBound*settle {
			return nil
		}
		if pace.Sleep(p.admit, settle/8) != nil {
			return errStopped
		}
	}
}

// picture is a text that changes when one of the folders does.
func (p *pass) picture(ctx context.Context, intents []state.Intent) (string, error) {
	doubtful := map[inventory.FolderID]bool{}
	for _, intent := range intents {
		if row, ok := p.rowByID(intent.Folder); ok {
			doubtful[row.Target] = true
		}
	}
	folders, err := p.tgt.Folders(ctx)
	if err != nil {
		return "", p.tgt.verdict(err)
	}
	text := ""
	for _, f := range folders {
		if doubtful[f.ID] {
			text += fmt.Sprintf("%q %q %q %d\n", f.ID, f.State, f.End, f.Items)
		}
	}
	return text, nil
}
