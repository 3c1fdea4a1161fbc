# SPDX-License-Identifier: Apache-2.0
"""cmake --install: into a staging folder, into a user's prefix, and moved."""

import gzip
import json
import os
import re
import shutil
import signal

from kit import HERE, SLOW, TOP, Failed, Skipped, check, need, plain_environment, run, until

WANTED = """
bin/standpipe
include/standpipe/client.h
include/standpipe/client.hpp
include/standpipe/client/base.h
include/standpipe/client/json.h
include/standpipe/client/receive.h
include/standpipe/client/request.h
include/standpipe/client/send.h
include/standpipe/client/work.h
include/standpipe/description.hpp
include/standpipe/exported.hpp
include/standpipe/handler.hpp
include/standpipe/host.hpp
include/standpipe/instance.hpp
include/standpipe/message.hpp
include/standpipe/open.hpp
include/standpipe/options.hpp
include/standpipe/outcome.hpp
include/standpipe/plugin.h
include/standpipe/plugin.hpp
include/standpipe/source.hpp
include/standpipe/testing.hpp
include/standpipe/testing/handler.hpp
include/standpipe/text.hpp
include/standpipe/wire.h
lib/python3/dist-packages/standpipe/handler.py
lib/standpipe/plugins/count.so
lib/standpipe/plugins/exec.so
lib/standpipe/plugins/filter.so
lib/standpipe/plugins/forward.so
lib/standpipe/plugins/generate.so
lib/standpipe/plugins/log.so
lib/standpipe/plugins/print.so
lib/standpipe/plugins/replay.so
lib/standpipe/plugins/reply.so
lib/standpipe/plugins/throttle.so
lib/standpipe/plugins/transform.so
lib/systemd/system/standpipe@.service
lib/systemd/user/standpipe@.service
lib/sysusers.d/standpipe.conf
lib/tmpfiles.d/standpipe.conf
share/bash-completion/completions/standpipe
share/cmake/Standpipe/StandpipeConfig.cmake
share/cmake/Standpipe/StandpipeConfigVersion.cmake
share/doc/standpipe/examples/REFERENCE.md
share/doc/standpipe/examples/hello.yaml
share/doc/standpipe/examples/shout.cpp
share/doc/standpipe/examples/standpipe.schema.json
share/fish/vendor_completions.d/standpipe.fish
share/man/man1/standpipe-run.1.gz
share/man/man1/standpipe.1.gz
share/man/man5/standpipe.yaml.5.gz
share/man/man7/standpipe-plugin.7.gz
share/pkgconfig/standpipe.pc
share/standpipe/plugin.map
share/zsh/site-functions/_standpipe
""".split()


def lacking(prefix):
    return [name for name in WANTED if not (prefix / name).exists()]


def execstart(unit):
    return re.search(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)[1]


def test_a_staged_installation_has_all_and_names_the_prefix_without_the_stage(world):
    stage = world.folder / "stage"
    run("cmake", "--install", world.build, "--prefix", "/usr", env={**plain_environment(), "DESTDIR": str(stage)})
    check(not lacking(stage / "usr"), f"not installed: {lacking(stage / 'usr')}")
    check(execstart(stage / "usr/lib/systemd/system/standpipe@.service") == "/usr/bin/standpipe run /etc/standpipe/%i.yaml",
          "the unit starts another program")
    strange = [p for p in stage.iterdir() if p.name != "usr"]
    check(not strange, f"installed outside of the prefix: {strange}")


def handlers_built(world):
    """A bridge is built where its library is."""
    sources_alone = ("generate", "replay")
    return sorted(p.stem for p in (world.build / "lib/standpipe/plugins").glob("*.so") if p.stem not in sources_alone)


