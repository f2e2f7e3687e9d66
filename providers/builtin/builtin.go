// Package builtin lists the providers that are part of the program.
package builtin

import (
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/archive"
	"github.com/cutover-mail/cutover/providers/imap"
)

// Providers returns the built-in providers by name.
func Providers() map[string]providers.Provider {
	all := map[string]providers.Provider{}
	for _, p := range []providers.Provider{archive.Provider{}, imap.Provider{}} {
		all[p.Describe().Name] = p
	}
	return all
}
