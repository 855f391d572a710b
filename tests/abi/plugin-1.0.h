/* SPDX-License-Identifier: Apache-2.0
 *
 * ezcdc/plugin.h - the only header a plugin includes.
 *
 * A plugin is a shared object that exports one data symbol, `ez_plugin`. All it needs
 * from the engine arrives in `struct ez_host`, so it links against nothing of ours.
 *
 * Model: a SOURCE reads changes and emits events; TRANSFORMs alter or drop events;
 * a SINK accepts batches of events and makes them durable; a STORE keeps the job's
 * checkpoint; an AGENT tells the scheduler which jobs to run. A job is one source, any
 * number of transforms, one sink and one store.
 *
 * Size rule: every struct but those marked FROZEN starts with its own size, written by
 * whoever allocates it. A reader touches a member only if EZ_HAS() says it is there.
 * New members go at the end; within one EZ_ABI_MAJOR nothing is reordered, retyped or
 * removed. No struct holds or ends in padding: a member added there would look present
 * in an older build.
 *
 * Thread rule: one instance belongs to one thread from open to close. Only wake() and
 * interrupt() may come from another. Host functions may be called from any thread,
 * except those that take a `struct ez_out`, `ez_plan`, `ez_report`, `ez_shape` or
 * `ez_desired`: these belong to the call that was given it. No callback may be
 * re-entered through the host.
 *
 * Ownership rule: what a call receives is borrowed until it returns; copy what must
 * live longer. What a call returns through a `ret_` argument stays the callee's and is
 * valid until the next call on that instance. Only open() creates, only close() frees.
 *
 * Errors: every fallible call returns EZ_OK, a positive result or a negative class and
 * then has filled `err` (host->fail does both). The class says what the engine does,
 * see the enum. Callbacks never log an error that they also return.
 */
#ifndef EZ_PLUGIN_H
#define EZ_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#define EZ_ABI_MAJOR 1
#define EZ_ABI_MINOR 0
#define EZ_MAGIC     0x505a4345u
#define EZ_EXPORT    __attribute__((visibility("default")))
#define EZ_PRINTF(a, b) __attribute__((format(printf, a, b)))

/* Is member m present in the struct that p points to, as its maker knew it? */
#define EZ_HAS(p, m) ((p)->size >= offsetof(__typeof__(*(p)), m) + sizeof((p)->m))

/* ------------------------------------------------------------------ basic values */

/* FROZEN. Bytes: may hold NUL, is not terminated. */
struct ez_view {
	const char *ptr;
	size_t len;
};

/*
 * FROZEN. A place in the source's history from which it can be resumed. `bytes` is
 * printable text of the source's own making (PostgreSQL: "0/1A2B3C8"), at most
 * EZ_POSITION_MAX long; only the source parses it. The engine compares `order` alone,
 * which rises with the source's commit order (PostgreSQL: the end LSN). bytes.len 0
 * means "none".
 */
struct ez_position {
	struct ez_view bytes;
	uint64_t order;
};
enum { EZ_POSITION_MAX = 255 };

/* What a call answers; >= 0 is not an error. */
enum ez_result {
	EZ_OK = 0,
	EZ_AGAIN = 1,         /* nothing to do now, or: hand control back soon */
	EZ_EOF = 2,           /* there is no more (or: there is none) */
	EZ_SKIP = 3,          /* transform: not interested in this table / drop this event */
	EZ_E_TRANSIENT = -1,  /* the same call may work later: back off, call again */
	EZ_E_DATA = -2,       /* this row can never be accepted: dead letter, or stop */
	EZ_E_CONFIG = -3,     /* an operator must change something: stop the job */
	EZ_E_GONE = -4,       /* the position is no longer served: stop, never skip */
	EZ_E_FATAL = -5,      /* an invariant is broken: stop, keep everything */
	EZ_E_CANCELLED = -6,  /* interrupt() was honoured */
	EZ_E_PERMISSION = -7, /* credentials refused, or a right is missing */
	EZ_E_BUSY = -8,       /* another process holds it, or a newer epoch took over */
	EZ_E_IO = -9          /* a local file or folder cannot be read or written */
};

#define EZ_ROW_UNKNOWN UINT32_MAX

/* Owned by the caller, filled by host->fail (and host->hint). */
struct ez_error {
	size_t size;
	int32_t rc;
	uint32_t retry_after_ms; /* 0: the engine chooses */
	uint64_t batch;          /* EZ_E_DATA: number of the batch, 0: the one at hand */
	uint32_t row;            /* EZ_E_DATA: index in that batch, or EZ_ROW_UNKNOWN */
	uint32_t reserved;
	char code[16];           /* SQLSTATE, HTTP status, errno name; may be "" */
	char text[480];          /* one line: what happened, to what; never a row's value */
	char hint[480];          /* one line: what to do next; may be "" */
};