def test_a_moved_prefix_finds_its_own_plugins(world):
    before = world.folder / "a user's prefix"
    run("cmake", "--install", world.build, "--prefix", before)
    prefix = world.folder / "moved"
    before.rename(prefix)
    listed = run(prefix / "bin/standpipe", "plugin", "list", env=plain_environment())
    check(re.findall(r"^(\w+) .*handler", listed, re.MULTILINE) == handlers_built(world), listed)
    shown = run(prefix / "bin/standpipe", "plugin", "show", "log", env=plain_environment())
    check(f"{prefix}/lib/standpipe/plugins/log.so" in shown, shown)
    version = run(prefix / "bin/standpipe", "--version")
    check(re.fullmatch(r"standpipe \d+\.\d+\.\d+ \(plugin ABI \d+\.\d+\)\n", version), version)
    world.made["prefix"] = prefix


def test_plugins_are_looked_for_in_folders_given_then_in_the_variable_then_in_the_installation(world):
    prefix = world.given("prefix")
    log = prefix / "lib/standpipe/plugins/log.so"
    first, second = world.folder / "first", world.folder / "second"
    for folder in (first, second):
        folder.mkdir()
        shutil.copy(log, folder)
    environment = {**plain_environment(), "STANDPIPE_PLUGIN_PATH": str(second)}
    found = lambda *words, **options: run(prefix / "bin/standpipe", "plugin", "show", "log", *words, **options).splitlines()[1]
    check(found("--plugins", first, env=environment) == f"{first}/log.so", "--plugins is not first")
    check(found(env=environment) == f"{second}/log.so", "the variable is not second")
    check(found(env=plain_environment()) == str(log), "the installation is not last")


def configuration(folder):
    (folder / "orders.yaml").write_text(
        f"data_dir: {folder}/data\n"
        f"sources: {{ orders: {{ fifo: {folder}/orders }} }}\n"
        f"handlers: {{ archive: {{ plugin: log, options: {{ path: {folder}/orders.log }} }} }}\n"
        "routes: [{ from: orders, to: archive }]\n"
    )
    return folder / "orders.yaml"


def test_a_hub_runs_from_the_moved_prefix(world):
    program = world.given("prefix") / "bin/standpipe"
    folder = world.folder / "hub"
    folder.mkdir()
    file = configuration(folder)
    check(run(program, "check", file, env=plain_environment()).startswith("ok:"), "check")
    hub = world.hub(program, "run", file, "--control", folder / "control", env=plain_environment())
    run(program, "send", folder / "orders", "one", "two")
    hub.stop()
    check((folder / "orders.log").read_text() == "one\ntwo\n", "the log has something else")


def test_the_demo_runs_from_the_moved_prefix(world):
    said = run(world.given("prefix") / "bin/standpipe", "demo", env={**plain_environment(), "TMPDIR": str(world.folder)})
    check("account closes" in said, said[-1000:])


def test_each_example_is_a_sound_configuration(world):
    prefix = world.given("prefix")
    examples = sorted((prefix / "share/doc/standpipe/examples").glob("*.yaml"))
    check(len(examples) >= 3, f"{len(examples)} examples")
    built = world.folder / "built-examples"  # one of them is of a plugin, whose source is beside it
    built.mkdir()
    by_hand(prefix, prefix / "share/doc/standpipe/examples/shout.cpp", built)
    for example in examples:
        run(prefix / "bin/standpipe", "check", "--plugins", built, example, env=plain_environment())


def by_hand(prefix, source, folder):
    """Builds a plugin with what pkg-config says of the prefix; gives the environment that it was asked with."""
    need("pkg-config", "g++")
    environment = {**plain_environment(), "PKG_CONFIG_PATH": str(prefix / "share/pkgconfig")}
    flags = run("pkg-config", "--cflags", "--libs", "standpipe", env=environment).split()
    run("g++", "-std=c++20", "-fPIC", "-shared", source, *flags, "-o", folder / f"{source.stem}.so")
    return environment


def test_a_plugin_is_built_by_CMake_against_the_moved_prefix(world):
    prefix = world.given("prefix")
    build = world.folder / "plugin-build"
    run("cmake", "-S", HERE / "plugin", "-B", build, f"-DCMAKE_PREFIX_PATH={prefix}", f"-DCMAKE_INSTALL_PREFIX={prefix}")
    run("cmake", "--build", build)
    run("cmake", "--install", build)
    listed = run(prefix / "bin/standpipe", "plugin", "list", env=plain_environment())
    check("counts what is shouted" in listed and "keeps what it hears" in listed, listed)
    for name in ("shout", "whisper"):
        exports = run("nm", "-D", "--defined-only", "--format=posix", build / f"{name}.so").split("\n")
        check([line.split()[0] for line in exports if line] == ["standpipe_plugin_v1"], f"{name} exports {exports}")
        (prefix / f"lib/standpipe/plugins/{name}.so").unlink()


