package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/fatih/color"
	"github.com/spf13/cobra"

	"github.com/cutover-mail/cutover/internal/demo"
)

func (a *App) demoCommand() *cobra.Command {
	var folder string
	var seed uint64
	c := &cobra.Command{
		Use:   "demo",
		Short: "Migrate a small organisation on this machine, to see it work",
		Long: `Starts an organisation of 12 mailboxes inside this process (an IMAP server with
generated mail), and migrates it into an archive folder with the ordinary
commands: plan, apply, verify, and a second plan, which is empty.`,
		Example: "  cutover demo\n  cutover demo -folder /tmp/demo",
		Args:    noArguments,
		RunE:    func(c *cobra.Command, _ []string) error { return a.demo(c.Context(), folder, seed) },
	}
	c.Flags().StringVar(&folder, "folder", "", "work in this `folder`, which must not exist; default is a new one for temporary files")
	c.Flags().Uint64Var(&seed, "seed", 1, "another number makes another organisation")
	return c
}

func (a *App) demo(ctx context.Context, folder string, seed uint64) error {
	folder, err := a.demoFolder(folder)
	if err != nil {
		return err
	}
	server, err := demo.Start(seed)
	if err != nil {
		return err
	}
	defer server.Close()
	a.tell("An organisation of %d mailboxes is running on %s: %s messages, %s.",
		len(server.Accounts), server.Addr, humanize.Comma(server.Messages), humanize.IBytes(uint64(server.Bytes)))
	if err := writeDemo(folder, server); err != nil {
		return err
	}
	a.tell("Its migration is described in %s.", filepath.Join(folder, "main.hcl"))
	for _, step := range []struct {
		args []string
		want int
	}{
		{[]string{"plan", "-out", "demo.plan"}, exitDone},
		{[]string{"apply", "demo.plan"}, exitDone},
		{[]string{"verify"}, exitDone},
		{[]string{"plan", "-detailed-exitcode"}, exitDone},
		{[]string{"report"}, exitDone},
	} {
		if err := a.demoStep(ctx, folder, server.Password, step.args, step.want); err != nil {
			return err
		}
	}
	a.tell("\nAll mail is in %s, a Maildir for each mailbox. Nothing was left to do by the second plan.", filepath.Join(folder, "archive"))
	return nil
}

func (a *App) demoFolder(folder string) (string, error) {
	if folder == "" {
		return os.MkdirTemp("", "cutover-demo-")
	}
	folder = a.path(folder)
	if err := os.Mkdir(folder, 0o700); err != nil {
		return "", fmt.Errorf("make the folder of the demo: %w", err)
	}
	return filepath.Abs(folder)
}

func writeDemo(folder string, server *demo.Server) error {
	accounts := "address\n" + strings.Join(server.Accounts, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(folder, "accounts.csv"), []byte(accounts), 0o600); err != nil {
		return err
	}
	text := fmt.Sprintf(demoConfig, server.Addr.IP, server.Addr.Port)
	return os.WriteFile(filepath.Join(folder, "main.hcl"), []byte(text), 0o600)
}

// demoStep runs one command in the folder of the demo and shows it as typed.
func (a *App) demoStep(ctx context.Context, folder, password string, args []string, want int) error {
	a.tell("\n%s", a.paint(color.Bold).Sprint("$ cutover "+strings.Join(args, " ")))
	step := *a
	step.Environ = append(append([]string{}, a.Environ...), "CUTOVER_VAR_demo_password="+password)
	step.Args = append([]string{"-chdir", folder, fmt.Sprintf("-no-color=%t", a.noColor), fmt.Sprintf("-debug=%t", a.debug)}, args...)
	code := step.Run(ctx)
	switch {
	case code == exitStopped:
		return exit{code: code}
	case code != want:
		return exit{code: exitError, err: errors.New("the demo went wrong at: cutover " + strings.Join(args, " "))}
	}
	return nil
}

const demoConfig = `variable "demo_password" {
  sensitive = true
}

source "imap" "demo" {
  host     = "%s"
  port     = %d
  security = "none" # it is on this machine; the default is tls
  accounts = csvdecode(file("accounts.csv"))
  password = var.demo_password
}

target "archive" "here" {
  path = "archive"
}

migration "demo" {
  from             = source.imap.demo
  to               = target.archive.here
  accepted_domains = ["contoso.test"]

  batch "pilot" {
    members = ["anna.berg@contoso.test", "wei.zhang@contoso.test"]
  }

  batch "rest" {
    everyone_else = true
    after         = ["pilot"]
  }

  report {
    directory = "reports"
  }
}
`
