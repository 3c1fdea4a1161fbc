#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that no file has a word that was replaced by the field's own: python3 tests/words.py

One word for one idea, in code, messages, documents and tests; router/ARCHITECTURE.md has the glossary.
"""

import fnmatch
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
SELF = "tests/words.py"
FROZEN = (SELF, "LICENSE", "tests/unit/plugin/fixtures/minor_0/*", "*.bin")

# what must not stand there -> what is said instead, and where it may stand all the same
OLD = [
    (r"\bkept_\b", "persistent_, or the name of what it holds", "router/config/mistakes.* router/keeper/store.* tests/unit/*"),
    (r"\bbeliev(e|es|ed)\b", "validate, or trust", ""),
    (r"\b(take|takes|taken|took)_up\b", "recover", ""),
    (r"\b(Legacy|Sentence|Moderation|KeptToy)\b", "InheritedFds, Message, PollMode, ToyKeeper", ""),
    (r"\bjournal of (old|new) values\b", "undo log, redo log", ""),
    (r"\b(is|are|be|never|not) noted\b", "logged", "router/control/* router/keeper/* tests/unit/keeper/*"),
    (r"\b(lay|lays|laid) ahead\b|\blay_ahead\b|\bis laid\b", "prefetch", ""),
    (r"\btorn\b(?! (down|write))", "truncated, or broken up", ""),
    (r"\bcut[ _]short\b", "truncated", ""),
    (r"\b(unfinished|(?<!functools\.)partial)\b", "incomplete", "tests/e2e/sources_test.py"),
    (r"\bgiven up\b", "abandoned", ""),
    (r"\b(put|puts) aside\b|\bput_aside\b", "dead-letter (a message), rotate (a file)", ""),
    (r"\bgive_again\b|\bgive(s|n)? (it|them)? ?again\b", "redeliver", "tests/e2e/hostile_test.py"),
    (r"\bbook(s|ed)\b", "counters, counted; the account is their sum", ""),
    (r"\bsalvag", "dump of the memory", ""),
    (r"\bin vain\b", "without progress", ""),
    (r"\blooked at by the clock\b", "polled", ""),
    (r"\bdrain_pipe\b|\b(bytes|FIFO|pipe|stream) (is |are |was |were )?drained\b|Kind::draining", "discard (a stream without sense), empty (a pipe); a hub drains at a stop", ""),
    (r"\b(messages?|calls?) (is|are|was|were) abandoned\b|\babandon_(calls?|run)\b|\babandoned (calls?|messages?|requests?)\b", "dead-letter or drop (a message), detach or write off (a call); a frame is abandoned", ""),
    (r"\bsendings\b", "entries of the SendQueue", "router/state/FORMAT.md"),
]


def is_any(name, patterns):
    return any(fnmatch.fnmatchcase(name, p) for p in patterns)


def faults(name, text):
    for pattern, instead, allowed in OLD:
        if is_any(name, allowed.split()):
            continue
        for match in re.finditer(pattern, text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: '{match.group(0)}' is an old word: say {instead}"


def main():
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    found = []
    for name in listed.decode().split("\0"):
        if name and not is_any(name, FROZEN) and (ROOT / name).is_file():
            found += faults(name, (ROOT / name).read_text(errors="replace"))
    print("\n".join(found) if found else "no old word is left")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