def test_a_plugin_is_built_by_pkg_config_alone(world):
    prefix = world.given("prefix")
    folder = world.folder / "by-hand"
    folder.mkdir()
    environment = by_hand(prefix, HERE / "plugin/shout.cpp", folder)
    check("counts what is shouted" in run(prefix / "bin/standpipe", "plugin", "show", folder / "shout.so"), "its page")
    plugins = run("pkg-config", "--variable", "plugindir", "standpipe", env=environment).strip()
    check((prefix / "x" / ".." / plugins).resolve() == prefix / "lib/standpipe/plugins", f"plugindir is {plugins}")


# What the hub shows of a plugin that is as it was made, once "hello" has been sent; a source is sent nothing.
SHOWN = {"handler": "got 5 bytes", "source": "number 2", "transform": "got hello"}


def new_plugin(world, kind, language, name="new"):
    """A folder as it was made, but for its FIFO; and the environment that it is built in."""
    prefix = world.given("prefix")
    environment = {**plain_environment(), "PKG_CONFIG_PATH": str(prefix / "share/pkgconfig"), "STATE_DIRECTORY": str(world.folder)}
    environment["PYTHONPATH"] = str(prefix / "lib/python3/dist-packages")
    folder = world.folder / f"{name}-{kind}-{language}"
    words = ["--kind", kind, "--lang", language, "--into", folder]
    run(prefix / "bin/standpipe", "plugin", "new", "word-count", *words, env=environment)
    configuration = folder / "word-count.yaml"
    configuration.write_text(configuration.read_text().replace("/tmp/", f"{folder}/"))
    return folder, environment


def runs(world, kind, folder, environment):
    program = world.given("prefix") / "bin/standpipe"
    # Each has a state of its own: a source goes on where the one of that name was.
    (folder / "state").mkdir()
    environment = {**environment, "STATE_DIRECTORY": str(folder / "state")}
    hub = world.hub(program, "run", "--plugins", folder, folder / "word-count.yaml", "--control", folder / "control", env=environment)
    if kind != "source":
        run(program, "send", folder / "word-count-in", "hello", env=environment)
    until(lambda: SHOWN[kind] in hub.said(), f"{folder.name}: the hub shows {SHOWN[kind]}")
    hub.stop()


def test_a_new_plugin_of_each_kind_builds_tests_checks_and_runs_as_it_was_made(world):
    need("make", "pkg-config", "gcc", "g++")
    program = world.given("prefix") / "bin/standpipe"
    for kind in SHOWN:
        for language in ("cpp", "c"):
            folder, environment = new_plugin(world, kind, language)
            said = run("make", "-C", folder, f"STANDPIPE={program}", "test", "check", env=environment)
            check("PASS  it opens" in said and " 0 failed, 0 not run" in said and "warning" not in said, said)
            runs(world, kind, folder, environment)


def test_a_new_plugin_in_C_builds_tests_and_checks_by_CMake(world):
    need("cmake", "gcc", "g++")
    for kind in SHOWN:
        folder, environment = new_plugin(world, kind, "c", "by-cmake")
        run("cmake", "-S", folder, "-B", folder / "build", f"-DCMAKE_PREFIX_PATH={world.given('prefix')}", env=environment)
        said = run("cmake", "--build", folder / "build", env=environment)
        check("warning" not in said, said)
        said = run("ctest", "--test-dir", folder / "build", "--output-on-failure", env=environment)
        check("100% tests passed, 0 tests failed out of 3" in said, said)