/* ------------------------------------------------------------------ tables, rows */

/*
 * Logical types. A value is the canonical text named here, whatever the source; it is
 * carried untouched from source to sink. Text is UTF-8 unless the source says otherwise.
 */
enum ez_type {
	EZ_TYPE_OTHER = 0,   /* the source's own text */
	EZ_TYPE_BOOL,        /* t, f */
	EZ_TYPE_INT2,        /* decimal */
	EZ_TYPE_INT4,
	EZ_TYPE_INT8,
	EZ_TYPE_FLOAT4,      /* shortest exact decimal; NaN, Infinity, -Infinity */
	EZ_TYPE_FLOAT8,
	EZ_TYPE_NUMERIC,     /* exact decimal; NaN, Infinity, -Infinity */
	EZ_TYPE_TEXT,        /* any character type; char(n) blank-padded */
	EZ_TYPE_BYTES,       /* \x and lower-case hex digits */
	EZ_TYPE_DATE,        /* 2024-02-29; optionally " BC"; infinity, -infinity */
	EZ_TYPE_TIME,        /* 12:00:00[.123456]; 24:00:00 exists */
	EZ_TYPE_TIMETZ,      /* 12:00:00[.123456]+02[:30[:15]] */
	EZ_TYPE_TIMESTAMP,   /* 2024-02-29 12:00:00[.123456], optionally " BC"; infinity */
	EZ_TYPE_TIMESTAMPTZ, /* as timestamp, followed by +00: always UTC */
	EZ_TYPE_INTERVAL,    /* ISO 8601 or the source's text */
	EZ_TYPE_UUID,        /* 8-4-4-4-12 lower-case hex digits */
	EZ_TYPE_JSON,        /* JSON text */
	EZ_TYPE_ENUM,        /* the label */
	EZ_TYPE_ARRAY,       /* {a,"b c",NULL}, PostgreSQL's array text */
	EZ_TYPE_COMPOSITE,   /* the source's own text */
	EZ_TYPE_RANGE        /* the source's own text; multiranges too */
};

/* State of one value. */
enum ez_cell_kind {
	EZ_CELL_NULL = 0,
	EZ_CELL_TEXT,      /* canonical text at ptr, len; len 0 is the empty string */
	EZ_CELL_UNCHANGED, /* in `after`: the row keeps the value it has; it was not sent */
	EZ_CELL_ABSENT,    /* in `before`: not part of what the source keeps of old rows */
	EZ_CELL_BYTES      /* raw bytes; only in messages */
};

/* FROZEN. One column value. Points into the batch. */
struct ez_cell {
	const char *ptr;
	uint32_t len;
	uint32_t kind;
};

enum ez_column_flag {
	EZ_COL_KEY = 1u << 0,       /* part of the row's key */
	EZ_COL_NOT_NULL = 1u << 1,
	EZ_COL_GENERATED = 1u << 2
};

struct ez_column {
	size_t size;
	struct ez_view name;
	struct ez_view native;   /* the source's name for the type: "numeric(10,2)" */
	struct ez_view fallback; /* the source's default, as a literal; len 0: none known */
	uint32_t type;           /* enum ez_type */
	uint32_t flags;          /* enum ez_column_flag */
	uint32_t id;             /* stays the same through a rename; 0: unknown */
	uint32_t native_type;    /* the source's own number (PostgreSQL: type OID) */
	int32_t type_mod;        /* as the source has it; -1: none */
	uint32_t element;        /* EZ_TYPE_ARRAY: enum ez_type of the elements */
	int32_t precision;       /* numeric: digits in all; -1: unlimited */
	int32_t scale;           /* numeric: digits after the point (may be negative) */
	int32_t length;          /* text: characters; bytes of bit strings; -1: unlimited */
	uint32_t reserved;
};

enum ez_table_flag {
	EZ_TABLE_FULL_IDENTITY = 1u << 0, /* old rows come whole */
	EZ_TABLE_NO_IDENTITY = 1u << 1    /* old rows do not come: inserts only */
};

/*
 * An immutable, versioned shape. A new shape of the same table is a new descriptor with
 * the same id and a higher version; it travels in order with the rows.
 */
struct ez_table {
	size_t size;
	uint64_t id;      /* the source's own stable number of the table */
	uint64_t uid;     /* number of this descriptor: never reused while the process lives */
	struct ez_view schema, name;
	uint32_t version; /* rises by one with each new shape, kept across restarts */
	uint32_t flags;   /* enum ez_table_flag */
	uint32_t n_columns, n_keys;
	const struct ez_column *const *columns;
	uint64_t lsn; /* ez_commit.lsn of what is about to come in this shape; 0: a snapshot */
};

