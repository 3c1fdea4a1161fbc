# SPDX-License-Identifier: Apache-2.0
"""Requests and replies between programs of two languages over a hub: configs/duplex.yaml, its two programs, and the README of reply."""

import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

from kit import SLOW, equal, process, test, until
from kit.compiler import compile_cpp

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "sdk/python/src")}


def here(t, text):
    """With the test's folder in the place of /tmp."""
    return text.replace("/tmp/", f"{t.folder}/")


class Duplex:
    """The example, its hub running."""

    def __init__(self, t):
        self.t = t
        for name in ("duplex_service.cpp", "duplex_client.py"):
            t.path(name).write_text(here(t, (ROOT / "configs" / name).read_text()))
        compile_cpp(t.path("duplex_service.cpp"), t.path("service"), f"-I{ROOT / 'sdk/include'}")
        self.hub = t.start(here(t, (ROOT / "configs/duplex.yaml").read_text()))

    def service(self):
        service = process.spawn([self.t.path("service")])
        until(lambda: self.t.path("standpipe-service.work").exists(), "a service is there")
        return service

    def client(self, *numbers):
        command = [sys.executable, self.t.path("duplex_client.py"), *numbers]
        return process.spawn(command, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def stop(self):
        """Every request went to a service, and every answer to its client or, if that was dead, nowhere."""
        account = self.hub.stop()
        requests, answers = account.of("requests"), account.of("answers")
        account.says("requests", accepted=requests["accepted"]).says("answers", accepted=answers["accepted"])
        account.says("requests -> service", delivered=requests["accepted"])
        replies = account.of("answers -> clients")
        account.says("answers -> clients", delivered=replies["delivered"], filtered=replies["filtered"])
        return requests["accepted"], replies["delivered"], replies["filtered"]


def squares(numbers):
    return "".join(f"{n} squared is {n * n}\n" for n in numbers)


def ended_well(client, numbers):
    said, error = client.communicate(timeout=60 * SLOW)
    equal((client.returncode, error.decode(), said.decode()), (0, "", squares(numbers)))


@test(seconds=120)
def a_client_gets_its_replies_from_a_service_in_another_language_and_a_dead_one_keeps_nobody(t):
    duplex = Duplex(t)
    dead = duplex.client(1)
    until(lambda: duplex.hub.stats()["sources"]["requests"]["accepted"] == 1, "it has asked")
    dead.kill()
    dead.wait()
    client = duplex.client(6, 7)  # before there is a service: it waits
    service = duplex.service()
    ended_well(client, [6, 7])
    equal(len(os.listdir(t.path("standpipe-replies"))), 1)  # the dead one's
    service.kill()
    equal(duplex.stop(), (3, 2, 1))


@test(seconds=120)
def of_twenty_clients_at_once_those_that_are_not_killed_get_every_reply(t):
    duplex = Duplex(t)
    services = [duplex.service() for _ in range(3)]
    chance = random.Random(13)
    killed = chance.sample(range(20), 6)
    # Those to be killed ask more than they get done, however long their death takes to come.
    numbers = {n: [n * 1000 + i for i in range(5000 if n in killed else 60)] for n in range(20)}
    clients = {n: duplex.client(*numbers[n]) for n in numbers}
    for n in killed:  # each when it has had some of its replies, and waits for the next
        for _ in range(chance.randrange(1, 20)):
            assert clients[n].stdout.readline()
        clients[n].kill()
        if n in killed[:2]:  # and two of the services with them
            services.pop().kill()
    for n in sorted(set(clients) - set(killed)):
        ended_well(clients[n], numbers[n])
    for client in clients.values():
        client.kill()
        client.wait()
    services.pop().kill()
    requests, delivered, filtered = duplex.stop()
    assert requests >= 14 * 60 and delivered + filtered >= 14 * 60, (requests, delivered, filtered)
    equal(len(os.listdir(t.path("standpipe-replies"))), 6)  # what was killed left its FIFO: the next requester removes it


@test(seconds=120)
def the_commands_of_the_README_of_reply_do_what_stands_there(t):
    with tempfile.TemporaryDirectory(prefix="standpipe-reply-") as folder:  # without a space, as people's have none
        follow(t, pathlib.Path(folder))


def follow(t, folder):
    text = (ROOT / "plugins/reply/README.md").read_text().replace("/tmp/", f"{folder}/")
    blocks = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    script = "set -e\n"
    for language, file, content in blocks:
        if file:
            script += f"cat > {file} <<'THE_END'\n{content}THE_END\n"
        elif language == "sh":
            script += f"{content}echo ===\n"
    pkg_config = folder / "pkg-config"  # an installation has it; here are only the headers
    pkg_config.write_text(f"#!/bin/sh\necho '-O0 -I{ROOT / 'sdk/include'}'\n")
    pkg_config.chmod(0o755)
    env = {**process.environment(folder), "PYTHONPATH": ENVIRONMENT["PYTHONPATH"]}
    env["PATH"] = f"{folder}:{process.program().parent}:{env['PATH']}"
    shell = process.spawn(["bash", "-c", script], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said = shell.communicate(timeout=60 * SLOW)[0].decode()
    equal(shell.returncode, 0, said)
    steps = iter(said.split("===\n"))
    for language, _, content in blocks:
        if language == "sh":
            now = next(steps)
        for line in content.splitlines() if language == "output" else []:
            assert line in now, f"the README shows, and nothing says: {line}\n{now}"