def test_a_new_plugin_in_Python_or_in_any_language_tests_checks_and_runs_as_it_was_made(world):
    need("make", "python3")
    program = world.given("prefix") / "bin/standpipe"
    for kind in SHOWN:
        for language in ("python", "any"):
            folder, environment = new_plugin(world, kind, language)
            said = run("make", "-C", folder, f"STANDPIPE={program}", "test", "check", env=environment)
            check("1 passed, 0 failed" in said, said)
            runs(world, kind, folder, environment)


def tutorial():
    """The blocks of sdk/README.md in their order: (language, file, content)."""
    text = (TOP / "sdk/README.md").read_text()
    return re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_tutorial_of_the_SDK_is_what_happens(world):
    need("bash", "make", "pkg-config", "g++", "gcc")
    prefix = world.given("prefix")
    folder = world.folder / "tutorial"
    folder.mkdir()
    script = "set -e\n"
    for language, file, content in tutorial():
        content = content.replace("/tmp/", f"{folder}/")
        if file:
            script += f"cat > {file} <<'THE_END'\n{content}THE_END\n"
        elif language == "sh":
            script += f"{content}echo ===\n"
    environment = {**plain_environment(), "PATH": f"{prefix}/bin:{os.environ['PATH']}", "STATE_DIRECTORY": str(folder),
                   "XDG_RUNTIME_DIR": str(folder), "PKG_CONFIG_PATH": f"{prefix}/share/pkgconfig"}
    said = iter(run("bash", "-c", script, cwd=folder, env=environment).split("===\n"))
    for language, _, content in tutorial():
        if language == "sh":
            now = next(said)
        for line in content.splitlines() if language == "output" else []:
            check(line in now, f"the tutorial shows, and nothing says: {line}\n{now[-3000:]}")


