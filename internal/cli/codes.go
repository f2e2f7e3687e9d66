package cli

import (
	"maps"
	"slices"

	"github.com/cutover-mail/cutover/config"
	"github.com/cutover-mail/cutover/executor"
	"github.com/cutover-mail/cutover/internal/verify"
	"github.com/cutover-mail/cutover/planner"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/plugin"
	"github.com/cutover-mail/cutover/survey"
)

const codeEndpoint = "endpoint-settings"

// codes returns every code the program can emit, those of the built-in
// providers included.
func (a *App) codes() []providers.Code {
	all := slices.Concat(config.Codes(), planner.Codes(), survey.Codes(), executor.Codes(), verify.Codes(), plugin.Codes(), []providers.Code{{
		Code: codeEndpoint, Title: "An endpoint cannot be opened with its settings",
		Cause: "The provider refuses the combination of settings in the block of the endpoint.",
		Fix:   "Change the setting that the message names; cutover providers shows all settings of a provider.",
	}})
	for _, name := range slices.Sorted(maps.Keys(a.Builtins)) {
		all = append(all, a.Builtins[name].Describe().Codes...)
	}
	return all
}
