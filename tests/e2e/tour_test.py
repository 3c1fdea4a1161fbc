# SPDX-License-Identifier: Apache-2.0
"""configs/TOUR.md is a transcript: its commands, given to one shell one after the other, say what stands there."""

import pathlib
import re
import subprocess
import time

from kit import SLOW, equal, process, test

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"
END = "end of the command"
LETTER = re.compile(r"\bd-[0-9a-z]{13}\b")

# What may differ from one run to the next.
VARIES = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d", "WHEN"),
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "WHEN"),
    (r"\b\d\d:\d\d(:\d\d)?\b", "WHEN"),
    (r"\b\d+(\.\d+)? ?(us|ms|s|m)(?!\w)", "TIME"),
    (LETTER.pattern, "LETTER"),
    (r"(?<= 4998) +\S+", " AGE"),  # none where all of that is on the disk
    (r"[\d,]+ messages overflowed", "SOME messages overflowed"),
    (r"\([\d,]+ saved", "(SOME saved"),
    (r"[\d,]+ bytes of at most", "SOME bytes of at most"),
    (r"^(queue +orders +billing) +[\d,]+ +[\d,]+", r"\1 SOME SOME"),
    (r" +", " "),  # columns are as wide as what is in them
]


def steps():
    """Commands, and what they print."""
    blocks = re.findall(r"^```console\n(.*?)^```$", (CONFIGS / "TOUR.md").read_text(), re.MULTILINE | re.DOTALL)
    for step in re.split(r"^\$ ", "".join(blocks), flags=re.MULTILINE)[1:]:
        command, _, output = step.partition("\n")
        yield command, output


def masked(text):
    for pattern, name in VARIES:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return text.splitlines()


def asks(command):
    """Whether it only looks, so that it can be asked again until things have come as far."""
    return re.match(r"standpipe (stats|queue list|dead list)|grep|tail", command)


class Shell:
    """In the test's folder, which stands for /tmp."""

    def __init__(self, t):
        self.folder = t.folder
        place = f"{process.program().parent}:"
        env = process.environment(t.folder)
        self.process = process.spawn(
            ["bash", "--norc"], cwd=t.folder, env=env | {"PATH": place + env["PATH"]}, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def run(self, command):
        self.process.stdin.write(f"{command.replace('/tmp/', '')}\necho '{END}'\n".encode())
        self.process.stdin.flush()
        said = b""
        while not said.endswith(f"{END}\n".encode()):
            line = self.process.stdout.readline()
            assert line, f"the shell has ended at: {command}\n{said.decode()}"
            said += line
        return said[: -len(END) - 1].decode().replace(f"{self.folder}/", "/tmp/")

    def end(self):
        self.process.kill()  # what a failure left running ends with the test
        self.process.wait()


@test
def the_page_shows_what_happens(t):
    (t.folder / "configs").mkdir()
    t.path("configs/tour.yaml").write_text((CONFIGS / "tour.yaml").read_text().replace("/tmp/", f"{t.folder}/"))
    shell = Shell(t)
    try:
        follow(shell)
    finally:
        shell.end()


def follow(shell):
    letters = {}
    for command, expected in steps():
        if letter := LETTER.search(command):
            command = command.replace(letter[0], letters[letter[0]])
        said = shell.run(command)
        deadline = time.monotonic() + 10 * SLOW
        while asks(command) and masked(said) != masked(expected) and time.monotonic() < deadline:
            time.sleep(0.02)
            said = shell.run(command)
        equal(masked(said), masked(expected), command)
        letters.update(zip(LETTER.findall(expected), LETTER.findall(said)))
        if command.endswith("&"):
            served(shell)
    shell.process.stdin.close()
    equal(shell.process.wait(10), 0, "the shell's status")


def served(shell):
    """The next command finds the hub at work, as one that a person types would."""
    while "ready in" not in shell.run("cat /tmp/standpipe-tour.log"):
        time.sleep(0.01)
