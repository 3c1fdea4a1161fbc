# SPDX-License-Identifier: Apache-2.0
"""What people and programs see on standard output."""

import base64
import json
import os
import pty
import re
import subprocess

from kit import equal, test, until
from journey_test import EVERY_BYTE

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


def printing(options):
    return f"""
sources: {{in: {{fifo: in}}}}
handlers: {{screen: {{plugin: print, options: {options}}}}}
routes: [{{from: in, to: screen}}]
"""


def printing_beside_a_log(drain_timeout):
    return f"""
drain_timeout: {drain_timeout}
sources: {{in: {{fifo: in}}}}
handlers:
  screen: {{plugin: print}}
  out: {{plugin: log, options: {{path: out, format: frames}}}}
routes: [{{from: in, to: [screen, out]}}]
"""


@test
def text_into_a_pipe_goes_as_it_is(t):
    hub = t.start(printing("{}"))
    hub.send("in", [b"hello", b"", EVERY_BYTE])
    hub.stop().all_delivered(3)
    equal(hub.stdout(), b"hello\n\n" + EVERY_BYTE + b"\n")


@test
def text_on_a_terminal_is_escaped(t):
    ours, theirs = pty.openpty()
    hub = t.start(printing("{}"), stdout=theirs)
    os.close(theirs)
    hub.send("in", [b"\x1b[2Jcleared", b"bell \a, back\\slash", "zwölf".encode(), b"\xff\0"])
    seen = b""
    while seen.count(b"\n") < 4:
        seen += os.read(ours, 4096)
    expected = ["\\x1b[2Jcleared", "bell \\x07, back\\\\slash", "zwölf", "\\xff\\x00"]
    equal(seen.decode(), "".join(e + "\r\n" for e in expected))  # a terminal makes \n into \r\n
    hub.stop().all_delivered(4)


@test
def raw_on_a_terminal_is_escaped_too(t):
    ours, theirs = pty.openpty()
    hub = t.start(printing("{format: raw}"), stdout=theirs)
    os.close(theirs)
    hub.send("in", [b"\x1b[2J"])
    equal(until(lambda: os.read(ours, 100), "it prints"), b"\\x1b[2J\r\n")
    hub.stop().all_delivered(1)


@test
def raw_into_a_pipe_is_the_bytes_and_nothing_else(t):
    hub = t.start(printing("{format: raw}"))
    hub.send("in", [b"a", b"", EVERY_BYTE])
    hub.stop().all_delivered(3)
    equal(hub.stdout(), b"a" + EVERY_BYTE)


@test
def json_is_an_object_a_line_with_every_byte(t):
    hub = t.start(printing("{format: json}"))
    hub.send("in", [b'say "hi"\n', EVERY_BYTE])
    hub.stop().all_delivered(2)
    first, second = (json.loads(line) for line in hub.stdout().splitlines())
    assert re.fullmatch(TIME, first.pop("time"))
    equal(first, {"source": "in", "sequence": 1, "size": 9, "text": 'say "hi"\n'})
    equal((second["sequence"], base64.b64decode(second["base64"])), (2, EVERY_BYTE))


@test
def a_template_shapes_the_line(t):
    hub = t.start(printing('{template: "{{{sequence}}} {source} {meta:fifo} {meta:topic|none} {time} {size}: {payload}"}'))
    hub.send("in", [b"hello", b""])
    hub.stop().all_delivered(2)
    first, second = hub.stdout().decode().splitlines()
    begin = " in " + re.escape(str(t.path("in"))) + " none " + TIME
    assert re.fullmatch(r"\{1\}" + begin + " 5: hello", first), first
    assert re.fullmatch(r"\{2\}" + begin + " 0: ", second), second


@test
def hex_shows_bytes_as_numbers(t):
    hub = t.start(printing('{format: hex, template: "{size} {payload}"}'))
    hub.send("in", [b"hello", EVERY_BYTE[-2:]])
    hub.stop().all_delivered(2)
    equal(hub.stdout(), b"5 68 65 6c 6c 6f\n2 fe ff\n")


@test
def standard_error_is_a_stream_too(t):
    hub = t.start(printing('{stream: stderr, template: "message: {payload}"}'))
    hub.send("in", [b"hello"])
    hub.says("^message: hello$")
    hub.stop().all_delivered(1)
    equal(hub.stdout(), b"")


@test
def a_closed_pipe_holds_the_handler_and_nobody_else(t):
    ours, theirs = os.pipe()
    hub = t.start(printing_beside_a_log("300ms"), stdout=theirs)
    os.close(theirs)
    os.close(ours)
    hub.send("in", [b"hello"])
    hub.says("screen is held: nobody reads standard output any more")
    account = hub.stop().says("in", accepted=1)
    account.says("in -> out", delivered=1).says("in -> screen", in_flight=1)


@test
def a_terminal_that_stands_still_holds_up_only_print(t):
    ours, theirs = os.pipe()
    hub = t.start(printing_beside_a_log("1s"), stdout=theirs)
    os.close(theirs)
    messages = [b"%d" % i + b"." * 1000 for i in range(500)]  # more than a pipe holds, less than the log does
    hub.send("in", messages)
    t.until_logged("out", messages)
    reading = t.meanwhile(lambda: subprocess.run(["cat"], stdin=ours, stdout=subprocess.PIPE).stdout)
    hub.stop().all_delivered(500)
    os.close(ours)
    equal(reading.join(), b"".join(m + b"\n" for m in messages))
