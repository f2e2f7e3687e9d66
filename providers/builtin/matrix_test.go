package builtin_test

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
	"github.com/cutover-mail/cutover/providers/builtin"
)

var update = flag.Bool("update", false, "write the matrix into docs/providers.md")

const (
	guide = "../../docs/providers.md"
	begin = "<!-- matrix: made by go test ./providers/builtin -update -->\n"
	end   = "<!-- end of matrix -->\n"
)

func TestGuideShowsWhatProvidersCan(t *testing.T) {
	data, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(data), begin)
	shown, after, ended := strings.Cut(rest, end)
	if !found || !ended {
		t.Fatalf("%s has no place for the matrix", guide)
	}
	want := matrix(builtin.Providers())
	if *update {
		if err := os.WriteFile(guide, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, shown); diff != "" {
		t.Errorf("run go test ./providers/builtin -update (-providers +guide):\n%s", diff)
	}
}

// matrix shows the sides on which each provider has each ability, and below it
// the reasons for what is missing.
func matrix(all map[string]providers.Provider) string {
	names := slices.Sorted(maps.Keys(all))
	var b, reasons strings.Builder
	fmt.Fprintf(&b, "\n| ability | %s |\n|---|%s\n", strings.Join(names, " | "), strings.Repeat("---|", len(names)))
	for _, ability := range append([]inventory.Ability{inventory.Directory}, inventory.ContentAbilities()...) {
		fmt.Fprintf(&b, "| %s |", ability)
		for _, name := range names {
			support := supported(all[name].Describe(), ability)
			fmt.Fprintf(&b, " %s |", sides(support.Roles))
			if support.Reason != "" {
				fmt.Fprintf(&reasons, "- **%s, %s**: %s\n", name, ability, support.Reason)
			}
		}
		b.WriteString("\n")
	}
	return b.String() + "\n" + reasons.String() + "\n"
}

func supported(d providers.Description, ability inventory.Ability) providers.AbilitySupport {
	i := slices.IndexFunc(d.Abilities, func(s providers.AbilitySupport) bool { return s.Ability == ability })
	if i < 0 {
		return providers.AbilitySupport{}
	}
	return d.Abilities[i]
}

func sides(roles []providers.Role) string {
	if len(roles) == 0 {
		return "no"
	}
	var names []string
	for _, role := range roles {
		names = append(names, string(role))
	}
	return strings.Join(names, ", ")
}
