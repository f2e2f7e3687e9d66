package planner

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"slices"

	"github.com/cutover-mail/cutover/inventory"
)

// digester hashes facts so that different facts cannot run together: each
// string is preceded by its length, each list by its count.
type digester struct {
	sum hash.Hash
	buf []byte
}

func newDigester() *digester { return &digester{sum: sha256.New(), buf: make([]byte, 0, 8<<10)} }

func (d *digester) count(n int) {
	d.buf = binary.AppendUvarint(d.buf, uint64(n))
	if len(d.buf) > 7<<10 {
		d.flush()
	}
}

func (d *digester) text(s string) {
	d.count(len(s))
	if len(s) > 512 {
		d.flush()
		d.sum.Write([]byte(s))
		return
	}
	d.buf = append(d.buf, s...)
}

func (d *digester) truth(b bool) {
	n := 0
	if b {
		n = 1
	}
	d.count(n)
}

func (d *digester) flush() {
	d.sum.Write(d.buf)
	d.buf = d.buf[:0]
}

func (d *digester) String() string {
	d.flush()
	return hex.EncodeToString(d.sum.Sum(nil))
}

func (d *digester) addresses(list []inventory.Address) {
	d.count(len(list))
	for _, a := range list {
		d.text(string(a))
	}
}

func (d *digester) recipient(r *inventory.Recipient) {
	for _, s := range [...]string{string(r.Kind), string(r.Address), string(r.Type), r.DisplayName, string(r.External)} {
		d.text(s)
	}
	d.addresses(r.Aliases)
	d.addresses(r.Members)
	d.addresses(r.Owners)
	d.truth(r.Hidden)
	d.truth(r.Security)
	d.count(len(r.Attributes))
	if len(r.Attributes) == 0 {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(r.Attributes)) {
		d.text(name)
		d.text(r.Attributes[name])
	}
}

// tree hashes which folders there are, in order, not how much is in them.
func (d *digester) tree(folders []inventory.Folder) {
	d.count(len(folders))
	for _, f := range folders {
		d.text(string(f.ID))
		d.count(len(f.Path))
		for _, name := range f.Path {
			d.text(name)
		}
		d.text(string(f.Role))
		d.text(string(f.Holds))
		d.text(f.Epoch)
	}
}

// inventoryDigest is the digest of what the plan rests on: the recipients
// chosen, those of the same addresses on the target, and the folders.
func (b *builder) inventoryDigest() string {
	d := newDigester()
	d.count(len(b.sel.Chosen))
	for _, c := range b.sel.Chosen {
		d.recipient(c.Recipient)
		if existing := b.existing(c.Target); existing != nil {
			d.recipient(existing)
		}
		if c.Recipient.Kind == inventory.KindMailbox {
			box := b.in.Mailboxes[c.Recipient.Address]
			d.truth(box.Problem != nil)
			d.tree(b.scratch.sorted(box.Source))
		}
	}
	return d.String()
}

// DirectoryDigest identifies the directory facts of a recipient: those that a
// Create or Update step wrote. The state keeps it in Recipient.Digest, and a
// later plan updates the target only when the source's facts differ.
func DirectoryDigest(r inventory.Recipient) string {
	d := newDigester()
	d.recipient(&r)
	return d.String()
}
