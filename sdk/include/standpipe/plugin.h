/* SPDX-License-Identifier: Apache-2.0
 *
 * standpipe/plugin.h: the contract between the Standpipe router (the host) and a plugin. C11; needs stdint and stddef only.
 * C++ authors include <standpipe/plugin.hpp> instead and never see this file.
 *
 * Binary rules
 *   1. A plugin is a shared object with one export, standpipe_plugin_v1, which returns a constant description. That function does
 *      no I/O and starts no thread. The plugin imports nothing from the host: all that it may call comes in standpipe_host.
 *   2. Every struct that may grow begins with `uint32_t size`, set by whoever allocates it. Fields are only ever appended. Touch a
 *      field only if it lies inside `size` (STANDPIPE_HAS). Arrays of structs travel with a stride: step by it, not by sizeof.
 *   3. What is passed in is borrowed until the call returns. Nobody frees the other's memory. No exception leaves a call.
 *   4. Versions: the major must be equal, and the minor that a plugin needs at most the host's. Otherwise the host refuses the
 *      plugin and names both versions.
 *   5. Optional powers are asked for by name and revision: host->extension(host->self, "standpipe.output/1").
 *   6. The host loads with RTLD_NOW | RTLD_LOCAL and never unloads.
 *
 * Strings are {pointer, length}: UTF-8, not NUL-terminated. Times are nanoseconds since 1970 (UTC) unless said otherwise.
 *
 * Names: standpipe_handler_* is written by the plugin and called by the host; standpipe_host_* is the other way round.
 * Each function carries a tag in brackets: [when it may be called].
 */
#ifndef STANDPIPE_PLUGIN_H
#define STANDPIPE_PLUGIN_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STANDPIPE_ABI_MAJOR 1
#define STANDPIPE_ABI_MINOR 0

/* Is `field` inside the struct that the other side allocated? */
#define STANDPIPE_HAS(ptr, type, field) ((ptr)->size >= offsetof(type, field) + sizeof(((const type*)0)->field))

#if defined(__GNUC__)
#define STANDPIPE_EXPORT __attribute__((visibility("default")))
#else
#define STANDPIPE_EXPORT
#endif

/* A borrowed UTF-8 string. data may be NULL when size is 0. */
typedef struct standpipe_string {
  const char* data;
  uint64_t size; /* bytes */
} standpipe_string;

/* ---- options: what a plugin can be told in YAML -------------------------------------------------------------------- */

enum {
  STANDPIPE_STRING = 1,
  STANDPIPE_INTEGER = 2,
  STANDPIPE_FLOAT = 3,
  STANDPIPE_BOOLEAN = 4,
  STANDPIPE_DURATION = 5, /* "500ms", "10s", "5m", "2h", "1d"; the value is in nanoseconds */
  STANDPIPE_SIZE = 6,     /* "64KiB", "10MB"; the value is in bytes */
  STANDPIPE_ENUM = 7,     /* one of `choices` */
  STANDPIPE_PATH = 8,     /* a file or folder; relative ones are taken from the configuration's folder */
  STANDPIPE_URL = 9,
  STANDPIPE_SECRET = 10, /* never printed; also accepted as NAME_file with a path */
  STANDPIPE_LIST = 11,   /* a list of strings */
  STANDPIPE_MAP = 12     /* a map of strings to strings */
};

enum {
  STANDPIPE_OPTION_OWN_FILE = 1 /* a path: the handler alone writes to that file; `check` refuses two that name the same */
};

/* One option, declared. The host reads and checks the YAML by it, and makes `plugin show` and the JSON Schema from it.
 * Texts (fallback, minimum, maximum, example) are written as a user would write them in YAML; an empty text means none. */
typedef struct standpipe_option {
  uint32_t size;
  uint32_t type;     /* STANDPIPE_STRING ... */
  uint32_t required; /* 1: an error when missing; then `fallback` is not used */
  uint32_t choice_count;
  standpipe_string name;
  standpipe_string summary;  /* one line */
  standpipe_string fallback; /* the default */
  standpipe_string minimum;
  standpipe_string maximum;
  standpipe_string unit; /* for integers and floats: what they count, e.g. "messages" */
  standpipe_string example;
  const standpipe_string* choices; /* for STANDPIPE_ENUM */
  uint32_t flags;                  /* STANDPIPE_OPTION_*; older hosts do not read it */
  uint32_t reserved;
} standpipe_option;

/* A list's item or a map's entry (key empty for lists). */
typedef struct standpipe_item {
  standpipe_string key;
  standpipe_string text;
} standpipe_item;

/* One option's checked value. Values come in the order in which the plugin declared its options, one for each. */
typedef struct standpipe_value {
  uint32_t size;
  uint32_t type;
  uint32_t is_set;       /* 0: neither given nor with a default */
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
  standpipe_string instance; /* the handler's name in YAML */
} standpipe_config;

