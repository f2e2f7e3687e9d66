// Package providertest holds the suite that every provider passes, directly
// and across gRPC, and an endpoint that fails as scripted.
//
// A new provider starts with a test of three lines: a [Harness] that says how
// to open an endpoint and how to get an empty mailbox, and [Run]. The sub-tests
// begin with the plainest case; each failure quotes what the contract in
// package providers demands.
package providertest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/cutover-mail/cutover/inventory"
	"github.com/cutover-mail/cutover/providers"
)

// Harness is what the suite needs to know of a provider. Provider and Options
// are required; the rest has a meaning when absent.
type Harness struct {
	// Provider is the one under test, or an adapter to it.
	Provider providers.Provider
	// Options returns what an endpoint of a side is opened with. Endpoints of
	// both sides serve the same mailboxes, so that the suite reads on the
	// source what it wrote on the target.
	Options func(t *testing.T, role providers.Role) providers.Options
	// NewMailbox makes an empty mailbox, another one with each call. When nil,
	// the suite makes them with CreateRecipient.
	NewMailbox func(t *testing.T) inventory.Address
	// Seed puts a message into a folder, making the folder if need be, of
	// providers that are no target. Received and Flags are to be kept as far
	// as the store can.
	Seed func(t *testing.T, address inventory.Address, path inventory.Path, m Message)
	// ResetEpoch makes all item IDs of a folder void. When nil, that case is
	// skipped.
	ResetEpoch func(t *testing.T, address inventory.Address, path inventory.Path)
	// Wrong are settings that Open must refuse.
	Wrong []Wrong
	// KeepsBareNewlines and KeepsNUL say that content with bare LF or CR, or
	// with NUL, comes back byte for byte; a server that repairs or refuses
	// such content sets them false.
	KeepsBareNewlines, KeepsNUL bool
	// RefusesEmpty says that an item of no bytes is Rejected.
	RefusesEmpty bool
	// ShiftsZone says that a received time may come back in another zone; the
	// instant is kept always.
	ShiftsZone bool
	// LargeSize is the size of the largest message of the suite; 0 is 5 MB.
	LargeSize int
	// Skip names sub-tests that cannot be passed, with the reason.
	Skip map[string]string
}

// Wrong is a setting that Open must refuse with a *providers.SettingError.
type Wrong struct {
	Name     string
	Role     providers.Role
	Settings providers.Settings
	Path     []string // of the SettingError
}

// Message is one message of the suite.
type Message struct {
	Content  []byte
	Flags    inventory.Flags
	Received time.Time
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	s := &suite{Harness: h, description: h.Provider.Describe()}
	s.run(t, "Describe", s.testDescribe)
	s.run(t, "Settings", s.testSettings)
	if t.Failed() {
		return
	}
	s.open(t)
	s.run(t, "Info", s.testInfo)
	s.run(t, "Recipients", s.testRecipients)
	s.run(t, "NoSuchMailbox", s.testNoSuchMailbox)
	if s.has(inventory.Directory, providers.Target) {
		s.run(t, "CreateRecipient", s.testCreateRecipient)
	} else {
		s.run(t, "NoDirectory", s.testNoDirectory)
	}
	if s.has(inventory.Mail, providers.Source) {
		s.reading(t)
	}
	if s.target != nil && s.has(inventory.Mail, providers.Target) {
		s.writing(t)
	}
}

func (s *suite) reading(t *testing.T) {
	s.run(t, "Folders", s.testFolders)
	s.run(t, "FetchPlain", s.testFetchPlain)
	s.run(t, "FetchMissing", s.testFetchMissing)
	s.run(t, "ChangesFirst", s.testChangesFirst)
	s.run(t, "ChangesPages", s.testChangesPages)
	s.run(t, "ChangesNew", s.testChangesNew)
	s.run(t, "ChangesBadCursor", s.testChangesBadCursor)
	s.run(t, "ChangesReset", s.testChangesReset)
	s.run(t, "Larger", s.testLarger)
	s.run(t, "AbandonedReads", s.testAbandonedReads)
	s.run(t, "CancelledReads", s.testCancelledReads)
}

func (s *suite) writing(t *testing.T) {
	s.run(t, "PutPlain", s.testPutPlain)
	s.run(t, "PutOddContent", s.testPutOddContent)
	s.run(t, "PutLarge", s.testPutLarge)
	s.run(t, "PutMany", s.testPutMany)
	s.run(t, "PutFlags", s.testPutFlags)
	s.run(t, "PutReceived", s.testPutReceived)
	s.run(t, "PutOneBad", s.testPutOneBad)
	s.run(t, "PutNoFolder", s.testPutNoFolder)
	s.run(t, "PutAbandoned", s.testPutAbandoned)
	s.run(t, "PutCancelled", s.testPutCancelled)
	s.run(t, "CreateFolder", s.testCreateFolder)
	s.run(t, "CreateFolderRoles", s.testCreateFolderRoles)
	s.run(t, "CreateFolderOddNames", s.testCreateFolderOddNames)
	s.run(t, "RenameFolder", s.testRenameFolder)
	s.run(t, "Find", s.testFind)
	s.run(t, "FindAfter", s.testFindAfter)
	s.run(t, "EditFlags", s.testEditFlags)
	s.run(t, "EditMove", s.testEditMove)
	s.run(t, "EditDelete", s.testEditDelete)
	s.run(t, "ChangesEdited", s.testChangesEdited)
	s.run(t, "Parallel", s.testParallel)
	s.run(t, "OtherClasses", s.testOtherClasses)
	s.run(t, "CloseWhileStreaming", s.testCloseWhileStreaming)
}

// suite is a harness at work.
type suite struct {
	Harness
	description    providers.Description
	source, target providers.Endpoint
	info           map[providers.Role]providers.Info
}

func (s *suite) run(t *testing.T, name string, test func(t *testing.T)) {
	t.Run(name, func(t *testing.T) {
		if why := s.Skip[name]; why != "" {
			t.Skip(why)
		}
		test(t)
	})
}

// open opens an endpoint on each side that the provider has.
func (s *suite) open(t *testing.T) {
	s.info = map[providers.Role]providers.Info{}
	for _, role := range s.description.Roles {
		endpoint, err := s.Provider.Open(t.Context(), s.Options(t, role))
		if err != nil {
			t.Fatalf("open the %s: %v", role, err)
		}
		t.Cleanup(func() { endpoint.Close() })
		info, err := endpoint.Info(t.Context())
		if err != nil {
			t.Fatalf("info of the %s: %v", role, err)
		}
		s.info[role] = info
		if role == providers.Source {
			s.source = endpoint
		} else {
			s.target = endpoint
		}
	}
}

func (s *suite) has(ability inventory.Ability, role providers.Role) bool {
	return slices.Contains(s.description.Roles, role) && s.info[role].Has(ability)
}

// context ends with the test, and before a test binary gives up.
func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}