enum ez_op {
	EZ_OP_SNAPSHOT = 'r', /* a row that was there when the copy was made */
	EZ_OP_INSERT = 'c',
	EZ_OP_UPDATE = 'u',
	EZ_OP_DELETE = 'd',
	EZ_OP_TRUNCATE = 't',
	EZ_OP_MESSAGE = 'm'   /* table NULL; after[0] is the prefix, after[1] the content */
};

enum ez_event_flag {
	EZ_EV_KEY_CHANGED = 1u << 0, /* update: before holds the old key, which differs */
	EZ_EV_BEFORE_FULL = 1u << 1, /* before is the whole old row, not just its key */
	EZ_EV_CASCADE = 1u << 2,     /* truncate */
	EZ_EV_RESTART_IDENTITY = 1u << 3,
	EZ_EV_NOT_TRANSACTIONAL = 1u << 4, /* message outside any transaction */
	EZ_EV_UNCHECKED_TEXT = 1u << 5 /* the source does not know that values are UTF-8: the
	                                  engine rejects the row if they are not */
};

/*
 * One transaction's share of a batch. `lsn` is where the source's log has the commit (what
 * readers know as commit_lsn); position.order is the end of the transaction. While the
 * transaction goes on in a later batch, position.bytes.len is 0 and position.order 0.
 */
struct ez_commit {
	size_t size;
	uint64_t lsn;
	int64_t time_us;             /* commit time, microseconds since 1970 */
	struct ez_position position; /* resume here once this is durable */
	uint32_t xid;
	uint32_t index;              /* this entry's place in batch->commits */
	uint64_t first, n_events;    /* its events: events[first .. first + n_events) */
};

/*
 * (tx->lsn, seq) identifies a change and rises through the stream. Snapshot rows share
 * one lsn and are told apart by (batch->part, seq). Fields are the source's and the
 * transforms' to write until the event is emitted; sinks only read.
 */
struct ez_event {
	size_t size;
	uint32_t op;                  /* enum ez_op */
	uint32_t flags;               /* enum ez_event_flag */
	const struct ez_table *table;
	struct ez_cell *before;       /* n_columns cells, or NULL */
	struct ez_cell *after;        /* n_columns cells, or NULL */
	const struct ez_commit *tx;
	uint64_t lsn;                 /* of this change */
	uint64_t seq;                 /* place in its transaction (or part), from 0 */
};

enum ez_batch_flag {
	EZ_BATCH_SNAPSHOT = 1u << 0,  /* rows of one snapshot part */
	EZ_BATCH_CONTINUED = 1u << 1, /* its first transaction began in an earlier batch */
	EZ_BATCH_OPEN = 1u << 2,      /* its last transaction goes on in the next batch */
	EZ_BATCH_PIECE = 1u << 3      /* part of a batch that is being bisected */
};

/*
 * Events in commit order. The memory behind it is the engine's and stays until the batch
 * is durable. Numbers are 1, 2, 3... per writer instance; a bisected batch comes as
 * pieces with the same number, the last of which lacks EZ_BATCH_PIECE.
 */
struct ez_batch {
	size_t size;
	uint64_t number;
	const struct ez_event *const *events;
	size_t n_events;
	const struct ez_commit *const *commits;
	size_t n_commits;
	size_t bytes;          /* of values; a hint for sizing buffers */
	struct ez_view label;  /* the same for every attempt at this batch */
	uint32_t flags;        /* enum ez_batch_flag */
	uint32_t part;         /* snapshot: number of the part */
};

/* ------------------------------------------------------------------ configuration */

enum ez_option_type {
	EZ_OPT_STRING = 1,
	EZ_OPT_INT,
	EZ_OPT_BOOL,
	EZ_OPT_SIZE,     /* bytes: "64MiB" */
	EZ_OPT_DURATION, /* microseconds: "500ms", "1s", "2h" */
	EZ_OPT_ENUM,     /* one of `choices` */
	EZ_OPT_LIST,     /* of strings */
	EZ_OPT_MAP,      /* names to strings */
	EZ_OPT_SECRET    /* "text", { file = ... }, { env = ... } or { fd = ... } */
};

enum ez_option_flag {
	EZ_OPTF_REQUIRED = 1u << 0,
	EZ_OPTF_LIVE = 1u << 1,       /* may change while the job runs (SIGHUP) */
	EZ_OPTF_CONNECTION = 1u << 2  /* belongs to the datasource rather than to the job */
};

/*
 * One option. From these tables the engine validates job files, fills defaults, prints
 * `ezcdc plugins NAME`, checks the manual page and draws the portal's forms.
 */
struct ez_option {
	size_t size;
	uint32_t type;        /* enum ez_option_type */
	uint32_t flags;       /* enum ez_option_flag */
	const char *name;
	const char *label;    /* for forms: "Table name pattern" */
	const char *group;    /* for forms: "Connection"; NULL: general */
	const char *fallback; /* as it would stand in a job file; NULL: none */
	const char *choices;  /* EZ_OPT_ENUM: "none|gzip|zstd" */
	const char *help;     /* a sentence or two */
	int64_t min, max;     /* INT, SIZE, DURATION: allowed range; both 0: any */
};

