package planner

import (
	"github.com/cutover-mail/cutover/planner/plan"
	"github.com/cutover-mail/cutover/providers"
)

// Codes explains every code that a plan's findings and losses, and the checks
// of a saved plan, can have; those of providers and of the survey are theirs.
func Codes() []providers.Code {
	return append(append(ruleCodes(), mailboxCodes()...), append(lossCodes(), plan.Codes()...)...)
}

func ruleCodes() []providers.Code {
	return []providers.Code{
		{Code: "batch-cycle", Title: "Batches wait for each other",
			Cause: "The \"after\" lists of several batches lead in a circle, so that none of them can be the first.",
			Fix:   "Remove one of the names from \"after\"."},
		{Code: "batch-unknown", Title: "There is no such batch",
			Cause: "An \"after\" list or the option -batch names a batch that the migration does not have.",
			Fix:   "Correct the name."},
		{Code: "batch-before-its-turn", Title: "A batch is planned before those it comes after",
			Cause: "-batch asks for a batch whose \"after\" names one of which nothing has been migrated yet.",
			Fix:   "Apply the earlier batch first. The plan can be applied as it is if the order does not matter."},
		{Code: "batch-member-absent", Title: "A member of a batch is not on the source",
			Cause: "The address is misspelt, an alias rather than the primary address, or the recipient was removed.",
			Fix:   "Correct the address, write the primary one, or remove it from the batch."},
		{Code: "batch-member-excluded", Title: "A member of a batch is left out by a rule",
			Cause: "The batch names it, but an exclude rule matches it or no include rule does. Rules win.",
			Fix:   "Remove it from the batch, or change the rule."},
		{Code: "batch-overlap", Title: "Several batches claim one recipient",
			Cause: "A recipient is a member of, or matched by, more than one batch.",
			Fix:   "Leave it in one batch: narrow \"match\" or remove it from \"members\"."},
		{Code: "selection-empty", Title: "-target matches nothing",
			Cause: "No recipient that the migration includes has an address that the option matches. It is compared with addresses on the source.",
			Fix:   "Correct the address or pattern; see cutover plan without the option for what is included."},
		{Code: "map-unused", Title: "A map block names a recipient that is not there",
			Cause: "The source does not list the address.",
			Fix:   "Correct the address or remove the block."},
		{Code: "recipient-doubled", Title: "The source lists a recipient twice",
			Cause: "The directory, or the accounts of the endpoint, have the same address and kind more than once.",
			Fix:   "Remove the duplicates. Until then one of them is used, always the same."},
		{Code: "recipient-gone", Title: "A migrated recipient is not on the source any more",
			Cause: "It was migrated in an earlier run, and the source does not list it now. Nothing is removed from the target because of that.",
			Fix:   "Nothing, if it was removed on purpose; cutover state rm makes the state forget it."},
		{Code: "target-address-doubled", Title: "Two recipients would have one address on the target",
			Cause: "A map block gives a recipient the address of another, or the source lists recipients of different kinds with one address.",
			Fix:   "Exclude one of them or map it to another address."},
		{Code: "domain-not-accepted", Title: "An address is in no accepted domain",
			Cause: "The address that a recipient would have on the target is in a domain that accepted_domains does not list. A server would refuse it, or its mail would go elsewhere.",
			Fix:   "Add the domain to accepted_domains once the target accepts it, map the recipient to another address, or exclude it."},
	}
}

func mailboxCodes() []providers.Code {
	return []providers.Code{
		{Code: "mailbox-not-seen", Title: "A mailbox was not looked at",
			Cause: "The recipients changed while the plan was being made.",
			Fix:   "Plan again."},
		{Code: "target-address-moved", Title: "A migrated mailbox would now go to another address",
			Cause: "An earlier run migrated it to one address, and the configuration now maps it to another.",
			Fix:   "Restore the map block. To begin anew at the new address: cutover state rm ADDRESS; what is at the old one stays there."},
		{Code: "endpoint-moved", Title: "The configuration names another server than the state",
			Cause: "The mailbox was migrated between other endpoints. What the state knows of items on one server does not hold for another.",
			Fix:   "Configure the server of before, or begin anew with cutover state rm ADDRESS or another state."},
		{Code: "target-kind-differs", Title: "The target has something else of that address",
			Cause: "The directory of the target has, say, a group where the source has a mailbox.",
			Fix:   "Remove it from the target, or map the recipient to another address."},
		{Code: "target-quota", Title: "A mailbox will not fit",
			Cause: "There is more to copy than the quota of the mailbox on the target leaves free.",
			Fix:   "Raise the quota before apply. Otherwise the copy of that mailbox stops when it is full, and goes on from there later."},
		{Code: "most-deleted", Title: "Most of a mailbox would be deleted on the target",
			Cause: "More than half of what was migrated is gone from the source. People empty mailboxes, but so does a source that was restored from an old backup, lost its disk, or signs in to another account.",
			Fix:   "Look at the mailbox on the source. deletions = \"keep\" deletes nothing, -exclude ADDRESS leaves the mailbox out of this plan."},
		{Code: "loss-not-waived", Title: "Something would be lost, and the configuration does not accept it",
			Cause: "The plan found something that the target cannot hold. A plan with such a loss is not applied until the migration waives it by its code.",
			Fix:   "Add waive \"CODE\" { reason = \"...\" } to the migration, or exclude what it concerns."},
	}
}

func lossCodes() []providers.Code {
	return append(notHeldCodes(), []providers.Code{
		{Code: "no-common-format", Title: "Source and target share no format",
			Cause: "The source gives items of a class in formats that the target does not take, so that folders of it stay behind.",
			Fix:   "Waive it, or use a target that takes one of the source's formats (cutover providers lists them)."},
		{Code: "oversize-items", Title: "Items are larger than the target takes",
			Cause: "The target announces a limit (IMAP APPENDLIMIT, for example), and items of the source are above it. The plan lists each.",
			Fix:   "Raise the limit of the target, or waive it: the report lists the items that stayed behind."},
		{Code: "keywords-refused", Title: "The target does not keep some keywords",
			Cause: "Messages carry keywords (labels) that the target mailbox does not let be set.",
			Fix:   "Allow the keywords on the target, or waive it: the messages are copied without them."},
		{Code: "alias-not-accepted", Title: "An alias is in no accepted domain",
			Cause: "A further address of a recipient is in a domain that accepted_domains does not list; it is left out.",
			Fix:   "Add the domain to accepted_domains, or waive it."},
		{Code: "alias-taken", Title: "An alias is the address of another recipient",
			Cause: "Another recipient of the plan has that address on the target.",
			Fix:   "Map the other recipient to another address, or waive it."},
		{Code: "group-members-not-migrated", Title: "Members of a group are not migrated",
			Cause: "The configuration leaves them out, and the target does not have them; the group is made without them.",
			Fix:   "Include them, create them on the target, or waive it."},
		{Code: "group-owners-not-migrated", Title: "Owners of a group are not migrated",
			Cause: "The target will not have them; the group is made without these owners.",
			Fix:   "Include them, or waive it."},
	}...)
}

func notHeldCodes() []providers.Code {
	var codes []providers.Code
	for _, what := range []string{"mail", "calendars", "contacts", "tasks", "notes", "groups"} {
		codes = append(codes, providers.Code{
			Code: what + "-not-held", Title: "No target holds " + what,
			Cause: "The source has " + what + " and no target of the migration has a place for them; they stay behind.",
			Fix:   "Add a target that holds " + what + " to \"to\", exclude them, or waive it.",
		})
	}
	return codes
}
