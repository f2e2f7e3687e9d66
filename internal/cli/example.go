package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/cutover-mail/cutover/config"
)

// writeExample writes a commented configuration into a folder that has none.
func (a *App) writeExample(kind string) (bool, error) {
	files, err := config.Files(a.dir())
	if err != nil || len(files) > 0 {
		return false, err
	}
	target, ok := exampleTargets[kind]
	if !ok {
		return false, fmt.Errorf("there is no example for a target of type %q; there is one for imap and one for archive", kind)
	}
	for _, file := range []struct{ name, text string }{
		{"accounts.csv", exampleAccounts}, {"main.hcl", fmt.Sprintf(exampleMain, target, kind)},
	} {
		path := filepath.Join(a.dir(), file.name)
		f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
		if err != nil {
			return false, err
		}
		if _, err := f.WriteString(file.text); err != nil {
			f.Close()
			return false, err
		}
		if err := f.Close(); err != nil {
			return false, err
		}
		a.tell("wrote %s", path)
	}
	a.tell("\nNext: fill in both files, then cutover validate and cutover plan")
	return true, nil
}

const exampleAccounts = "address\nanna.berg@contoso.test\nwei.zhang@contoso.test\n"

const exampleMain = `# What moves, from where to where. Every setting: cutover providers imap

# Give it by CUTOVER_VAR_source_password, -var or -var-file, never in this file.
variable "source_password" {
  sensitive = true
}

variable "target_password" {
  sensitive = true
  default   = ""
}

source "imap" "old" {
  host     = "imap.old.contoso.test"
  accounts = csvdecode(file("accounts.csv"))

  # One account that may open every mailbox.
  master {
    username = "migrator"
    password = var.source_password
    mode     = "separator" # or "authzid"
  }

  max_connections = 3
}

%s
migration "contoso" {
  from             = source.imap.old
  to               = target.%s.new
  accepted_domains = ["contoso.test"]

  batch "pilot" {
    members = ["anna.berg@contoso.test"]
  }

  batch "rest" {
    everyone_else = true
    after         = ["pilot"]
  }

  sync {
    deletions = "mirror" # or "keep"
  }

  report {
    directory = "reports"
  }
}
`

var exampleTargets = map[string]string{
	"imap": `target "imap" "new" {
  host = "imap.contoso.test"

  master {
    username = "migrator"
    password = var.target_password
    mode     = "authzid"
  }

  max_connections = 3
}
`,
	"archive": `target "archive" "new" {
  path = "archive"
}
`,
}
