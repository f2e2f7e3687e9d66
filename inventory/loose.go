package inventory

import (
	"bytes"
	"crypto/sha256"
	"hash"
)

// LooseHash hashes what is written to it without CR and LF bytes, for
// [Fingerprint.Loose].
type LooseHash struct{ sum hash.Hash }

// NewLooseHash returns an empty hash.
func NewLooseHash() *LooseHash { return &LooseHash{sha256.New()} }

// Write never fails.
func (h *LooseHash) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		i := bytes.IndexAny(p, "\r\n")
		if i < 0 {
			i = len(p)
		}
		h.sum.Write(p[:i])
		p = p[min(i+1, len(p)):]
	}
	return n, nil
}

// Digest returns the digest of what has been written so far.
func (h *LooseHash) Digest() (d Digest) {
	h.sum.Sum(d[:0])
	return d
}