/* A validated section of the job file, seen through its option table. */
struct ez_config;

/* The engine's end of an instance; given at open, passed back to host functions. */
struct ez_ctx;

enum ez_role {
	EZ_ROLE_MAIN = 0, /* stream; sink: writer 0 */
	EZ_ROLE_READER,   /* snapshot reader, or the writer that serves it */
	EZ_ROLE_CHECK,    /* for check(), discover(), drop(), forget() and comparing: changes
	                     nothing unless told to */
	EZ_ROLE_PROBE     /* the engine looks at the option values only: no side effects */
};

struct ez_open {
	size_t size;
	const struct ez_config *config;
	struct ez_ctx *ctx;
	struct ez_view job;        /* the job's name */
	struct ez_view id;         /* base for slots, publications, labels: "ezcdc_<name>" */
	struct ez_view scratch;    /* folder for unnamed temporary files, NUL-terminated */
	uint64_t epoch;            /* fencing epoch of this run; 0: none */
	uint64_t memory;           /* the job's budget in bytes */
	uint64_t batch_bytes;      /* largest batch a sink will see (a lone row may exceed it) */
	uint32_t role;             /* enum ez_role */
	uint32_t worker, n_workers;
	uint32_t reserved;
	uint32_t alone;            /* 1: check() of one end of a job that is not made yet: what
	                              it will select is not known */
	uint32_t reserved2;
};

/* ------------------------------------------------------------------ the host */

struct ez_out;     /* where a source and transforms put events */
struct ez_plan;    /* where a source puts the parts of a snapshot */
struct ez_report;  /* where check() and discover() put findings */
struct ez_shape;   /* where a transform puts the new shape of a table */
struct ez_desired; /* where an agent puts the jobs it wants */

enum ez_finding { EZ_FINDING_OK = 0, EZ_FINDING_WARNING, EZ_FINDING_FAILED };

/* A table that discover() found. */
struct ez_found {
	size_t size;
	struct ez_view schema, name, key, reason; /* key: "id, lang"; reason: why not ready */
	int64_t rows_estimate, bytes;             /* -1: unknown */
	uint32_t ready;                           /* 1: can be replicated as configured */
	uint32_t reserved;
};

/* A piece of a snapshot that one reader copies in one go. */
struct ez_part {
	size_t size;
	const struct ez_table *table; /* the shape its rows have */
	struct ez_view spec;          /* what the source needs to find it again */
	int64_t rows_estimate, bytes_estimate;
	uint32_t number;              /* set by the engine, unique in the snapshot */
	uint32_t reserved;
};

/* One job that an agent wants to run. */
struct ez_want {
	size_t size;
	struct ez_view id, name;
	struct ez_view config;   /* text of the job file, secrets as literals */
	uint64_t revision, epoch;
	uint32_t state;          /* 0 stopped, 1 running, 2 paused */
	uint32_t reserved;
};

/* Something an agent asks the scheduler to do once. */
struct ez_task {
	size_t size;
	struct ez_view id, kind; /* kind: "check", "discover", "log" */
	struct ez_view config;   /* text of a job file, or what the kind needs */
};

struct ez_host {
	size_t size;
	uint32_t abi_major, abi_minor;

	/* Diagnostics. level: syslog's numbers, 3 error ... 7 debug. */
	void (*log)(int level, const char *fmt, ...) EZ_PRINTF(2, 3);
	/* Fills err and returns rc, so that failing is one statement. */
	int (*fail)(struct ez_error *err, int rc, const char *code, const char *fmt, ...)
		EZ_PRINTF(4, 5);
	/* Adds the remedy to a filled err and returns its class. */
	int (*hint)(struct ez_error *err, const char *fmt, ...) EZ_PRINTF(2, 3);
	int64_t (*now_us)(void); /* wall clock, microseconds since 1970 */

	/*
	 * Options. They cannot fail: the section was validated against the table, and an
	 * option that is not in it is a programming error. Views stay valid for the life of
	 * the instance and are NUL-terminated.
	 */
	struct ez_view (*str)(const struct ez_config *, const char *name);
	int64_t (*num)(const struct ez_config *, const char *name); /* INT BOOL SIZE DURATION */
	int (*is_set)(const struct ez_config *, const char *name);  /* given, or has a default */
	size_t (*count)(const struct ez_config *, const char *name); /* items of LIST or MAP */
	struct ez_view (*item)(const struct ez_config *, const char *name, size_t i);
	struct ez_view (*item_key)(const struct ez_config *, const char *name, size_t i);
	/*
	 * The newest value of a secret, NUL-terminated into buf; *ret_len 0 if it is not set.
	 * Wipe buf after use.
	 */
	int (*secret)(const struct ez_config *, const char *name, char *buf, size_t cap,
	              size_t *ret_len, struct ez_error *);

