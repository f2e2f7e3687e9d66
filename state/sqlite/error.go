package sqlite

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/cutover-mail/cutover/state"
)

// failed names the operation and gives causes that callers tell apart their
// error of package state.
func failed(op string, err error) error {
	if err == nil {
		return nil
	}
	if verdict := verdict(err); verdict != nil {
		return fmt.Errorf("%s: %w: %w", op, verdict, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

func verdict(err error) error {
	code := codeOf(err)
	switch code {
	case lib.SQLITE_IOERR_WRITE, lib.SQLITE_IOERR_SHMSIZE, lib.SQLITE_IOERR_TRUNCATE:
		return state.ErrFull
	}
	switch code & 0xff {
	case lib.SQLITE_FULL:
		return state.ErrFull
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return state.ErrDamaged
	case lib.SQLITE_READONLY:
		return ErrReadOnly
	}
	return nil
}

func codeOf(err error) int {
	if e, ok := errors.AsType[*driver.Error](err); ok {
		return e.Code()
	}
	return 0
}
