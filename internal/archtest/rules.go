package archtest

import (
	"fmt"
	"strings"
)

// rule is one sentence of the architecture.
type rule struct {
	name   string
	reason string
	// tests says that the rule binds test files too.
	tests bool
	// breaks reports whether a package may not import something.
	breaks func(pkg string, i imported) bool
}

// rules are those of the design, each with its reason.
var rules = []rule{
	{
		name:   "inventory and diag import the standard library only",
		reason: "they are the vocabulary; whoever knows them can read every other package",
		tests:  false,
		breaks: func(pkg string, i imported) bool { return under(pkg, "inventory", "diag") && !standard(i.path) },
	},
	{
		name:   "HCL is imported by config only",
		reason: "another language of configuration must not reach planner, executor or providers",
		tests:  true,
		breaks: func(pkg string, i imported) bool {
			return !under(pkg, "config") && (within(i.path, "github.com/hashicorp/hcl/v2") || within(i.path, "github.com/zclconf/go-cty"))
		},
	},
	{
		name:   "planner knows no provider, no store and no configuration",
		reason: "planning is a function of its input: what it needs of a server is in the input as data",
		breaks: func(pkg string, i imported) bool {
			return under(pkg, "planner") && (implementation(i.ours) || store(i.ours) || under(i.ours, "config", "executor", "survey", "internal"))
		},
	},
	{
		name:   "planner does no I/O",
		reason: "equal inputs give equal plans; files and servers are read by those who make the input",
		breaks: func(pkg string, i imported) bool {
			return pkg == "planner" && (within(i.path, "os") || within(i.path, "net") || within(i.path, "math/rand") || within(i.path, "crypto/rand"))
		},
	},
	{
		name:   "executor sees no configuration, no provider and no view",
		reason: "what was approved is what runs: all it needs is in the plan, and all it tells is events",
		breaks: func(pkg string, i imported) bool {
			return under(pkg, "executor") && (implementation(i.ours) || store(i.ours) || under(i.ours, "config", "survey", "internal/view", "internal/cli", "internal/dashboard"))
		},
	},
	{
		name:   "a provider knows no plan, no state and no other provider",
		reason: "it does what it is told, in process or out; two providers meet in the core only",
		breaks: func(pkg string, i imported) bool {
			if !implementation(pkg) {
				return false
			}
			other := implementation(i.ours) && root(i.ours) != root(pkg)
			return other || under(i.ours, "planner", "state", "executor", "config", "survey", "internal/view", "internal/cli", "internal/verify", "internal/report")
		},
	},
	{
		name:   "the contract of providers knows the vocabulary only",
		reason: "a provider of somebody else must not drag the program in",
		breaks: func(pkg string, i imported) bool {
			return pkg == "providers" && i.ours != "" && !under(i.ours, "inventory", "diag")
		},
	},
	{
		name:   "views reach neither providers nor stores",
		reason: "a view shows plans, events and findings; it decides nothing and reads nothing by itself",
		breaks: func(pkg string, i imported) bool {
			return under(pkg, "internal/view", "internal/dashboard") && (implementation(i.ours) || store(i.ours) || under(i.ours, "config", "providers/plugin"))
		},
	},
	{
		name:   "only providers/builtin and the demo know the built-in providers",
		reason: "one place wires; the rest of the program cannot tell a built-in from a plugin",
		breaks: func(pkg string, i imported) bool {
			wires := under(pkg, "providers/builtin", "cmd/cutover", "examples") || demo(pkg)
			return !wires && implementation(i.ours) && !implementation(pkg) && !support(pkg)
		},
	},
	{
		name:   "only cmd/cutover knows the list of built-ins",
		reason: "the command line gets its providers as an argument, so that a test can give it others",
		breaks: func(pkg string, i imported) bool {
			return under(i.ours, "providers/builtin") && !under(pkg, "providers/builtin", "cmd/cutover", "examples") && !demo(pkg)
		},
	},
	{
		name:   "internal/cli is imported by commands only",
		reason: "what it does for people has to be possible without it",
		breaks: func(pkg string, i imported) bool {
			return under(i.ours, "internal/cli") && !under(pkg, "internal/cli", "cmd") && !demo(pkg)
		},
	},
}

// printRule is about statements, not imports.
const printRule = "below the views nobody prints: what is to be shown is an event, a finding or an error"

// mayPrint reports whether a package may write to the streams of the process.
func mayPrint(pkg string) bool {
	return under(pkg, "cmd", "internal/cli", "internal/view", "examples", "scripts", "bench", "internal/bench") || demo(pkg)
}

// standard reports whether a path is one of the standard library.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// within reports whether an import path is prefix or below it.
func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

// support are the packages below providers that are no provider.
func support(pkg string) bool {
	return under(pkg, "providers/builtin", "providers/plugin", "providers/providertest", "providers/internal")
}

// implementation reports whether a package is a provider, or part of one.
func implementation(pkg string) bool { return strings.HasPrefix(pkg, "providers/") && !support(pkg) }

// root returns the provider that a package belongs to: "providers/imap".
func root(pkg string) string {
	parts := strings.SplitN(pkg, "/", 3)
	return strings.Join(parts[:min(2, len(parts))], "/")
}

// store reports whether a package is a store, not the contract of stores.
func store(pkg string) bool { return strings.HasPrefix(pkg, "state/") }

// demo reports whether a package is the demonstration, which starts servers.
func demo(pkg string) bool {
	return strings.HasSuffix(pkg, "/demo") || strings.Contains(pkg, "/demo/") || strings.HasSuffix(pkg, "/sandbox")
}

// violations holds files against the rules.
func violations(files []file) (found []string) {
	for _, f := range files {
		for _, i := range f.imports {
			for _, r := range rules {
				if (r.tests || !f.test) && r.breaks(f.pkg, i) {
					found = append(found, fmt.Sprintf("%s:%d: imports %s\n\trule: %s\n\treason: %s", f.path, i.line, i.path, r.name, r.reason))
				}
			}
		}
		if !f.test && !mayPrint(f.pkg) && len(f.prints) > 0 {
			found = append(found, fmt.Sprintf("%s: %s\n\trule: %s", f.path, strings.Join(f.prints, ", "), printRule))
		}
	}
	return found
}
