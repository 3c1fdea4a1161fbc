# SPDX-License-Identifier: Apache-2.0
"""cpack -G DEB: two packages, and one for each bridge, with what they need, as Debian wants them."""

import re

from kit import check, need, run


def packages(world, release):
    folder = world.folder / f"packages-{release}"
    run("cpack", "--config", world.build / "CPackConfig.cmake", "-G", "DEB", "-B", folder,
        "-D", f"CPACK_DEBIAN_PACKAGE_RELEASE={release}", cwd=world.build)  # fmt: skip
    return {file.name.split("_")[0]: file for file in folder.glob("*.deb")}


def field(package, name):
    return run("dpkg-deb", "--field", package, name).strip()


def files(package):
    return [line.split()[5].removeprefix(".") for line in run("dpkg-deb", "--contents", package).splitlines()]


BRIDGES = {"kafka": "librdkafka1", "nanomsg": "libnanomsg5", "nats": "libnats", "rabbitmq": "librabbitmq4", "sqs": "libcurl4",
           "unix": "libc6", "zeromq": "libzmq5"}  # fmt: skip


def bridges_built(world):
    """With the library's package that each needs."""
    return {name: library for name, library in BRIDGES.items() if (world.build / f"lib/standpipe/plugins/{name}.so").exists()}


def test_cpack_makes_the_two_and_one_for_each_bridge(world):
    need("dpkg-deb", "dpkg-shlibdeps")
    made = packages(world, 1)
    meant = sorted(["standpipe", "standpipe-dev", *(f"standpipe-{bridge}" for bridge in bridges_built(world))])
    check(sorted(made) == meant, f"made {sorted(made)}")
    world.made["packages"] = made
    world.made["next packages"] = packages(world, 2)


def test_they_depend_on_what_they_need(world):
    made = world.given("packages")
    depends = field(made["standpipe"], "Depends")
    for wanted in (r"libc6 \(>= ", r"libstdc\+\+6 \(>= ", r"libyaml-cpp", r"libre2", r"libsimdjson", r"libboost-program-options", r"adduser"):
        check(re.search(wanted, depends), f"{wanted} is not in: {depends}")
    check("lib" not in field(made["standpipe-dev"], "Depends"), "headers depend on a library")
    check(field(made["standpipe-dev"], "Architecture") == "all", "headers are of an architecture")


def test_each_bridge_needs_the_hub_and_its_library(world):
    made = world.given("packages")
    for bridge, library in bridges_built(world).items():
        depends = field(made[f"standpipe-{bridge}"], "Depends")
        check(library in depends and "standpipe (>=" in depends, f"standpipe-{bridge} depends on {depends}")
        for name in (f"/usr/lib/standpipe/plugins/{bridge}.so", f"/usr/share/doc/standpipe-{bridge}/README.md",
                     f"/usr/share/doc/standpipe-{bridge}/copyright"):  # fmt: skip
            check(name in files(made[f"standpipe-{bridge}"]), f"standpipe-{bridge} lacks {name}")


def test_each_has_its_part(world):
    made = world.given("packages")
    program, headers = files(made["standpipe"]), files(made["standpipe-dev"])
    for name in ("/usr/bin/standpipe", "/usr/lib/standpipe/plugins/log.so", "/usr/lib/systemd/system/standpipe@.service",
                 "/usr/share/man/man1/standpipe.1.gz", "/etc/standpipe/", "/usr/share/doc/standpipe/copyright",
                 "/usr/share/doc/standpipe/exec/PROTOCOL.md"):  # fmt: skip
        check(name in program, f"standpipe lacks {name}")
    for name in ("/usr/include/standpipe/plugin.h", "/usr/share/pkgconfig/standpipe.pc", "/usr/share/standpipe/plugin.map",
                 "/usr/lib/python3/dist-packages/standpipe/handler.py", "/usr/share/doc/standpipe-dev/copyright"):  # fmt: skip
        check(name in headers, f"standpipe-dev lacks {name}")
    both = {f for f in program if not f.endswith("/")} & set(headers)
    check(not both, f"in both: {both}")
    meant = ("/usr/share/man/man1/standpipe-test.1.gz", "/usr/include/standpipe/testing",
             "/usr/lib/python3/dist-packages/standpipe/testing.py")  # a command's page, and the kits for authors
    strange = [f for f in program + headers if ("test" in f and not f.startswith(meant)) or "/include/c" in f]
    check(not strange, f"tests are in them: {strange}")


def test_lintian_finds_no_error(world):
    need("lintian")
    made = world.given("packages")
    run("lintian", "--fail-on", "error", "--allow-root", *made.values())