	/* Flow and memory. */
	void (*metric)(struct ez_ctx *, const char *name, int64_t delta);
	/* Charges (or gives back) memory that the plugin holds beyond batches; never blocks.
	 * EZ_AGAIN: the budget is spent, hold back. */
	int (*mem)(struct ez_ctx *, int64_t delta_bytes);
	/* Sink: durable() has news. May be called from the plugin's own threads. */
	void (*wake)(struct ez_ctx *);
	/* Sink: this row of an accepted batch can never be loaded. EZ_OK: it is in the dead
	 * letter file, leave it out; EZ_E_DATA: policy is to stop, return that. */
	int (*reject)(struct ez_ctx *, uint64_t batch, uint32_t row, struct ez_error *);

	/* Sources, inside poll(). */
	/* Bytes that may be emitted now; 0: return from poll, idle() will be called. */
	size_t (*room)(const struct ez_out *);
	/* Memory that lives as long as the batch; 8-byte aligned, never NULL. What was
	 * allocated since the last emit is taken back when the event is dropped. */
	void *(*alloc)(struct ez_out *, size_t n);
	/* Hands foreign memory to the batch, which releases it. */
	void (*adopt)(struct ez_out *, void *mem, size_t n, void (*release)(void *));
	/* Declares a shape, copied. Returns the descriptor to put into events: the same one
	 * for an equal shape; a new one for a new shape. The descriptor stays valid until
	 * this table is declared with another shape. NULL: a transform or the sink refused,
	 * err says why. */
	const struct ez_table *(*table)(struct ez_out *, const struct ez_table *shape,
	                                struct ez_error *);
	/* Opens a transaction; lsn, xid and time_us are copied from tx. */
	void (*begin)(struct ez_out *, const struct ez_commit *tx);
	/* A fresh event with uninitialised cell arrays; 0 cells: NULL. lsn and seq are the
	 * caller's to set. Not in the batch until emitted; at most one at a time. */
	struct ez_event *(*event)(struct ez_out *, const struct ez_table *, uint32_t op,
	                          uint32_t n_before, uint32_t n_after);
	/* EZ_AGAIN: taken, but return from poll soon. Errors end the poll. */
	int (*emit)(struct ez_out *, struct ez_event *, struct ez_error *);
	/* Ends the transaction. EZ_AGAIN as emit. */
	int (*commit)(struct ez_out *, struct ez_position, struct ez_error *);
	/* Nothing is pending at the source and its position has moved on by itself. */
	void (*idle_at)(struct ez_out *, struct ez_position);
	/* Inside plan(). The engine copies. */
	int (*part)(struct ez_plan *, const struct ez_part *, struct ez_error *);

	/* Transforms, inside table(): the shape that leaves it, copied. */
	void (*reshape)(struct ez_shape *, const struct ez_table *);

	/* check() and discover(). */
	void (*finding)(struct ez_report *, int status, const char *what, const char *remedy,
	                const char *fmt, ...) EZ_PRINTF(5, 6);
	void (*found)(struct ez_report *, const struct ez_found *);

	/* Agents, inside poll(). */
	int (*want)(struct ez_desired *, const struct ez_want *);
	int (*task)(struct ez_desired *, const struct ez_task *);

	/* Agents, at any time. 1: the worker drains and will be gone; wake() is called when
	 * that begins. */
	int (*leaving)(void);
};

/* ------------------------------------------------------------------ source */

enum ez_slot_state { EZ_SLOT_NONE = 0, EZ_SLOT_READY, EZ_SLOT_LOST };

/* What the engine must know before it decides where to start. */
struct ez_source_info {
	size_t size;
	struct ez_view identity;      /* which server and database this is; stored, and
	                                 given back to same() on the next start */
	struct ez_view server;        /* for people: "PostgreSQL 15.18" */
	struct ez_view slot_name;     /* for messages */
	struct ez_view slot_reason;   /* EZ_SLOT_LOST: why */
	struct ez_position confirmed; /* EZ_SLOT_READY: what the server thinks is durable */
	struct ez_position now;       /* end of the log as of this call */
	uint32_t slot;                /* enum ez_slot_state */
	uint32_t create;              /* 1: the job may make slot and publication */
};

enum ez_prepare_flag {
	EZ_PREPARE_DROP = 1u << 0,     /* remove a slot of that name first: ours, half-made */
	EZ_PREPARE_SNAPSHOT = 1u << 1, /* export a snapshot that belongs to the slot's start */
	EZ_PREPARE_TEMPORARY = 1u << 2, /* the slot need not outlive the process */
	EZ_PREPARE_VIEW = 1u << 3 /* a snapshot for reading alone, with EZ_CAP_VIEW: nothing is
	                             made or changed at the server; what the snapshot shows
	                             is not newer than `position` */
};

