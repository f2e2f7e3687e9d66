// Command cutover moves a mail organisation from one set of servers to
// another. See README.md.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/cutover-mail/cutover/internal/cli"
	"github.com/cutover-mail/cutover/providers/builtin"
	"github.com/cutover-mail/cutover/providers/plugin"
)

// version is set when a release is built: -ldflags "-X main.version=1.2.3".
var version = "0.1.0-dev"

func main() { os.Exit(run()) }

func run() int {
	limitMemory()
	interrupts := make(chan os.Signal, 2)
	signal.Notify(interrupts, os.Interrupt, syscall.SIGTERM)
	app := &cli.App{
		Version: version, Args: os.Args[1:], Environ: os.Environ(),
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
		Builtins: builtin.Providers(), Launch: plugin.Launch, Self: self(),
		Interrupts: interrupts, Now: time.Now,
	}
	return app.Run(context.Background())
}

// self is the command with which this binary serves a built-in provider.
func self() []string {
	path, err := os.Executable()
	if err != nil {
		path = os.Args[0]
	}
	return []string{path, "serve-provider"}
}
