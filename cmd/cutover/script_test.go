package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes this test binary the program when it is called by that name:
// the scripts run what users run, with its wiring.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"cutover": func() {
		if v := os.Getenv("CUTOVER_TEST_VERSION"); v != "" {
			version = v
		}
		main()
	}})
}

// scripts holds a story for every command.
const scripts = "../../internal/cli/testdata/script"

// TestScripts tells the stories. What their words do beyond those of
// testscript stands with each word below.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 scripts,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		UpdateScripts:       os.Getenv("UPDATE_SCRIPTS") != "",
		Setup: func(e *testscript.Env) error {
			e.Setenv("NO_COLOR", "1")
			e.Setenv("TZ", "UTC")
			e.Setenv("TMPDIR", e.WorkDir)
			e.Values[worldKey{}] = &world{processes: map[string]*process{}}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run":      runCutover,
			"start":    startCutover,
			"signal":   signalProcess,
			"await":    awaitText,
			"finish":   finishProcess,
			"server":   startServer,
			"imap":     changeMail,
			"hold":     holdMail,
			"held":     awaitHeld,
			"release":  releaseMail,
			"mode":     checkMode,
			"json":     checkJSON,
			"spoil":    spoilMessage,
			"maildir":  makeMaildir,
			"edit":     editFile,
			"commands": checkCommands,
			"nowhere":  checkNowhere,
		},
	})
}

type worldKey struct{}

// world is what a script has started.
type world struct {
	processes map[string]*process
	server    *mailServer
	gate      *gate
	count     int // messages made
}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// runCutover is `run CODE ARGUMENT...`: runs the program, which has to
// exit with this code.
func runCutover(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 1 {
		ts.Fatalf("usage: run CODE ARGUMENT...")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	if got := exitCode(ts.Exec("cutover", args[1:]...)); got != want {
		ts.Fatalf("cutover %v: exit code %d, want %d", args[1:], got, want)
	}
}

func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return -1
}

// checkCommands asks that every command of the program has a story.
func checkCommands(ts *testscript.TestScript, _ bool, args []string) {
	told, err := filepath.Glob(filepath.Join(scriptsFolder(), "*.txtar"))
	ts.Check(err)
	var all []byte
	for _, file := range told {
		text, err := os.ReadFile(file)
		ts.Check(err)
		all = append(all, text...)
	}
	for _, command := range args {
		if !tells(all, command) {
			ts.Fatalf("no script runs cutover %s", command)
		}
	}
}
