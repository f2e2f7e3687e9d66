// Command cutover-provider-maildrop is a provider in a program of its own, and
// small enough to be read in one sitting: a source of mail that was exported
// as one .eml file a message. Each mailbox is a folder named by its address,
// each folder in it a mail folder:
//
//	export/anna@contoso.test/INBOX/0001.eml
//	export/anna@contoso.test/Projects/2024/offer.eml
//
// docs/providers.md explains the contract that it fulfils.
package main

import "github.com/cutover-mail/cutover/providers/plugin"

func main() { plugin.Serve(provider{}) }