def test_every_page_of_the_manual_renders_without_a_warning(world):
    need("man")
    pages = sorted((world.given("prefix") / "share/man").rglob("*.gz"))
    wide = {**plain_environment(), "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    check(len(pages) >= 10, f"{len(pages)} pages")
    for page in pages:
        said = run("sh", "-c", 'man --warnings -l "$1" 2>&1 >/dev/null', "sh", page, env=wide)
        check(not said, f"{page.name}: {said[-500:]}")
        check("NAME\n" in run("man", "-l", page, env=wide), f"{page.name} shows nothing")
    check(b"made by" in gzip.open(pages[0]).read().lower(), "a page does not say who made it")


def test_the_shells_take_their_completions(world):
    prefix = world.given("prefix")
    for shell, file in (
        ("bash", "share/bash-completion/completions/standpipe"),
        ("zsh", "share/zsh/site-functions/_standpipe"),
        ("fish", "share/fish/vendor_completions.d/standpipe.fish"),
    ):
        if shutil.which(shell):
            run(shell, "-n", prefix / file)


def test_systemd_accepts_the_units_and_finds_them_hardened(world):
    need("systemd-analyze")
    prefix = world.folder / "for-systemd"
    run("cmake", "--install", world.build, "--prefix", prefix)
    environment = {**plain_environment(), "XDG_RUNTIME_DIR": str(world.folder)}
    for folder, options in (("system", ["--man=no"]), ("user", ["--man=no", "--user"])):
        unit = prefix / f"lib/systemd/{folder}/standpipe@.service"
        instance = world.folder / folder / "standpipe@orders.service"
        instance.parent.mkdir()
        shutil.copy(unit, instance)
        said = run("systemd-analyze", "verify", *options, instance, env=environment)
        ours = [line for line in said.splitlines() if "standpipe" in line]
        check(not ours, f"{folder}: {ours}")
    said = run("systemd-analyze", "security", "--offline=yes", "--threshold=30", world.folder / "system/standpipe@orders.service")
    check("overall exposure" in said.lower(), said[-500:])


def test_without_Catch2_all_but_the_tests_is_configured_with_a_word(world):
    build = world.folder / "no-catch"
    said = run("cmake", "-S", TOP, "-B", build, "-DCMAKE_DISABLE_FIND_PACKAGE_Catch2=ON", "-DCMAKE_BUILD_TYPE=")
    check("Tests are left out" in said, said)
    if "unit_base" in (build / "Makefile").read_text():
        raise Failed("there are tests")


# ---- the service: what its unit forbids, a hub does not need


def system_calls_of(name, sets):
    return set().union(*(system_calls_of(x, sets) if x.startswith("@") else {x} for x in sets[name]))


def allowed_by_systemd(name):
    """The names in one of systemd's sets of system calls, and in the sets in it."""
    sets, current = {}, None
    for line in run("systemd-analyze", "syscall-filter").splitlines():
        word = line.strip()
        if line.startswith("@"):
            current = sets.setdefault(word, [])
        elif word and not word.startswith("#") and current is not None:
            current.append(word)
    return system_calls_of(name, sets)


def test_the_units_filter_lets_a_hub_do_all_that_it_does(world):
    need("systemd-analyze", "strace")
    program = world.given("prefix") / "bin/standpipe"
    folder = world.folder / "traced"
    folder.mkdir()
    trace = folder / "trace"
    file = configuration(folder)
    program_of_its_own = f"cat >{folder}/frames; sleep 100"  # it does not end by itself, so it is ended
    options = f"{{ command: [sh, -c, {json.dumps(program_of_its_own)}], answers: none, stop_timeout: 100ms }}"
    text = file.read_text().replace("handlers: {", f"handlers: {{ program: {{ plugin: exec, options: {options} }},")
    file.write_text(text.replace("to: archive", "to: [archive, program]"))
    hub = world.hub("strace", "-f", "-qq", "-o", trace, program, "run", file, "--control", folder / "control",
                    env={**plain_environment(), "WATCHDOG_USEC": "60000000"})  # fmt: skip
    keeper = hub.worker()  # strace's child
    hub.kill_the_worker_of(keeper)
    run(program, "send", folder / "orders", "one", "two")
    run(program, "stats", "--control", folder / "control")
    until(lambda: (folder / "frames").exists() and (folder / "frames").stat().st_size == 14, "its program has both messages")
    os.kill(keeper, signal.SIGTERM)
    check(hub.process.wait(30 * SLOW) == 0, hub.said())
    done = trace.read_text(errors="replace")
    unit = (world.given("prefix") / "lib/systemd/system/standpipe@.service").read_text()
    allowed = allowed_by_systemd(re.search(r"^SystemCallFilter=(.*)$", unit, re.MULTILINE)[1])
    forbidden = set(re.findall(r"^\d+ +(\w+)\(", done, re.MULTILINE)) - allowed
    check(not forbidden, f"forbidden, and used: {sorted(forbidden)}")
    check(re.search(r"^\d+ +kill\(-\d+, SIGTERM", done, re.MULTILINE), "the program of exec is not ended")
    check("PROT_WRITE|PROT_EXEC" not in done, "memory that is written and executed")


def test_cleaners_leave_a_hubs_folders_alone(world):
    need("systemd-tmpfiles", "systemd-sysusers")
    if os.geteuid() != 0:
        raise Skipped("only root can give folders to another user")
    root, prefix = world.folder / "cleaned", world.given("prefix")
    (root / "etc").mkdir(parents=True)
    run("systemd-sysusers", "--root", root, prefix / "lib/sysusers.d/standpipe.conf")
    check("standpipe:" in (root / "etc/passwd").read_text(), "no user")
    shutil.copy(prefix / "lib/tmpfiles.d/standpipe.conf", root / "standpipe.conf")
    (root / "cleaner.conf").write_text("d /tmp 1777 root root 0\nd /run 0755 root root -\n")
    rules = ["systemd-tmpfiles", "--root", root, root / "cleaner.conf", root / "standpipe.conf"]
    run(*rules, "--create")
    kept = [root / "tmp/standpipe-0/control", root / "run/standpipe/orders", root / "var/lib/standpipe/spill"]
    other = root / "tmp/other"
    for path in [*kept, other]:
        path.parent.mkdir(exist_ok=True)
        os.mkfifo(path)
    run(*rules, "--clean")
    check(not other.exists(), "the cleaner does nothing")
    check(all(path.exists() for path in kept), f"cleaned away: {[p for p in kept if not p.exists()]}")