/* ---- what a call answers ------------------------------------------------------------------------------------------- */

/* For one message. */
enum {
  STANDPIPE_DELIVERED = 0,
  STANDPIPE_RETRY = 1,    /* give it again later; the attempt is counted, and the last one (20th) is followed by the dead letters */
  STANDPIPE_REJECT = 2,   /* never give it again: it goes to the dead letters with the reason */
  STANDPIPE_FILTERED = 3, /* looked at, and on purpose not passed on */
  STANDPIPE_SEND = 4      /* the host is to send it to an output; see standpipe_result.output */
};

/* For the whole instance. */
enum {
  STANDPIPE_OK = 0,
  STANDPIPE_DISCONNECTED =
      1,              /* stop, close, open again with back-off; no attempt is counted. An outage is never the message's fault */
  STANDPIPE_FATAL = 2 /* hold this handler until a person acts; its messages wait, the rest of the hub goes on */
};

/* Room for a reason, owned by the host. The plugin writes at most sizeof text bytes and sets length. */
typedef struct standpipe_reason {
  uint32_t length;
  char text[508];
} standpipe_reason;

/* One message, borrowed until handle returns. */
typedef struct standpipe_message {
  const uint8_t* data; /* the payload; may be NULL when size is 0 */
  uint64_t size;       /* bytes */
  uint64_t sequence;   /* within its source, from 1; stable over retries; grows, but not always by one */
  uint64_t time;       /* when the router accepted it */
} standpipe_message;

/* Messages of one source, in order. Never empty. */
typedef struct standpipe_batch {
  uint32_t size;
  uint32_t count;
  uint32_t stride;  /* bytes from one message to the next */
  uint32_t attempt; /* 1 at the first try */
  const standpipe_message* messages;
  standpipe_string source; /* its name in YAML */
} standpipe_batch;

#define STANDPIPE_NOT_TOLD UINT32_MAX

/* The answer to a batch, allocated by the host. On entry: every outcome STANDPIPE_DELIVERED, output 0, at STANDPIPE_NOT_TOLD. */
typedef struct standpipe_result {
  uint32_t size;
  uint32_t output;   /* for STANDPIPE_SEND: which output, as standpipe_output->add returned it */
  uint8_t* outcomes; /* one for each message of the batch */
  /* Messages from this one on were not looked at: the host gives them again, and counts no attempt; outcomes of those before it
   * stand. Not told: with OK all were looked at, with DISCONNECTED or FATAL none. Also read when the process died in the call:
   * those before it are settled by their outcomes, and it is the message that the plugin died of. So who tells it before the end
   * tells it before each message, behind the outcome of the last one, by a store that the compiler leaves there (volatile). */
  uint32_t at;
  uint32_t reserved;
  standpipe_reason* reason; /* why: for reject, retry, disconnected, fatal; one for the batch, the last one wins */
} standpipe_result;

/* ---- the host, as the plugin sees it ------------------------------------------------------------------------------- */

enum { STANDPIPE_LOG_ERROR = 1, STANDPIPE_LOG_WARNING = 2, STANDPIPE_LOG_INFO = 3, STANDPIPE_LOG_DEBUG = 4 };

/* Lives as long as the instance. All functions may be called from any thread between create and destroy. */
typedef struct standpipe_host {
  uint32_t size;
  uint16_t abi_major;
  uint16_t abi_minor;
  void* self; /* pass it back as the first argument */
  void (*log)(void* self, uint32_t level, standpipe_string text);
  uint64_t (*now)(void* self);
  uint32_t (*stopping)(void* self);                          /* 1 once the hub is shutting down */
  const void* (*extension)(void* self, standpipe_string id); /* NULL: this host has no such power */
} standpipe_host;

/* standpipe.output/1: let the host move whole messages to a descriptor, in large runs, in order, exactly once, without blocking
 * anyone; several handlers on one FIFO are serialised. A handler adds its outputs in open, then answers STANDPIPE_SEND. */
#define STANDPIPE_OUTPUT_EXTENSION "standpipe.output/1"

enum {
  STANDPIPE_READER_DEATH_RESEND = 0, /* what the dead reader left is taken back, and the next reader starts on a whole message */
  STANDPIPE_READER_DEATH_COUNT = 1   /* others write there too: nothing is taken back; what was in the pipe counts as delivered */
};

enum {
  STANDPIPE_TRUST_SELF = 0,  /* the rules of standpipe/open.hpp, at each opening */
  STANDPIPE_TRUST_OTHERS = 1 /* whatever others put at the path is used */
};

typedef struct standpipe_fifo_output {
  uint32_t size;
  uint32_t mode; /* permissions for a FIFO that must be created, e.g. 0600 */
  standpipe_string path;
  uint32_t create;          /* 1: create it when missing */
  uint32_t on_reader_death; /* STANDPIPE_READER_DEATH_* */
  uint32_t trust;           /* STANDPIPE_TRUST_*; older hosts do not read it */
  uint32_t reserved;
} standpipe_fifo_output;

