# SPDX-License-Identifier: Apache-2.0
"""When somebody does not keep up, writers wait; nothing is lost, memory stays within its bound, and others go on."""

from kit import equal, test

MiB = 1 << 20
NO_READER_YET = """
memory_max: 4MiB
sources: {in: {fifo: in, framing: {max_message_size: 1MiB}, log: {max_size: 256KiB, when_full: block}}}
handlers: {next: {plugin: forward, options: {fifo: next}}}
routes: [{from: in, to: next}]
"""


@test
def without_a_reader_writers_wait_and_nothing_is_lost(t):
    hub = t.start(NO_READER_YET)
    messages = t.writer("in").fill()
    assert 256 * 1024 < sum(map(len, messages)) < 3 * MiB, f"accepted {len(messages)} of about 1 KiB"
    hub.says("next: nobody reads it; messages wait")
    more = [b"and more %d" % i for i in range(5000)]
    sending = t.meanwhile(hub.send, "in", more)
    equal(t.reader("next").take(len(messages) + len(more)), messages + more)
    sending.join()
    hub.stop().all_delivered(len(messages) + len(more))


@test
def a_reader_that_pauses_holds_writers_up_and_lets_them_go_on(t):
    hub, sent = t.start(NO_READER_YET), []
    reader, writer = t.reader("next"), t.writer("in")
    for _ in range(3):
        new = writer.fill()
        sent += new
        equal(reader.take(len(new)), new)
    hub.stop().all_delivered(len(sent))


@test(seconds=120)
def all_logs_together_stay_within_memory_max(t):
    names = [f"s{i}" for i in range(8)]
    hub = t.start(f"""
memory_max: 4MiB
sources: {{{", ".join(f"{n}: {{fifo: {n}, framing: {{max_message_size: 1MiB}}, log: {{max_size: 4MiB}}}}" for n in names)}}}
handlers: {{next: {{plugin: forward, options: {{fifo: next}}}}}}
routes: [{{from: [{", ".join(names)}], to: next}}]
""")
    sent = {n: t.meanwhile(t.writer(n).fill) for n in names}
    counts = [len(s.join()) for s in sent.values()]
    assert all(counts), f"each source is guaranteed some room: {counts}"
    used = hub.status_of("RssShmem")
    assert used <= 4 * MiB + MiB // 4, f"{used:,} bytes in logs"
    t.reader("next").take(sum(counts))
    hub.stop().all_delivered(*counts)


@test
def a_slow_plugin_holds_its_writers_up_and_loses_nothing(t):
    hub = t.start("""
memory_max: 1MiB
drain_timeout: 60s
sources: {in: {fifo: in, framing: {max_message_size: 64KiB}, log: {max_size: 16KiB}}}
handlers:
  slow: {plugin: slow, options: {delay: 1ms}}
  record: {plugin: log, options: {path: out, format: frames}}
routes: [{from: in, to: [slow, record]}]
""")
    messages = [b"%d" % i + bytes(1000) for i in range(1500)]
    hub.send("in", messages)
    hub.stop(seconds=60).all_delivered(1500)
    equal(t.frames("out"), messages)


@test
def a_handler_that_stands_still_holds_up_only_the_sources_that_feed_it(t):
    hub = t.start("""
memory_max: 2MiB
sources:
  stands: {fifo: stands, framing: {max_message_size: 1MiB}}
  flows: {fifo: flows, framing: {max_message_size: 1MiB}}
handlers:
  next: {plugin: forward, options: {fifo: next}}
  out: {plugin: log, options: {path: out, format: frames}}
routes: [{from: stands, to: next}, {from: flows, to: out}]
""")
    waiting = t.writer("stands").fill()
    messages = [b"%d" % i * 20 for i in range(100_000)]
    hub.send("flows", messages)
    t.until_logged("out", messages)
    equal(t.frames("out"), messages)
    equal(t.reader("next").take(len(waiting)), waiting)
    hub.stop().all_delivered(len(waiting), len(messages))


@test
def the_hubs_own_memory_is_small(t):
    t.only_uninstrumented()
    hub = t.start(NO_READER_YET)
    messages = t.writer("in").fill()
    own = hub.status_of("RssAnon")
    assert own < 32 * MiB, f"{own:,} bytes besides the logs"
    equal(t.reader("next").take(len(messages)), messages)
    hub.stop().all_delivered(len(messages))


@test(seconds=120)
def large_frames_go_on_whatever_other_readers_do(t):
    names = [f"s{i}" for i in range(8)]
    hub = t.start(f"""
memory_max: 32MiB
drain_timeout: 300ms
sources: {{{", ".join(f"{n}: {{fifo: {n}, framing: {{max_message_size: 1MiB}}, log: {{max_size: 32MiB}}}}" for n in names)}}}
handlers: {{{", ".join(f"to_{n}: {{plugin: forward, options: {{fifo: out_{n}}}}}" for n in names)}}}
routes: [{", ".join(f"{{from: {n}, to: to_{n}}}" for n in names)}]
""")
    dead = [t.meanwhile(t.writer(n).fill) for n in names[:2]]  # nobody reads these
    stuck = [len(d.join()) for d in dead]
    messages = [b"%d" % i + bytes(900_000) for i in range(5)]
    for n in names[2:]:
        sending = t.meanwhile(hub.send, n, messages)
        equal(t.reader(f"out_{n}").take(5), messages)
        sending.join()
    account = hub.stop()
    for n, count in zip(names, stuck + [5] * 6):
        equal(account.of(n)["accepted"], count)
        account.of(f"{n} -> to_{n}")
