# SPDX-License-Identifier: Apache-2.0
"""What README shows is what happens: its first configuration, and its programs that write and read without any library."""

import pathlib
import re
import sys
import subprocess

from kit import equal, process, test

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def blocks(t, language):
    """Of README, with the test's folder in the place of /tmp."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    return [block.replace("/tmp/", f"{t.folder}/") for block in found]


def python(t, program):
    return process.spawn([sys.executable, "-c", program], cwd=t.folder, stdout=subprocess.PIPE)


@test
def what_readmes_writer_sends_its_reader_gets_through_the_hub_of_its_first_example(t):
    configuration, (writer, reader) = blocks(t, "yaml")[0], blocks(t, "python")
    assert "import struct" in reader and "os.write" in writer, "README has other programs now"
    hub = t.start(configuration.replace("version: 1\n", ""))
    reading = python(t, reader)  # first, as a program that waits for replies
    try:
        equal(python(t, writer).wait(timeout=20), 0)
        equal(reading.communicate(timeout=20)[0], b"b'order 66'\n")
    finally:
        reading.kill()
    hub.stop().all_delivered(1)