struct ez_prepared {
	size_t size;
	struct ez_position position; /* the consistent point: changes after it will stream */
	struct ez_view snapshot;     /* token for readers */
	int64_t time_us;             /* when the snapshot was taken */
};

struct ez_source_status {
	size_t size;
	uint64_t received;        /* order of the newest data or keepalive seen */
	uint64_t confirmed;       /* order last confirmed to the server */
	uint64_t server;          /* order of the end of the server's log; 0: unknown */
	int64_t retained_bytes;   /* log kept for this slot; -1: unknown */
	int64_t safe_bytes;       /* log that may still be written before the slot is lost; -1 */
	int64_t held_bytes;       /* of transactions in progress, in memory and spilled */
	uint32_t connected, held; /* held: number of transactions in progress that are kept */
	uint64_t reconnects;
};

/*
 * Life of a source, all on one thread: open; info; perhaps same, prepare, plan and (in
 * EZ_ROLE_READER instances) part_open, poll until EZ_EOF, part_close; start; poll for
 * ever. Connections are made lazily: open() never blocks.
 */
struct ez_source {
	size_t size;
	/* required */
	int (*open)(const struct ez_open *, void **ret_inst, struct ez_error *);
	void (*close)(void *); /* a streaming source confirms the last ack first */
	int (*info)(void *, struct ez_source_info *ret_info, struct ez_error *);
	/* Stream from `from`; changes that end at or before it are not emitted. `until`:
	 * order the engine waits for, 0: none; a source then reports idle_at eagerly. */
	int (*start)(void *, struct ez_position from, uint64_t until, struct ez_error *);
	/* Emits what there is, waits at most wait_ms if there is nothing. EZ_OK, EZ_AGAIN
	 * (nothing came), EZ_EOF. Reconnects by itself with backoff, for ever; waiting for
	 * that is EZ_AGAIN. */
	int (*poll)(void *, struct ez_out *, uint32_t wait_ms, struct ez_error *);
	/* optional: NULL if the source has no such notion */
	/* Everything up to here is durable: tell the server when convenient. Never blocks. */
	int (*ack)(void *, struct ez_position, struct ez_error *);
	/* Called instead of poll while downstream is full or paused, and while readers copy
	 * a snapshot: keeps connections alive, takes no data. Returns after wait_ms. */
	int (*idle)(void *, uint32_t wait_ms, struct ez_error *);
	void (*wake)(void *);      /* any thread: make a waiting poll or idle return soon */
	void (*interrupt)(void *); /* any thread, for ever: give up whatever blocks */
	/* Is this the server that `identity` came from, and does it still have `from`? Else
	 * EZ_E_GONE or EZ_E_CONFIG with the remedy. */
	int (*same)(void *, struct ez_view identity, struct ez_position from, struct ez_error *);
	int (*prepare)(void *, uint32_t flags, struct ez_prepared *ret, struct ez_error *);
	/* Cuts the snapshot into parts (host->part). EZ_AGAIN: a table changed in a way the
	 * snapshot cannot see; prepare again. */
	int (*plan)(void *, struct ez_plan *, struct ez_out *, struct ez_error *);
	int (*part_open)(void *, struct ez_view snapshot, const struct ez_part *,
	                 struct ez_error *);
	void (*part_close)(void *);
	/* All parts of this table are copied: locks may go. */
	void (*table_done)(void *, uint64_t table_id);
	/* The snapshot is over (or given up): close its sessions. */
	void (*snapshot_done)(void *);
	int (*status)(void *, struct ez_source_status *ret); /* never blocks */
	int (*position)(void *, struct ez_view text, struct ez_position *ret, struct ez_error *);
	int (*check)(void *, struct ez_report *, struct ez_error *);
	int (*discover)(void *, struct ez_report *, struct ez_error *);
	int (*drop)(void *, struct ez_error *); /* remove slot and publication */
};

/* ------------------------------------------------------------------ transform */

/*
 * One instance per thread that emits. `table` is asked once per shape; what it returns
 * in ret_state comes back with each event of that shape.
 */
struct ez_transform {
	size_t size;
	/* required */
	int (*open)(const struct ez_open *, void **ret_inst, struct ez_error *);
	void (*close)(void *);
	/* EZ_SKIP: events of this table pass untouched. EZ_OK: apply sees them; call
	 * host->reshape if the shape changes. */
	int (*table)(void *, const struct ez_table *in, struct ez_shape *out,
	             void **ret_state, struct ez_error *);
	/* Alters the event in place: new cells come from host->alloc(out), existing cells may
	 * be overwritten, their text not. ev->table already is the new shape if there is one;
	 * before and after are still as `in`. EZ_OK: keep it; EZ_SKIP: drop it. Sees
	 * truncates too (no cells), and messages (no table, state NULL). */
	int (*apply)(void *, void *state, struct ez_event *ev, struct ez_out *out,
	             struct ez_error *);
	/* optional */
	void (*table_free)(void *, void *state);
};

