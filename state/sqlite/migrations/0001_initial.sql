-- Version 1.

CREATE TABLE header (
	one     INTEGER PRIMARY KEY CHECK (one = 1),
	lineage TEXT NOT NULL,
	serial  INTEGER NOT NULL DEFAULT 0
);

-- The lock: one row while it is held. Instants are Unix nanoseconds.
CREATE TABLE lock (
	one       INTEGER PRIMARY KEY CHECK (one = 1),
	id        TEXT NOT NULL,
	operation TEXT NOT NULL,
	who       TEXT NOT NULL,
	host      TEXT NOT NULL,
	pid       INTEGER NOT NULL,
	since     INTEGER NOT NULL,
	renewed   INTEGER NOT NULL,
	machine   TEXT NOT NULL, -- where pid means something
	born      TEXT NOT NULL, -- when that process started
	stop_by   TEXT           -- who asked the holder to stop
);

CREATE TABLE run (
	number        INTEGER PRIMARY KEY,
	migration     TEXT NOT NULL,
	batch         TEXT NOT NULL,
	who           TEXT NOT NULL,
	host          TEXT NOT NULL,
	started       INTEGER,
	config_digest TEXT NOT NULL,
	plan_digest   TEXT NOT NULL,
	ended         INTEGER,
	outcome       TEXT NOT NULL DEFAULT '',
	steps         INTEGER NOT NULL DEFAULT 0,
	failed        INTEGER NOT NULL DEFAULT 0,
	items         INTEGER NOT NULL DEFAULT 0,
	bytes         INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX run_plan ON run (plan_digest) WHERE plan_digest <> '';

CREATE TABLE recipient (
	id              INTEGER PRIMARY KEY AUTOINCREMENT,
	migration       TEXT NOT NULL,
	source          TEXT NOT NULL,
	kind            TEXT NOT NULL,
	target          TEXT NOT NULL,
	source_identity TEXT NOT NULL,
	target_identity TEXT NOT NULL,
	batch           TEXT NOT NULL,
	created         INTEGER NOT NULL,
	digest          TEXT NOT NULL,
	run             INTEGER NOT NULL,
	synced          INTEGER,
	error           TEXT NOT NULL,
	error_code      TEXT NOT NULL,
	target_info     TEXT NOT NULL
);
CREATE UNIQUE INDEX recipient_key ON recipient (migration, source, kind);

CREATE TABLE folder (
	id              INTEGER PRIMARY KEY AUTOINCREMENT,
	recipient       INTEGER NOT NULL REFERENCES recipient (id),
	ability         TEXT NOT NULL,
	source          TEXT NOT NULL,
	path            TEXT NOT NULL,
	role            TEXT NOT NULL,
	identity        TEXT NOT NULL,
	epoch           TEXT NOT NULL,
	state           TEXT NOT NULL,
	cursor          TEXT NOT NULL,
	target          TEXT NOT NULL,
	target_path     TEXT NOT NULL,
	target_epoch    TEXT NOT NULL,
	target_endpoint TEXT NOT NULL,
	items           INTEGER NOT NULL DEFAULT 0,
	bytes           INTEGER NOT NULL DEFAULT 0,
	failed          INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX folder_recipient ON folder (recipient);

-- Sets of flags, each held once. 0 is the empty set and has no row.
CREATE TABLE flagset (
	id    INTEGER PRIMARY KEY,
	names TEXT NOT NULL UNIQUE
);

-- The ledger. source and target hold integers for decimal IDs and text for
-- others, so these columns have no type. There is no index beside the key:
-- every question is asked by it. References are kept by the program, which
-- counts the rows of each folder in the same transaction.
CREATE TABLE item (
	folder   INTEGER NOT NULL,
	source   NOT NULL,
	target,            -- NULL: unknown
	flags    INTEGER NOT NULL,
	size     INTEGER NOT NULL,
	received INTEGER,  -- Unix seconds; NULL: unknown
	status   INTEGER NOT NULL,
	digest   BLOB,     -- NULL: unknown
	version  TEXT,     -- NULL: none
	PRIMARY KEY (folder, source)
) WITHOUT ROWID;

CREATE TABLE intent (
	id        INTEGER PRIMARY KEY,
	recipient INTEGER NOT NULL REFERENCES recipient (id),
	folder    INTEGER NOT NULL REFERENCES folder (id),
	after     TEXT NOT NULL,
	items     BLOB NOT NULL
);
CREATE INDEX intent_recipient ON intent (recipient, folder);
CREATE INDEX intent_folder ON intent (folder);

-- folder 0 is the mailbox as a whole.
CREATE TABLE failure (
	recipient INTEGER NOT NULL REFERENCES recipient (id),
	folder    INTEGER NOT NULL,
	source    NOT NULL,
	code      TEXT NOT NULL,
	detail    TEXT NOT NULL,
	subject   TEXT NOT NULL,
	size      INTEGER NOT NULL,
	run       INTEGER NOT NULL,
	attempts  INTEGER NOT NULL,
	PRIMARY KEY (recipient, folder, source)
) WITHOUT ROWID;

CREATE TABLE loss (
	recipient INTEGER NOT NULL REFERENCES recipient (id),
	folder    INTEGER NOT NULL,
	source    NOT NULL,
	code      TEXT NOT NULL,
	detail    TEXT NOT NULL,
	subject   TEXT NOT NULL,
	size      INTEGER NOT NULL,
	run       INTEGER NOT NULL,
	attempts  INTEGER NOT NULL,
	PRIMARY KEY (recipient, folder, source, code, detail)
) WITHOUT ROWID;
