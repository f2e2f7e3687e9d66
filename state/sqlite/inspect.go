package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/cutover-mail/cutover/state"
)

// checkedWhole is the size up to which the structure of the file is checked
// when it is opened. A larger one is checked where that costs nothing, and by
// Check.
const checkedWhole = 64 << 20

// headerSize is that of the SQLite file header; see "Database File Format",
// section 1.3.
const headerSize = 100

// inspect looks at the file before SQLite does, so that what is wrong with it
// is told in its words.
func inspect(path string) (os.FileInfo, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, missing(path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open the state: %w", err)
	}
	header, err := readHeader(path)
	if err != nil {
		return nil, fmt.Errorf("open the state %s: %w", path, err)
	}
	if err := checkHeader(header, info.Size(), walSize(path)); err != nil {
		return nil, fmt.Errorf("open the state %s: %w", path, err)
	}
	return info, nil
}

// missing tells a state that was never made from one that was taken away from
// under its log: making a new one beside it would forget what was written.
func missing(path string, err error) error {
	if walSize(path) > 0 {
		return fmt.Errorf("open the state %s: %w: the file is gone, but its log %s-wal is there; put it back", path, state.ErrDamaged, path)
	}
	return fmt.Errorf("open the state: %w", err)
}

func walSize(path string) int64 {
	info, err := os.Stat(path + "-wal")
	if err != nil {
		return 0
	}
	return info.Size()
}

func readHeader(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	header := make([]byte, headerSize)
	n, err := io.ReadFull(f, header)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, err
	}
	return header[:n], nil
}

func checkHeader(h []byte, size, wal int64) error {
	if len(h) < headerSize {
		return fmt.Errorf("%w: the file has only %d bytes; restore a copy", state.ErrDamaged, len(h))
	}
	if !strings.HasPrefix(string(h), "SQLite format 3\x00") {
		return fmt.Errorf("%w: this is not an SQLite file, or its beginning is overwritten", state.ErrDamaged)
	}
	if id := binary.BigEndian.Uint32(h[68:]); id != applicationID && wal == 0 {
		return errors.New("this is an SQLite file, but not a state of cutover")
	}
	pageBytes := int64(binary.BigEndian.Uint16(h[16:]))
	if pageBytes == 1 {
		pageBytes = 65536
	}
	pages := int64(binary.BigEndian.Uint32(h[28:]))
	// With a log the file may lag behind: what it lacks is in there.
	if want := pages * pageBytes; wal == 0 && size < want {
		return fmt.Errorf("%w: the file is cut off: %d of %d bytes are there; restore a copy", state.ErrDamaged, size, want)
	}
	return nil
}

// verify checks what was opened: whose it is, its version, and within reason
// that it is whole. It returns the version.
func verify(ctx context.Context, db *sql.DB, size int64) (version int, err error) {
	var id int64
	if err := db.QueryRowContext(ctx, `PRAGMA application_id`).Scan(&id); err != nil {
		return 0, err
	}
	if id != applicationID {
		return 0, errors.New("this is an SQLite file, but not a state of cutover")
	}
	if err := db.QueryRowContext(ctx, `PRAGMA user_version`).Scan(&version); err != nil {
		return 0, err
	}
	if version > Version() {
		return 0, fmt.Errorf("%w: it has version %d, this program knows %d; use the newer program", state.ErrNewer, version, Version())
	}
	if size > checkedWhole {
		return version, nil
	}
	faults, err := pragmaFaults(ctx, db, `PRAGMA quick_check(3)`)
	if err == nil && len(faults) > 0 {
		err = fmt.Errorf("%w: %s; restore a copy", state.ErrDamaged, strings.Join(faults, "; "))
	}
	return version, err
}

// pragmaFaults runs a check of SQLite's and returns what it found.
func pragmaFaults(ctx context.Context, db *sql.DB, pragma string) ([]string, error) {
	rows, err := db.QueryContext(ctx, pragma)
	if err != nil {
		return nil, err
	}
	var faults []string
	err = each(rows, func(rows *sql.Rows) error {
		var fault string
		err := rows.Scan(&fault)
		if fault != "ok" {
			faults = append(faults, strings.ReplaceAll(fault, "\n", ", "))
		}
		return err
	})
	return faults, err
}
