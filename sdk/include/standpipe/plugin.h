/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/plugin.h: the contract between the Standpipe router (the host) and a plugin, as a C
 * ABI. It is C11 and needs only stdint.h and stddef.h. C++ authors include <standpipe/plugin.hpp>
 * instead and need not read this file.
 *
 * Binary rules
 *   1. A plugin is a shared object with one export, standpipe_plugin_v1, which returns a constant
 *      description. That function does no I/O and starts no thread. The plugin imports nothing from
 *      the host: everything that it may call is in standpipe_host.
 *   2. Every struct that may grow begins with `uint32_t size`, set by the side that allocates it.
 *      New fields are only ever appended. Read or write a field only if it lies inside `size`
 *      (STANDPIPE_HAS). Arrays of structs come with a stride: advance by the stride, not by sizeof.
 *      A struct in an array that has no size of its own ends at the stride (STANDPIPE_STRIDE_HAS).
 *      Five structs never change: standpipe_string, standpipe_item, standpipe_pair,
 *      standpipe_reason and standpipe_note.
 *   3. Arguments are borrowed: they are valid until the call returns. Neither side frees the
 *      other's memory. No exception leaves a call, in either direction.
 *   4. Versions: the major version must be equal, and the minor version that the plugin needs must
 *      not be above the host's. Otherwise the host refuses the plugin and names both versions.
 *   5. Optional powers are extensions, found by name and revision: host->extension(host->self,
 *      "standpipe.output/1"). NULL means that this host lacks the power.
 *   6. The host loads a plugin with RTLD_NOW | RTLD_LOCAL and never unloads it.
 *
 * When something fails, the answer says whose fault it is, and that decides what becomes of the
 * messages
 *   DISCONNECTED  of an instance, from open, handle or flush: what it needs is not there (a
 *                 database, a peer, a disk), and no message is to blame. Messages that are not
 *                 settled wait in the log, and no attempt is counted. The host calls close, waits
 *                 (longer each time, up to the handler's longest back-off) and calls open again,
 *                 until that returns OK. So a handler connects in open, and answers DISCONNECTED
 *                 when it finds the connection lost.
 *   RETRY         of a message: this one failed and may succeed later. Attempts are counted; the
 *                 last one is followed by the dead letters.
 *   REJECT        of a message: it never will. It goes to the dead letters, with the reason.
 *   FATAL         of an instance: only a person can mend it. The handler is held, and its messages
 *                 wait.
 *
 * Minor versions
 *   0  options, handlers, the extension standpipe.output/1
 *   1  metadata, notes, taken messages and standpipe.settle/1, standpipe.emit/1, tick, sources and
 *      standpipe.accept/1, placement in a process of its own
 *   A plugin states the lowest minor version that it can live with. State 1 if the plugin cannot
 *   work without something of minor 1: a host of minor 0 would take STANDPIPE_TAKEN for a retry and
 *   STANDPIPE_PROCESS for a thread, so it must refuse the plugin instead.
 *
 *   Minor 1 is frozen: what is new is appended, and a plugin finds it by STANDPIPE_HAS, by a
 *   stride, or by the name of an extension.
 *
 * Strings are {pointer, length}: UTF-8 and not NUL-terminated. Times are nanoseconds since 1970
 * (UTC) and deadlines are nanoseconds of CLOCK_MONOTONIC, unless said otherwise.
 *
 * Names: the functions of standpipe_handler and standpipe_source are written by the plugin and
 * called by the host. Those of standpipe_host and of the extensions are written by the host and
 * called by the plugin. A tag in brackets at the end of a comment says when a function may be
 * called.
 */
#ifndef STANDPIPE_PLUGIN_H
#define STANDPIPE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STANDPIPE_ABI_MAJOR 1
#define STANDPIPE_ABI_MINOR 1

/* Is `field` inside a struct or a row of `bytes` bytes? */
#define STANDPIPE_STRIDE_HAS(bytes, type, field) \
  ((bytes) >= offsetof(type, field) + sizeof(((const type*)0)->field))
/* Is `field` inside the struct that the other side allocated? */
#define STANDPIPE_HAS(ptr, type, field) STANDPIPE_STRIDE_HAS((ptr)->size, type, field)

#if defined(__GNUC__)
#define STANDPIPE_EXPORT __attribute__((visibility("default")))
#else
#define STANDPIPE_EXPORT
#endif

/* A borrowed UTF-8 string. `data` may be NULL if `size` is 0. */
typedef struct standpipe_string {
  const char* data;
  uint64_t size; /* bytes */
} standpipe_string;

/* One piece of metadata. Since minor 1. */
typedef struct standpipe_pair {
  standpipe_string name;  /* UTF-8, 1 to STANDPIPE_META_NAME_MAX bytes */
  standpipe_string value; /* any bytes: nothing checks that they are text */
} standpipe_pair;

/* Bounds of the metadata of one message. A name may occur several times; the order is kept. */
#define STANDPIPE_META_PAIRS_MAX 256
#define STANDPIPE_META_NAME_MAX 255
#define STANDPIPE_META_BYTES_MAX 65536 /* all names and values together */

/* ---- options: what YAML can tell a plugin --------------------------------------------------- */

enum {
  STANDPIPE_STRING = 1,
  STANDPIPE_INTEGER = 2,
  STANDPIPE_FLOAT = 3,
  STANDPIPE_BOOLEAN = 4,
  STANDPIPE_DURATION = 5, /* "500ms", "10s", "5m", "2h", "1d"; the value is in nanoseconds */
  STANDPIPE_SIZE = 6,     /* "64KiB", "10MB"; the value is in bytes */
  STANDPIPE_ENUM = 7,     /* one of `choices` */
  STANDPIPE_PATH = 8,     /* a file or folder; relative to the configuration's folder */
  STANDPIPE_URL = 9,
  STANDPIPE_SECRET = 10, /* never printed; also accepted as NAME_file with the path of a file */
  STANDPIPE_LIST = 11,   /* a list of strings */
  STANDPIPE_MAP = 12     /* a map of strings to strings */
};

enum {
  /* The path of a file that only this handler writes. `check` refuses two handlers that name the
   * same file. */
  STANDPIPE_OPTION_OWN_FILE = 1,
  /* Where this option is given, the handler renames its own file to PATH.1, that one to PATH.2, and
   * so on. `check` refuses a file of another handler that has such a name. */
  STANDPIPE_OPTION_ROTATES = 2,
  /* A path that may have placeholders, each in braces; {{ and }} stand for braces. The host makes
   * it absolute, with the braces of its folder doubled, and changes nothing from the first
   * placeholder on. What placeholders mean is the plugin's business. */
  STANDPIPE_OPTION_TEMPLATE = 4,
  /* An integer: where an OWN_FILE of the plugin has placeholders, the handler holds at most so many
   * files open at a time, which `check` counts. */
  STANDPIPE_OPTION_OPEN_FILES = 8,
  /* Of a plugin that offers both, only its handler, or only its source, has this option: elsewhere
   * the host refuses it in YAML, does not require it, and gives it no value or the default. */
  STANDPIPE_OPTION_OF_HANDLER = 16,
  STANDPIPE_OPTION_OF_SOURCE = 32
};

/* The declaration of one option. The host checks the YAML against it and makes `plugin show` and
 * the JSON Schema from it. Texts (fallback, minimum, maximum, example) are written as a user writes
 * them in YAML; an empty text means that there is none. */
typedef struct standpipe_option {
  uint32_t size;
  uint32_t type;     /* STANDPIPE_STRING ... */
  uint32_t required; /* 1: a missing option is an error, and `fallback` is not used */
  uint32_t choice_count;
  standpipe_string name;
  standpipe_string summary;  /* one line */
  standpipe_string fallback; /* the default */
  standpipe_string minimum;
  standpipe_string maximum;
  standpipe_string unit; /* of an integer or float: what it counts, e.g. "messages" */
  standpipe_string example;
  const standpipe_string* choices; /* of STANDPIPE_ENUM */
  uint32_t flags;                  /* STANDPIPE_OPTION_*; older hosts do not read it */
  uint32_t reserved;
} standpipe_option;

/* An item of a list (its key is empty) or an entry of a map. */
typedef struct standpipe_item {
  standpipe_string key;
  standpipe_string text;
} standpipe_item;

/* The checked value of one option. There is one value for each declared option, in that order. */
typedef struct standpipe_value {
  uint32_t size;
  uint32_t type;
  uint32_t is_set;       /* 0: not given, and there is no default */
  uint32_t item_count;   /* list, map */
  int64_t integer;       /* integer, boolean (0, 1), duration (ns), size (bytes) */
  double real;           /* float */
  standpipe_string text; /* string, enum, path (absolute), url, secret */
  const standpipe_item* items;
} standpipe_value;

typedef struct standpipe_config {
  uint32_t size;
  uint32_t value_count;
  uint32_t value_stride; /* bytes from one value to the next */
  uint32_t reserved;
  const standpipe_value* values;
  standpipe_string instance; /* the handler's (or source's) name in YAML */
} standpipe_config;

/* ---- answers -------------------------------------------------------------------------------- */

/* The outcome of one message. A host takes a value that it does not know for STANDPIPE_RETRY. */
enum {
  STANDPIPE_DELIVERED = 0,
  /* Redeliver it later. The attempt is counted; after the last one (by default the 20th) the
   * message is dead-lettered. */
  STANDPIPE_RETRY = 1,
  STANDPIPE_REJECT = 2,   /* never redeliver it: it is dead-lettered with the reason */
  STANDPIPE_FILTERED = 3, /* seen, and not passed on, on purpose */
  STANDPIPE_SEND = 4,     /* the host sends it to an output; see standpipe_result.output */
  /* Taken: the plugin settles it later, through standpipe.settle/1. Until then it is in flight, and
   * handle may be called with further messages, up to STANDPIPE_TAKEN_MESSAGES_MAX of at most
   * STANDPIPE_TAKEN_BATCHES_MAX batches. Since minor 1: of a plugin that says that it needs
   * no more than 0, and by a host without standpipe.settle/1, it is taken for a retry with a reason
   * that says so. */
  STANDPIPE_TAKEN = 5
};

/* How much one instance may have taken at a time; with either, handle is not called before messages
 * are settled. A host may allow more, but not less. */
#define STANDPIPE_TAKEN_MESSAGES_MAX 8192
#define STANDPIPE_TAKEN_BATCHES_MAX 256

/* The answer of a call for the whole instance. */
enum {
  STANDPIPE_OK = 0,
  /* Stop, close, and open again with back-off. No attempt is counted: an outage is never the fault
   * of a message. */
  STANDPIPE_DISCONNECTED = 1,
  /* Hold this instance until a person acts. Its messages wait; the rest of the hub continues. */
  STANDPIPE_FATAL = 2
};

/* Room for a reason, owned by the host. The plugin writes at most sizeof text bytes and sets
 * length. */
typedef struct standpipe_reason {
  uint32_t length;
  char text[508];
} standpipe_reason;

/* The reason of one message of a batch, owned by the host. Since minor 1. */
typedef struct standpipe_note {
  uint32_t message; /* its index in the batch */
  uint32_t length;  /* bytes of text, at most 248 */
  char text[248];
} standpipe_note;

/* One message, borrowed until handle returns. It has no size of its own: it ends at
 * batch->stride. */
typedef struct standpipe_message {
  const uint8_t* data; /* the payload; may be NULL if `size` is 0 */
  uint64_t size;       /* bytes of the payload */
  uint64_t sequence;   /* in its source, from 1; stable over attempts; grows, not always by one */
  uint64_t time;       /* when the router accepted it */
  /* Metadata that its source gave, such as a key or headers. Since minor 1, and only where the
   * stride reaches: STANDPIPE_STRIDE_HAS(batch->stride, standpipe_message, meta_count). A host may
   * end the rows of a batch before `meta` if none of its messages has metadata. */
  const standpipe_pair* meta; /* may be NULL if `meta_count` is 0 */
  uint32_t meta_count;
  uint32_t reserved;
} standpipe_message;

/* Messages of one source, in order. A batch is never empty. */
typedef struct standpipe_batch {
  uint32_t size;
  uint32_t count;
  uint32_t stride;  /* bytes from one message to the next */
  uint32_t attempt; /* 1 at the first attempt */
  const standpipe_message* messages;
  standpipe_string source; /* its name in YAML */
  /* Names this batch in standpipe.settle/1: never 0 where that extension exists, and never the same
   * for two calls of handle during one run of the hub. Since minor 1. */
  uint64_t ticket;
  /* Metadata that holds for all messages of the batch, given by the host: of a source that is a
   * FIFO, its path as `fifo`. What a source plugin knows of all its messages, it gives with each.
   * Since minor 1. */
  const standpipe_pair* source_meta; /* may be NULL if `source_meta_count` is 0 */
  uint32_t source_meta_count;
  uint32_t reserved;
} standpipe_batch;

#define STANDPIPE_NOT_TOLD UINT32_MAX

/* The answer to a batch, allocated by the host. When handle is called, every outcome is
 * STANDPIPE_DELIVERED, output is 0, at is STANDPIPE_NOT_TOLD and note_count is 0. */
typedef struct standpipe_result {
  uint32_t size;
  uint32_t output;   /* for STANDPIPE_SEND: the output's number, as add_fifo returned it */
  uint8_t* outcomes; /* one for each message of the batch */
  /* How far the plugin came: messages before `at` are settled by their outcomes, and those from
   * `at` on were not handled. The host redelivers them and counts no attempt. STANDPIPE_NOT_TOLD
   * means all of them after OK, and none of them after DISCONNECTED or FATAL.
   *
   * The host also reads `at` after the process died in the call: messages before it are settled by
   * their outcomes, and the message at it is the suspect. So a plugin that reports progress must
   * store `at` before each message, after the previous outcome, with a store that the compiler
   * cannot remove (volatile). */
  uint32_t at;
  uint32_t reserved;
  /* Why, for RETRY, REJECT, DISCONNECTED and FATAL. There is one for the batch, and it belongs to
   * the last message that needs one. */
  standpipe_reason* reason;
  /* Why, message by message: a message with a note does not use `reason`. To add one, write
   * notes[note_count] whole, then store note_count + 1. Never go beyond note_room, which is at most
   * the batch's count and may be 0: then this host keeps only `reason`. If a message has several
   * notes, the last one counts. Notes lie in memory that survives the process, so what was added
   * before a crash is kept. Since minor 1. */
  standpipe_note* notes; /* may be NULL if `note_room` is 0 */
  uint32_t note_room;
  uint32_t note_count;
} standpipe_result;

/* ---- the host, as the plugin sees it -------------------------------------------------------- */

enum {
  STANDPIPE_LOG_ERROR = 1,
  STANDPIPE_LOG_WARNING = 2,
  STANDPIPE_LOG_INFO = 3,
  STANDPIPE_LOG_DEBUG = 4
};

/* Lives as long as the instance. All of its functions may be called from any thread, from create to
 * destroy. */
typedef struct standpipe_host {
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  void* self; /* pass it as the first argument of every function below and of the extensions */
  void (*log)(void* self, uint32_t level, standpipe_string text);
  uint64_t (*now)(void* self);
  uint32_t (*stopping)(void* self); /* 1 once the hub is shutting down */
  /* The extension of that name, a constant struct that lives as long as the process; NULL if this
   * host lacks it. */
  const void* (*extension)(void* self, standpipe_string id);
} standpipe_host;

/* standpipe.output/1: the host moves whole messages to a descriptor, in large runs, in order,
 * exactly once and without blocking anybody. Several handlers may share a FIFO: their messages are
 * serialised. A handler adds its outputs in open and then answers STANDPIPE_SEND. */
#define STANDPIPE_OUTPUT_EXTENSION "standpipe.output/1"

enum {
  /* What the dead reader left unread is taken back, and the next reader starts at the beginning of
   * a message. */
  STANDPIPE_READER_DEATH_RESEND = 0,
  /* Others write into the FIFO, too: nothing is taken back, and what was in it counts as
   * delivered. */
  STANDPIPE_READER_DEATH_COUNT = 1
};

enum {
  STANDPIPE_TRUST_SELF = 0,  /* the rules of standpipe/open.hpp hold, at each opening */
  STANDPIPE_TRUST_OTHERS = 1 /* whatever others put at the path is used */
};

typedef struct standpipe_fifo_output {
  uint32_t size;
  uint32_t mode; /* permissions of a FIFO that must be created, e.g. 0600 */
  standpipe_string path;
  uint32_t create;          /* 1: create it if it is missing */
  uint32_t on_reader_death; /* STANDPIPE_READER_DEATH_* */
  uint32_t trust;           /* STANDPIPE_TRUST_*; older hosts do not read it */
  uint32_t mode_given;      /* 1: the user asked for that mode, so a FIFO that is there with another
                               one is reported; older hosts do not read it */
} standpipe_fifo_output;

/* Every message is on the disk before it counts as delivered. */
#define STANDPIPE_SYNC_ALWAYS (-1)

/* A regular file that the plugin has opened to append (O_APPEND) and locked if it wants to (flock);
 * it ends with a whole message or is empty. From then on the host alone writes to it. */
typedef struct standpipe_file_output {
  uint32_t size;
  int32_t fd;            /* borrowed: the host duplicates it, so that a lock is shared */
  standpipe_string path; /* that leads to the file: the output's name */
  int64_t sync;          /* how often what was written is forced to the disk, ns; 0: never;
                            STANDPIPE_SYNC_ALWAYS */
} standpipe_file_output;

typedef struct standpipe_output {
  uint32_t size;
  uint32_t reserved;
  /* Adds a FIFO. Returns the output's number, from 1, or 0 with a reason. The host opens the FIFO;
   * it is no failure if nobody reads it yet. [inside open] */
  uint32_t (*add_fifo)(void* host_self, const standpipe_fifo_output* fifo,
                       standpipe_reason* reason);
  /* Sends every message to that output without calling handle, until close: for a handler that
   * would answer STANDPIPE_SEND for each of them. Returns 1, or 0 if the host does not grant it and
   * calls handle. May be NULL, and older hosts lack it (STANDPIPE_HAS). [inside open] */
  uint32_t (*send_all)(void* host_self, uint32_t output);
  /* Adds a file, or replaces the file of the output with that path by another. Returns the output's
   * number, or 0 with a reason. Messages go there as frames, exactly once, whatever dies meanwhile.
   *
   * No function of the plugin is called while messages are on their way into a file: handle finds
   * in it all that was sent before. So there is where it looks at the file, renames it, and adds
   * the next one. If the file cannot be written to, or somebody else has changed it, the instance
   * is treated as if handle had answered STANDPIPE_DISCONNECTED; if the file is deleted or its path
   * leads elsewhere, handle is called with the next messages. Until close; close frees the lock.
   * May be NULL, and older hosts lack it (STANDPIPE_HAS). [inside open, handle and reopen] */
  uint32_t (*add_file)(void* host_self, const standpipe_file_output* file,
                       standpipe_reason* reason);
  /* As send_all, to a file, until the first message that finds it `bytes` long, or that comes when
   * now() is `time` or later: handle is called with that one. 0: no such limit. Granted anew by the
   * next call, and over when handle is called for another reason, too. Returns 1, or 0 if the host
   * does not grant it. May be NULL, and older hosts lack it. [inside open, handle and reopen] */
  uint32_t (*send_all_until)(void* host_self, uint32_t output, uint64_t bytes, uint64_t time);
} standpipe_output;

/* standpipe.settle/1: settles taken messages, as a broker's acknowledgement needs it. Since
 * minor 1.
 *
 * A handler answers STANDPIPE_TAKEN for messages that it has started to deliver, copies whatever it
 * still needs of them, and settles each of them here once it knows how that ended. Taken messages
 * stay in the source's log: they hold back trimming, and the host stops calling handle while too
 * many are open. The host retries in the order of the log, so a handler that must keep order
 * settles nothing behind a message that it wants again.
 *
 * After close, after a crash, when the handler is held and at a stop whose deadline has passed,
 * whatever is still taken is redelivered, in a batch with another ticket, and counts no attempt. At
 * a stop the host calls flush first, and waits for settlements before it calls close. If the user
 * set a `timeout`, a message that is taken for longer is retried as if it was settled so. */
#define STANDPIPE_SETTLE_EXTENSION "standpipe.settle/1"

typedef struct standpipe_settle {
  uint32_t size;
  uint32_t reserved;
  /* Settles messages first .. first + count - 1 of the batch that had this ticket. `outcome` is
   * STANDPIPE_DELIVERED, STANDPIPE_RETRY, STANDPIPE_REJECT or STANDPIPE_FILTERED; `why` is the
   * reason of a retry or reject and may be empty. Returns at once. Ignored: messages of the range
   * that were settled before or were never taken, and tickets of an earlier open. May be called
   * before the handle that takes the messages has returned. [any thread, opened] */
  void (*settle)(void* host_self, uint64_t ticket, uint32_t first, uint32_t count, uint32_t outcome,
                 standpipe_string why);
  /* Asks for a call of tick soon, whenever it was due: so a thread that finds the connection lost
   * has tick answer DISCONNECTED, and a handler need not tick only to look. Returns at once. Asked
   * again before that call begins, it is one call; during it, another one follows. Ignored before
   * open and after close. May be NULL, and older hosts lack it (STANDPIPE_HAS). [any thread] */
  void (*wake)(void* host_self);
} standpipe_settle;

/* A message that a plugin makes, borrowed until the call that takes it returns. Since minor 1. */
typedef struct standpipe_out {
  uint32_t size; /* of this struct */
  uint32_t meta_count;
  const uint8_t* data; /* the payload; may be NULL if `bytes` is 0 */
  uint64_t bytes;      /* of the payload; at most what the configuration allows for a message */
  const standpipe_pair* meta; /* may be NULL if `meta_count` is 0 */
} standpipe_out;

/* What emit and put answer. */
enum {
  STANDPIPE_PUT_OK = 0,       /* the host has copied it */
  STANDPIPE_PUT_FULL = 1,     /* there is no room now, and the host has taken nothing */
  STANDPIPE_PUT_TOO_LARGE = 2 /* payload or metadata are above their limits: it will never fit */
};

/* standpipe.emit/1: a handler makes messages of its own. Routes then name the handler as a source
 * (`from: its-name`). Since minor 1.
 *
 * What is emitted of a message takes effect together with that message's outcome, once, through any
 * death. If the call dies, or the message is retried or lies at or after `at`, nothing was emitted
 * of it. So after a death all messages of a call of such a handler are redelivered, also those
 * before `at`. A message of which something was emitted cannot be STANDPIPE_TAKEN: it is retried.
 * What a handler settles during a call (standpipe.settle/1) is settled after what that call emitted
 * has taken effect.
 *
 * What is emitted inherits the metadata of the message that it is made of; metadata of its own
 * replaces what has the same name. A handler that no route names as a source has nobody who would
 * take it: emit answers OK, and the host says so once in its log. */
#define STANDPIPE_EMIT_EXTENSION "standpipe.emit/1"

/* What can be made of one message of a batch, and in one call of tick or poll. */
#define STANDPIPE_EMITTED_MAX 1024

/* `of` for messages that belong to no message of the batch; the only value allowed in tick. */
#define STANDPIPE_OF_NONE UINT32_MAX

typedef struct standpipe_emit {
  uint32_t size;
  uint32_t reserved;
  /* Emits a message made of message `of` (its index in the batch). Returns STANDPIPE_PUT_*. After
   * FULL, set `at` to that message and return OK: the host calls handle again, from there on, once
   * there is room. TOO_LARGE also says that this message has made too many: at most
   * STANDPIPE_EMITTED_MAX, and about the largest message's bytes. Messages are emitted in the order
   * of these calls. [inside handle and tick, in their thread] */
  uint32_t (*emit)(void* host_self, uint32_t of, const standpipe_out* message);
} standpipe_emit;

/* ---- the handler, as the plugin writes it --------------------------------------------------- */

/* Where the calls of an instance may run. A host takes a value that it does not know for
 * STANDPIPE_THREAD. */
enum {
  /* It never blocks (no files, terminals, networks, long computing), so it may run on the router's
   * event loop. */
  STANDPIPE_INLINE = 1,
  STANDPIPE_THREAD = 2, /* it wants a thread of its own */
  /* It wants a process of its own, as plugins do that link foreign client libraries: if it crashes
   * or hangs, nobody else is disturbed. Its memory of messages cannot be written to, and its static
   * objects are made in the hub's worker, too, which asks every plugin what it is. Since minor 1.
   */
  STANDPIPE_PROCESS = 3
};

/* Calls for one instance never overlap, but they may come from different threads.
 *
 *   create -> open -> handle, tick ... -> flush -> close -> destroy
 *             ^_______ DISCONNECTED: close, wait, open again
 *
 * If create fails, nothing else is called. If open fails, the next call is open again
 * (DISCONNECTED) or destroy (FATAL). After a create that succeeded, destroy is always the last
 * call.
 *
 * What happens if a plugin crashes, hangs or exits. In a process of its own that ends, and nothing
 * else; another one creates and opens the instance anew. Anywhere else it runs inside the hub's
 * worker, so the worker dies with all plugins in it. None of them is asked to flush or close, and
 * processes that they started are ended. A handle that takes longer than the handler's `timeout`,
 * if the user set one, ends the same way. Another worker then creates and opens all instances anew
 * and continues. Messages that were in a call and not settled are redelivered, so handle may meet a
 * message twice; no attempt is counted. The host finds the message that did it by `at`, or else by
 * halving the batch. A message that ends three workers, or processes, is dead-lettered.
 *
 * The host learns whose crash it was from its handlers for SIGSEGV, SIGBUS, SIGFPE, SIGILL,
 * SIGABRT, SIGSYS and SIGTRAP and from atexit: leave those signals alone. If nothing names the
 * culprit (SIGKILL, SIGALRM ...) and three workers in a row ended in the same call, that call is
 * made alone, and it is to blame if it ends the worker again. An instance is held if its plugin
 * ends three workers in the same phase (create, open, flush, close, reopen, tick) before it returns
 * from it once (from tick: a hundred times), or dies of five messages in a row. The hub does not
 * wait for a handle beyond the end of drain_timeout: then, too, nothing else is called. */
typedef struct standpipe_handler {
  uint32_t size;
  uint32_t placement; /* STANDPIPE_INLINE, STANDPIPE_THREAD or STANDPIPE_PROCESS */
  /* Makes an instance and touches nothing outside of it: connecting is for open. `standpipe check`
   * makes an instance only to throw it away. The config was checked against the declared options.
   * Returns STANDPIPE_OK, or STANDPIPE_FATAL with a reason that a user can act on. A reason that
   * begins with an option's name and a colon is shown where that option is. [once] */
  uint32_t (*create)(const standpipe_host* host, const standpipe_config* config, void** self,
                     standpipe_reason* reason);
  /* Connects: opens files, sockets, outputs. [after create, and after close] */
  uint32_t (*open)(void* self, standpipe_reason* reason);
  /* Handles a batch. It returns when the host may settle the batch by the result. [opened] */
  uint32_t (*handle)(void* self, const standpipe_batch* batch, standpipe_result* result);
  /* Writes out what the instance holds back, by the deadline. May be NULL. [opened] */
  uint32_t (*flush)(void* self, uint64_t deadline, standpipe_reason* reason);
  void (*close)(void* self);   /* [opened] */
  void (*destroy)(void* self); /* [closed, last] */
  /* A person moved the files away (SIGUSR1): open them anew. May be NULL. [opened] */
  uint32_t (*reopen)(void* self, standpipe_reason* reason);
  /* Lets the instance act when no message comes: send a heartbeat, close a time window, emit what
   * it gathered. `now` is the time of CLOCK_MONOTONIC. The plugin stores into *next when it wants
   * the next call, by the same clock; UINT64_MAX, which is there when tick is called, means never.
   * The first call follows open at once. Calls come late, never early, at least a millisecond after
   * the last one, and not while handle runs. An answer other than OK is one of the instance. May be
   * NULL. Since minor 1. [opened] */
  uint32_t (*tick)(void* self, uint64_t now, uint64_t* next, standpipe_reason* reason);
} standpipe_handler;

/* ---- the source, as the plugin writes it ---------------------------------------------------- */

/* What a poll may bring. Since minor 1. */
typedef struct standpipe_credit {
  uint32_t size;
  uint32_t messages; /* at most so many; at least 1 */
  uint64_t bytes;    /* about so many bytes of payload and metadata; one message may exceed it */
  uint64_t deadline; /* return by then (CLOCK_MONOTONIC), with or without messages */
  /* A descriptor that becomes readable when the host wants poll to return early, e.g. because the
   * hub stops; -1 if there is none. Wait for it together with your own descriptors. Never read or
   * close it. */
  int32_t wake_fd;
  uint32_t reserved;
} standpipe_credit;

/* standpipe.accept/1: how a source hands messages over. Since minor 1. */
#define STANDPIPE_ACCEPT_EXTENSION "standpipe.accept/1"
#define STANDPIPE_RESUME_BYTES_MAX 16384

typedef struct standpipe_accept {
  uint32_t size;
  uint32_t reserved;
  /* Hands a message over. Returns STANDPIPE_PUT_*, and after OK the message's sequence, which
   * `committed` uses; sequences grow, not always by one. The host commits when poll returns OK;
   * until then a death undoes it. [inside poll, in its thread] */
  uint32_t (*put)(void* host_self, const standpipe_out* message, uint64_t* sequence);
  /* Says where to go on after all messages that were put so far, in words of the source's own, such
   * as an offset: at most STANDPIPE_RESUME_BYTES_MAX bytes, any bytes. The host keeps the text in
   * the same commit as those messages and hands it to the next open. The last call in a poll
   * counts. A text that is too long is refused with an error in the log, and the previous one
   * stays. [inside poll, in its thread] */
  void (*resume)(void* host_self, standpipe_string text);
} standpipe_accept;

/* A source brings messages into the hub: create -> open -> poll, committed ... -> close -> destroy.
 * Calls for one instance never overlap, but they may come from different threads. What is said
 * above standpipe_handler about failing calls, crashes and hangs holds here, too. Since minor 1. */
typedef struct standpipe_source {
  uint32_t size;
  uint32_t placement; /* STANDPIPE_INLINE, STANDPIPE_THREAD or STANDPIPE_PROCESS */
  /* As standpipe_handler.create. [once] */
  uint32_t (*create)(const standpipe_host* host, const standpipe_config* config, void** self,
                     standpipe_reason* reason);
  /* Connects and continues where `resume` says: the text that was committed last, empty at the very
   * first time. Messages that were put and not committed are redelivered. [after create, and after
   * close] */
  uint32_t (*open)(void* self, standpipe_string resume, standpipe_reason* reason);
  /* Puts messages (standpipe.accept/1) within the credit. Waits for some until the deadline unless
   * it is INLINE. No message is no failure. What was put before DISCONNECTED or FATAL is committed.
   * Not called while the hub has no room, which may be for hours: what must go on then, such as
   * heartbeats, needs a thread of the plugin's own. [opened] */
  uint32_t (*poll)(void* self, standpipe_credit* credit, standpipe_reason* reason);
  /* Every message up to this sequence is safe, so a broker's messages can be acknowledged: every
   * handler has them (`ack: settled`), or the log has them (`ack: accepted`). Sequences only grow.
   * Must not block. May be NULL. [opened, between polls] */
  void (*committed)(void* self, uint64_t sequence);
  void (*close)(void* self);   /* [opened] */
  void (*destroy)(void* self); /* [closed, last] */
} standpipe_source;

/* ---- the plugin ----------------------------------------------------------------------------- */

typedef struct standpipe_plugin {
  uint32_t size;
  uint16_t abi_major;             /* STANDPIPE_ABI_MAJOR when the plugin was built */
  uint16_t abi_minor;             /* the lowest minor version that this plugin can live with */
  standpipe_string name;          /* [a-z0-9_-]+, the name in YAML; the file is called NAME.so */
  standpipe_string version;       /* the plugin's own */
  standpipe_string summary;       /* one line */
  standpipe_string documentation; /* paragraphs of plain text */
  const standpipe_option* options;
  uint32_t option_count;
  uint32_t option_stride;
  const standpipe_handler* handler; /* NULL: it offers no handler */
  const standpipe_source* source;   /* NULL: it offers no source. Since minor 1 */
} standpipe_plugin;

/* The one export. It returns the same constant every time and never NULL. [any time, any thread] */
STANDPIPE_EXPORT const standpipe_plugin* standpipe_plugin_v1(void);

typedef const standpipe_plugin* (*standpipe_plugin_v1_function)(void);

#ifdef __cplusplus
}
#endif
#endif