/* ------------------------------------------------------------------ sink */

/* The copy of all tables that stands at a job's beginning. */
struct ez_snapshot {
	size_t size;
	uint64_t number;             /* of this job's snapshots, from 1 */
	struct ez_position position; /* the consistent point */
	uint32_t restart;            /* 1: an earlier attempt at it was cut short: empty what
	                                this job copied before */
	uint32_t append;             /* 1: the target may already hold rows */
};

/* How a row of the target and its row of the source differ. */
enum ez_difference_kind {
	EZ_DIFFERENCE_MISSING = 1, /* the target has no such row */
	EZ_DIFFERENCE_EXTRA,       /* the source has no such row */
	EZ_DIFFERENCE_CHANGED      /* both have it, with other values */
};

struct ez_difference {
	size_t size;
	struct ez_view key; /* for people */
	uint32_t kind;      /* enum ez_difference_kind */
	uint32_t reserved;
};

enum ez_compared_state {
	EZ_COMPARED_EQUAL = 0,
	EZ_COMPARED_DIFFERENT,
	EZ_COMPARED_OPEN /* not certain yet: compare again with the rows of a newer snapshot */
};

/* What comparing has found about one table. */
struct ez_compared {
	size_t size;
	struct ez_view target;    /* what the table is there: "shop.orders" */
	struct ez_view unchecked; /* columns of which only NULL or not is compared: "a, b" */
	uint64_t source_rows, target_rows;
	uint64_t missing, extra, changed; /* rows that differ for certain */
	uint64_t unsettled;       /* rows that differed and were changed by the source since */
	uint64_t refused;         /* rows of the source that the target cannot hold */
	const struct ez_difference *const *differences; /* the first of them */
	size_t n_differences;
	uint32_t state;           /* enum ez_compared_state */
	uint32_t partial;         /* 1: there are differences that were not looked into */
};

/*
 * Writer 0 takes the stream; snapshot writers (EZ_ROLE_READER) are instances of their
 * own. write() encodes or copies: nothing is durable until durable() says so, unless the
 * plugin has EZ_CAP_DURABLE_WRITE. Without durable(), a successful flush() means durable.
 * A batch is never written twice to one instance; EZ_E_TRANSIENT from write means
 * "nothing of it was accepted", from flush or durable "call again".
 */
struct ez_sink {
	size_t size;
	/* required */
	int (*open)(const struct ez_open *, void **ret_inst, struct ez_error *);
	void (*close)(void *);
	int (*write)(void *, const struct ez_batch *, struct ez_error *);
	/* optional */
	/* Starts to make all accepted batches durable. */
	int (*flush)(void *, struct ez_error *);
	/* Newest batch number that is durable, with all before it; waits at most wait_ms
	 * for news. A sink that calls host->wake is asked with wait_ms 0. */
	int (*durable)(void *, uint32_t wait_ms, uint64_t *ret_number, struct ez_error *);
	/* The position that the target itself holds; EZ_EOF: none. Also cuts back what a
	 * crash left beyond it. Writer 0, before anything else. */
	int (*recover)(void *, struct ez_position *ret, struct ez_error *);
	/* Prepares or evolves the target; before == NULL: first seen. All earlier batches are
	 * durable. Writer 0 acts, the others are told afterwards. */
	int (*table)(void *, const struct ez_table *before, const struct ez_table *now,
	             struct ez_error *);
	/* Writer 0: the copy of a table begins. */
	int (*snapshot_begin)(void *, const struct ez_snapshot *, const struct ez_table *,
	                      struct ez_error *);
	/* Writer 0: all of the snapshot is durable and will not be repeated: show it. Safe to
	 * repeat. */
	int (*snapshot_end)(void *, const struct ez_snapshot *, struct ez_error *);
	int (*check)(void *, struct ez_report *, struct ez_error *);
	int (*forget)(void *, struct ez_error *); /* remove the sink's own notes on this job */
	void (*interrupt)(void *); /* any thread, for ever: give up whatever blocks */
	/*
	 * Comparing, with EZ_CAP_COMPARE, in instances of EZ_ROLE_CHECK: all three or none.
	 * Rounds count from 1; in each, for every table that is still open, compare_begin,
	 * compare_rows with all rows of a snapshot as the job would copy them, compare_end.
	 * The target holds at least what the snapshot shows when compare_end is called, and
	 * the next round's snapshot is taken after it: so a row that the source has not
	 * changed between two snapshots and that differs after both differs for certain.
	 * `last`: there will be no other round. Nothing at the target is changed.
	 */
	int (*compare_begin)(void *, const struct ez_table *, uint32_t round, struct ez_error *);
	int (*compare_rows)(void *, const struct ez_batch *, struct ez_error *);
	int (*compare_end)(void *, uint32_t last, struct ez_compared *ret, struct ez_error *);
};