typedef struct standpipe_output {
  uint32_t size;
  uint32_t reserved;
  /* Returns the output's number (from 1), or 0 with a reason. The host opens it; nobody reading yet is no failure. [open] */
  uint32_t (*add_fifo)(void* host_self, const standpipe_fifo_output* fifo, standpipe_reason* reason);
  /* Until close, everything goes to that output, and handle is not called: for a handler that would answer STANDPIPE_SEND for each
   * message. Returns 1, or 0: not granted, handle is called. May be NULL, and older hosts lack it (STANDPIPE_HAS). [open] */
  uint32_t (*send_all)(void* host_self, uint32_t output);
} standpipe_output;

/* ---- the handler, as the plugin writes it -------------------------------------------------------------------------- */

/* Where handle may run. A handler that might block (files, terminals, networks, long computing) must not say INLINE. */
enum {
  STANDPIPE_INLINE = 1, /* never blocks: may run on the router's event loop */
  STANDPIPE_THREAD = 2  /* wants a thread of its own */
};

/* Calls for one instance never overlap, but may come from different threads.
 *
 *   create -> open -> handle ... -> flush -> close -> destroy
 *             ^_______ DISCONNECTED: close, wait, open again
 *
 * After create failed, nothing else is called. After open failed, open is called again (DISCONNECTED) or only destroy is (FATAL).
 * destroy is always the last call after a create that succeeded.
 *
 * What happens when a plugin crashes, hangs or exits: it runs inside the hub's worker, so the worker dies with all plugins in it,
 * and none of them is asked to flush or close; processes that they started are ended. (A handle that takes longer than the
 * handler's `timeout`, if the user set one, is ended so.) Another worker creates and opens all instances anew and goes on: messages
 * that were in a call and not settled come again, so handle may meet one twice; no attempt is counted. Which message it was is
 * found by `at`, or by halves, and one that did it three times is put aside. The host learns whose crash it was by handlers for
 * SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS and SIGTRAP, and by atexit: leave those signals alone. Where nothing says whose
 * doing it was (SIGKILL, SIGALRM ...), a call in which three workers ended one after the other is made alone, and is to blame if
 * that ends the worker, too. An instance whose plugin ends three workers in open (or in create, flush, close, reopen) before it
 * comes back from that once, or dies of five messages in a row, is held. A handle that does not come back while the hub stops is
 * left behind at the end of drain_timeout: then, too, nothing else is called. */
typedef struct standpipe_handler {
  uint32_t size;
  uint32_t placement; /* STANDPIPE_INLINE or STANDPIPE_THREAD */
  /* Makes an instance, and touches nothing outside: that is for open. `standpipe check` makes one only to throw it away. The config
   * was checked against the declared options. Returns STANDPIPE_OK or STANDPIPE_FATAL with a reason that a user can act on. [once]
   */
  uint32_t (*create)(const standpipe_host* host, const standpipe_config* config, void** self, standpipe_reason* reason);
  /* Connects: opens files, sockets, outputs. [after create, and after close] */
  uint32_t (*open)(void* self, standpipe_reason* reason);
  /* Handles a batch. Returns when the hub may settle. [opened] */
  uint32_t (*handle)(void* self, const standpipe_batch* batch, standpipe_result* result);
  /* Pushes out what the instance holds back, by the deadline (steady clock, ns; as CLOCK_MONOTONIC). May be NULL. [opened] */
  uint32_t (*flush)(void* self, uint64_t deadline, standpipe_reason* reason);
  void (*close)(void* self);   /* [opened] */
  void (*destroy)(void* self); /* [closed, last] */
  /* A person moved the files away (SIGUSR1): open them anew. May be NULL. [opened] */
  uint32_t (*reopen)(void* self, standpipe_reason* reason);
} standpipe_handler;

/* ---- the plugin ---------------------------------------------------------------------------------------------------- */

typedef struct standpipe_plugin {
  uint32_t size;
  uint16_t abi_major;             /* STANDPIPE_ABI_MAJOR as it was at the plugin's build */
  uint16_t abi_minor;             /* the lowest minor that this plugin can live with */
  standpipe_string name;          /* [a-z0-9_-]+, the name that YAML uses; the file is called NAME.so */
  standpipe_string version;       /* the plugin's own */
  standpipe_string summary;       /* one line */
  standpipe_string documentation; /* paragraphs, plain text */
  const standpipe_option* options;
  uint32_t option_count;
  uint32_t option_stride;
  const standpipe_handler* handler; /* NULL: it is no handler */
} standpipe_plugin;

/* The one export. Returns the same constant every time; never NULL. [any time, any thread] */
STANDPIPE_EXPORT const standpipe_plugin* standpipe_plugin_v1(void);

typedef const standpipe_plugin* (*standpipe_plugin_v1_function)(void);

#ifdef __cplusplus
}
#endif
#endif
