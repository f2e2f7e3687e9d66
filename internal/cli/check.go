package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/cutover-mail/cutover/config"
	"github.com/cutover-mail/cutover/diag"
	"github.com/cutover-mail/cutover/internal/view"
)

func (a *App) validateCommand() *cobra.Command {
	var v variables
	var asJSON bool
	c := &cobra.Command{
		Use:   "validate",
		Short: "Check the configuration, without any network",
		Long:  "Reads every *.hcl file of the folder and reports all that is wrong with it, each with\nits place in the source and what to change.",
		Example: `  cutover validate
  cutover validate -json -var-file prod.vars.hcl`,
		Args: noArguments,
		RunE: func(c *cobra.Command, _ []string) error { return a.validate(c, v, asJSON) },
	}
	v.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "write the findings as JSON")
	return c
}

func (a *App) validate(c *cobra.Command, v variables, asJSON bool) error {
	ctx, cancel := a.interruptible(c.Context())
	defer cancel()
	w := &workspace{app: a, providers: providersByName{}}
	defer w.Close()
	cfg, findings := config.Load(a.dir(), w.configOptions(ctx, v))
	if cfg != nil && !findings.HasErrors() {
		w.config = cfg
		a.secrets.know(cfg.Secrets)
		findings = append(findings, w.tryOpen(ctx)...)
		findings.Sort()
	}
	if asJSON {
		if err := view.FindingsJSON(a.Stdout, findings); err != nil {
			return err
		}
	} else {
		view.Findings(a.Stderr, findings, a.colored(a.Stderr))
	}
	if findings.HasErrors() {
		return exit{code: exitError}
	}
	if !asJSON {
		fmt.Fprintln(a.Stdout, "The configuration is valid.")
	}
	return nil
}

func (a *App) fmtCommand() *cobra.Command {
	var check bool
	c := &cobra.Command{
		Use:   "fmt [FILE...]",
		Short: "Write the configuration files in the canonical form",
		Long:  "Formats the *.hcl files of the folder, or those named, in place, and prints the names of\nthose that changed.",
		Example: `  cutover fmt
  cutover fmt -check`,
		RunE: func(_ *cobra.Command, args []string) error { return a.format(args, check) },
	}
	c.Flags().BoolVar(&check, "check", false, "change nothing; exit with 1 when a file would change")
	return c
}

func (a *App) format(files []string, check bool) error {
	for i := range files {
		files[i] = a.path(files[i])
	}
	if len(files) == 0 {
		var err error
		if files, err = config.Files(a.dir()); err != nil {
			return err
		}
	}
	var findings diag.Findings
	changed := false
	for _, file := range files {
		did, found, err := a.formatFile(file, check)
		if err != nil {
			return err
		}
		changed = changed || did
		findings = append(findings, found...)
	}
	view.Findings(a.Stderr, findings, a.colored(a.Stderr))
	if findings.HasErrors() || check && changed {
		return exit{code: exitError}
	}
	return nil
}

// formatFile rewrites one file, unless check, and reports whether it differs
// from its canonical form.
func (a *App) formatFile(file string, check bool) (bool, diag.Findings, error) {
	before, err := os.ReadFile(file)
	if err != nil {
		return false, nil, err
	}
	after, findings := config.Format(before, file)
	if findings.HasErrors() || bytes.Equal(before, after) {
		return false, findings, nil
	}
	fmt.Fprintln(a.Stdout, file)
	if check {
		return true, findings, nil
	}
	info, err := os.Stat(file)
	if err != nil {
		return false, nil, err
	}
	return true, findings, replaceFile(file, info.Mode().Perm(), func(w io.Writer) error {
		_, err := w.Write(after)
		return err
	})
}

// replaceFile writes a file by way of another, so that no reader sees half of
// it and a full disk loses nothing.
func replaceFile(path string, mode os.FileMode, write func(io.Writer) error) error {
	temp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name())
	if err := write(temp); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Chmod(mode); err != nil {
		temp.Close()
		return err
	}
	if err := temp.Close(); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