/* ------------------------------------------------------------------ store */

/*
 * Keeps one checkpoint, a small text, for one job. save() replaces it atomically and
 * durably, and only while no newer epoch has saved: else EZ_E_BUSY.
 */
struct ez_store {
	size_t size;
	/* required */
	int (*open)(const struct ez_open *, void **ret_inst, struct ez_error *);
	void (*close)(void *);
	int (*load)(void *, struct ez_view *ret_text, struct ez_error *); /* EZ_EOF: none yet */
	int (*save)(void *, struct ez_view text, struct ez_error *);
	/* optional */
	int (*remove)(void *, struct ez_error *);
	int (*check)(void *, struct ez_report *, struct ez_error *);
	void (*interrupt)(void *);
};

/* ------------------------------------------------------------------ agent */

struct ez_job_status {
	size_t size;
	struct ez_view id;
	struct ez_view status; /* the daemon's status document, JSON */
	struct ez_view error;  /* why it is not running; may be empty */
	uint64_t revision, epoch;
	int32_t exit_code;     /* of the last run that ended; -1: none */
	uint32_t state;        /* 0 stopped, 1 running, 2 paused, 3 failed, 4 starting */
};

struct ez_agent {
	size_t size;
	/* required */
	int (*open)(const struct ez_open *, void **ret_inst, struct ez_error *);
	void (*close)(void *);
	/* States the whole desired set (host->want) and new tasks (host->task). EZ_AGAIN:
	 * nothing has changed, or the control plane cannot be reached. */
	int (*poll)(void *, struct ez_desired *, uint32_t wait_ms, struct ez_error *);
	int (*report)(void *, const struct ez_job_status *const *, size_t n, struct ez_error *);
	/* optional */
	int (*result)(void *, struct ez_view task_id, int rc, struct ez_view json,
	              struct ez_error *);
	/* The option tables of the worker's plugins, as `ezcdc plugins --json` prints them. */
	int (*plugins)(void *, struct ez_view json, struct ez_error *);
	void (*interrupt)(void *);
	void (*wake)(void *); /* any thread: make a waiting poll return soon */
};

/* ------------------------------------------------------------------ the plugin */

enum ez_kind { EZ_SOURCE = 1, EZ_TRANSFORM, EZ_SINK, EZ_AGENT, EZ_STORE };

/* Low half: hints an engine may ignore. High half: must be understood, or the plugin is
 * refused by name. */
#define EZ_CAP_DURABLE_WRITE (UINT64_C(1) << 0) /* sink: what write took is durable */
#define EZ_CAP_IDEMPOTENT    (UINT64_C(1) << 1) /* sink: a repeated change does no harm */
#define EZ_CAP_SNAPSHOT      (UINT64_C(1) << 2) /* source can copy, sink can take a copy */
#define EZ_CAP_PARTIAL_ROWS  (UINT64_C(1) << 3) /* sink: applies rows with EZ_CELL_UNCHANGED */
#define EZ_CAP_ORDERED       (UINT64_C(1) << 4) /* sink: keeps order itself, across tables and
                                                   shapes: no barriers needed */
#define EZ_CAP_ATOMIC        (UINT64_C(1) << 5) /* sink: a whole batch becomes visible at once */
#define EZ_CAP_POSITION      (UINT64_C(1) << 6) /* sink: keeps the position with the data */
#define EZ_CAP_STREAMING     (UINT64_C(1) << 7) /* sink: what write took is never rejected later
                                                   and small batches cost it no more: the
                                                   engine hands over early and forgets */
#define EZ_CAP_VIEW          (UINT64_C(1) << 8) /* source: prepare() knows EZ_PREPARE_VIEW */
#define EZ_CAP_COMPARE       (UINT64_C(1) << 9) /* sink: can compare its rows with the source's */
#define EZ_CAP_MUST_KNOW     (~UINT64_C(0) << 32)

struct ez_plugin {
	uint32_t magic;
	uint16_t abi_major, abi_minor;
	size_t size;
	uint64_t caps;
	uint32_t kind, reserved; /* enum ez_kind */
	const char *name, *version, *summary;
	const struct ez_option *const *options; /* ends with NULL; may be NULL */
	int (*load)(const struct ez_host *);    /* once per process; may be NULL */
	union {
		const struct ez_source *source;
		const struct ez_transform *transform;
		const struct ez_sink *sink;
		const struct ez_agent *agent;
		const struct ez_store *store;
	} ops;
};

#define EZ_PLUGIN_HEAD EZ_MAGIC, EZ_ABI_MAJOR, EZ_ABI_MINOR, sizeof(struct ez_plugin)

#ifdef __cplusplus
extern "C"
#else
extern
#endif
EZ_EXPORT const struct ez_plugin ez_plugin;

#endif
