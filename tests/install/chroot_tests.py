# SPDX-License-Identifier: Apache-2.0
"""The packages in a bare Debian 12: its own user, the unit's command line, an upgrade under load, a purge.

There is no service manager in there; what it would do before it starts a unit, is done here as the unit
says. The bare system is made once, by debootstrap, and kept under build/roots; a test gets an overlay of it.
"""

import os
import re
import resource
import shlex
import shutil
import socket
import subprocess

from kit import HERE, TOP, Failed, Skipped, check, need, run, until

ROOTS = TOP / "build/roots"
ARCHIVES = ROOTS / "archives"
UNIT = "usr/lib/systemd/system/standpipe@.service"
QUIET = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
TOOLS = ["g++", "cmake", "make", "pkg-config"]
MESSAGES = 20_000


# ---- roots


def mirror():
    """Where this machine's apt gets Debian 12 from."""
    places = run("apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Codename: bookworm").split()
    if not places:
        raise Skipped("apt knows no place with Debian 12")
    return places[0]


def proxies():
    dump = run("apt-config", "dump", "Acquire")
    return "".join(line + "\n" for line in dump.splitlines() if "::Proxy" in line and '""' not in line)


def within(root, *command, **options):
    return run("chroot", root, *command, env=QUIET, **options)


def kept(name, make):
    """A root that was made before, or is made now; a half-made one never has the name."""
    root, half = ROOTS / name, ROOTS / f"{name}.half"
    if root.exists():
        return root
    shutil.rmtree(half, ignore_errors=True)
    ROOTS.mkdir(parents=True, exist_ok=True)
    try:
        make(half)
    except Failed as why:
        raise Skipped(f"the root cannot be made (no network?): {str(why)[-300:]}") from None
    half.rename(root)
    return root


def make_bare(root):
    run("debootstrap", "--variant=minbase", "bookworm", root, mirror())
    (root / "etc/apt/apt.conf.d/90proxy").write_text(proxies())
    within(root, "apt-get", "update", "-qq")
    within(root, "apt-get", "clean")


def make_tools(root):
    run("cp", "-a", ROOTS / "bare", root)
    within(root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *TOOLS)
    within(root, "apt-get", "clean")


def overlay(world, name):
    """A root to change, over one that is kept; goes with this process's mounts."""
    root = world.folder / f"root-{name}"
    world.mounts.append(root)
    upper, work = world.folder / f"{name}-upper", world.folder / f"{name}-work"
    for folder in (root, upper, work):
        folder.mkdir()
    options = f"lowerdir={ROOTS / name},upperdir={upper},workdir={work}"
    if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, root], capture_output=True).returncode:
        run("mount", "--bind", root, root)  # so that all of it goes the same way at the end
        run("cp", "-a", f"{ROOTS / name}/.", root)
    run("mount", "-t", "proc", "proc", root / "proc")
    return root


def can_have_roots():
    if os.geteuid() != 0 or not os.environ.get("STANDPIPE_TEST_APART"):
        raise Skipped("only root can make a root folder (and unshare must work)")
    need("debootstrap", "chroot", "apt-get")


def install(root, *packages):
    """By apt, with what they depend on; that is kept, so that the next run needs no network."""
    fetched = root / "var/cache/apt/archives"
    ARCHIVES.mkdir(exist_ok=True)
    for package in ARCHIVES.glob("*.deb"):
        shutil.copy(package, fetched)
    for package in packages:
        shutil.copy(package, root / "tmp")
    within(root, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *(f"/tmp/{p.name}" for p in packages))
    for package in packages:
        (root / "tmp" / package.name).unlink()
    for package in fetched.glob("*.deb"):
        shutil.copy(package, ARCHIVES)


# ---- what a service manager does


class Service:
    """An instance of the installed unit: its folders, its user, its command line, its notifications."""

    FOLDERS = {"RuntimeDirectory": "run", "StateDirectory": "var/lib", "LogsDirectory": "var/log"}

    def __init__(self, root, instance):
        self.root = root
        text = (root / UNIT).read_text().replace("%i", instance)
        self.lines = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
        self.uid = int(within(root, "id", "-u", self.lines["User"]))
        self.gid = int(within(root, "id", "-g", self.lines["Group"]))
        self.name = f"standpipe-test-{os.getpid()}"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind("\0" + self.name)
        self.socket.setblocking(False)

    def environment(self):
        variables = {"PATH": "/usr/bin:/bin", "HOME": "/var/lib/standpipe", "NOTIFY_SOCKET": "@" + self.name}
        variables["WATCHDOG_USEC"] = str(int(self.lines["WatchdogSec"]) * 1_000_000)
        for key, folder in self.FOLDERS.items():
            path = self.root / folder / self.lines[key]
            path.mkdir(exist_ok=True)
            os.chown(path, self.uid, self.gid)
            path.chmod(int(self.lines[key + "Mode"], 8))
            variables[re.sub(r"(?<=[a-z])(?=D)", "_", key).upper()] = f"/{folder}/{self.lines[key]}"
        return variables

    def start(self, world):
        user = f"--userspec={self.uid}:{self.gid}"
        words = [shutil.which("chroot"), user, "--groups=", self.root, *shlex.split(self.lines["ExecStart"])]
        return world.hub(*words, env=self.environment(), umask=int(self.lines["UMask"], 8))

    def told(self):
        said = []
        while True:
            try:
                said.append(self.socket.recv(4096).decode())
            except BlockingIOError:
                return "\n".join(said)


CONFIGURATION = """
sources:
  orders: { fifo: /run/standpipe/orders }
handlers:
  archive: { plugin: log, options: { path: /var/log/standpipe/orders.log } }
routes:
  - { from: orders, to: archive }
"""


def logged(root):
    log = root / "var/log/standpipe/orders.log"
    return log.read_text().split() if log.exists() else []


# ---- tests


def test_a_bare_root_is_made_or_was(world):
    can_have_roots()
    kept("bare", make_bare)
    world.made["root"] = overlay(world, "bare")


def test_the_package_installs_with_what_it_depends_on(world):
    root = world.given("root")
    world.made["before"] = names_in(root)
    install(root, world.given("packages")["standpipe"])
    check(within(root, "standpipe", "--version").startswith("standpipe "), "no version")
    listed = within(root, "standpipe", "plugin", "list")
    check(len(re.findall(r"^\w+ .* handler", listed, re.MULTILINE)) == 9, listed)
    check("/var/lib/standpipe" in within(root, "getent", "passwd", "standpipe"), "there is no user")
    world.made["installed"] = root


def test_a_hub_runs_as_its_own_user_by_the_units_command_line(world):
    root = world.given("installed")
    (root / "etc/standpipe/orders.yaml").write_text(CONFIGURATION)
    service = Service(root, "orders")
    hub = service.start(world)
    until(lambda: "READY=1" in service.told(), "READY=1 to the service manager")
    for process in (hub.process.pid, hub.worker()):
        check(os.stat(f"/proc/{process}").st_uid == service.uid, "a process of it is another user's")
    within(root, "standpipe", "send", "/run/standpipe/orders", "first")
    until(lambda: logged(root) == ["first"], "the message in the log")
    check("account closes" in within(root, "standpipe", "stats", "--account"), "root finds the hub's account")
    check(list((root / "var/lib/standpipe").glob("orders-*")), "the data folder is not in StateDirectory")
    world.made["service"], world.made["hub"] = service, hub


def send_slowly(root):
    """Numbers, a few seconds of them."""
    numbers = subprocess.Popen(["seq", str(MESSAGES)], stdout=subprocess.PIPE)
    send = ["chroot", root, "standpipe", "send", "/run/standpipe/orders", "--rate", "4k/s", "--quiet"]
    return subprocess.Popen(send, stdin=numbers.stdout, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def test_an_upgrade_over_the_running_hub_loses_nothing(world):
    root, hub = world.given("installed"), world.given("hub")
    package = world.given("next packages")["standpipe"]
    shutil.copy(package, root / "tmp")
    sender = send_slowly(root)
    until(lambda: len(logged(root)) > 100, "the flow of messages")
    within(root, "dpkg", "-i", f"/tmp/{package.name}")
    (root / "tmp" / package.name).unlink()
    check(sender.poll() is None, "the flow ended before the upgrade did")
    check(hub.process.poll() is None, f"the hub did not outlive it:\n{hub.said()}")
    hub.kill_the_worker_of(hub.process.pid)
    inode = os.stat(f"/proc/{hub.process.pid}/exe").st_ino
    until(lambda: os.stat(f"/proc/{hub.worker()}/exe").st_ino == inode, "the next worker is of the keeper's version")
    check(inode != os.stat(root / "usr/bin/standpipe").st_ino, "nothing was upgraded")
    check(sender.wait(120) == 0, f"send: {sender.stderr.read()}")
    until(lambda: len(set(logged(root))) == MESSAGES + 1, f"all of {MESSAGES} messages", 60)


def test_a_restart_runs_the_new_version(world):
    root, hub, service = world.given("installed"), world.given("hub"), world.given("service")
    hub.stop()
    check("STOPPING=1" in service.told(), "STOPPING=1 to the service manager")
    hub = service.start(world)
    check(os.stat(f"/proc/{hub.process.pid}/exe").st_ino == os.stat(root / "usr/bin/standpipe").st_ino, "the old program runs")
    within(root, "standpipe", "send", "/run/standpipe/orders", "last")
    until(lambda: logged(root)[-1] == "last", "the message in the log")
    hub.stop()


def test_a_wrong_configuration_ends_so_that_no_service_is_restarted_for_it(world):
    root = world.given("installed")
    (root / "etc/standpipe/wrong.yaml").write_text("version: 2\n")
    unit = (root / UNIT).read_text()
    check("78" in re.search(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)[1].split(), "78 restarts")
    within(root, "standpipe", "run", "/etc/standpipe/wrong.yaml", status=78)


def names_in(root):
    """Files that the packages, their scripts or hubs could have left; apt's and dpkg's own records are not."""
    found = run("find", root, "-xdev", "(", "-path", f"{root}/var/lib/dpkg", "-o", "-path", f"{root}/var/lib/apt", "-o",
                "-path", f"{root}/var/cache", "-o", "-path", f"{root}/var/log/apt", ")", "-prune", "-o", "-print")  # fmt: skip
    return {line.removeprefix(str(root)) for line in found.splitlines()}


def test_a_purge_leaves_nothing(world):
    root = world.given("installed")
    within(root, "dpkg", "--purge", "standpipe")
    within(root, "apt-get", "autoremove", "-y", "-qq", "--purge")
    left = {name for name in names_in(root) - world.given("before") if "standpipe" in name}
    check(not left, f"left behind: {sorted(left)}")
    within(root, "getent", "passwd", "standpipe", status=2)
    within(root, "getent", "group", "standpipe", status=2)
    check("standpipe" not in within(root, "dpkg", "-l"), "dpkg remembers it")


def test_a_plugin_is_built_out_of_tree_against_the_packages(world):
    world.given("root")
    kept("tools", make_tools)
    root = overlay(world, "tools")
    made = world.given("packages")
    install(root, made["standpipe"], made["standpipe-dev"])
    shutil.copytree(HERE / "plugin", root / "root/plugin")
    within(root, "cmake", "-S", "/root/plugin", "-B", "/root/build", "-DCMAKE_INSTALL_PREFIX=/usr")
    within(root, "cmake", "--build", "/root/build")
    within(root, "cmake", "--install", "/root/build")
    listed = within(root, "standpipe", "plugin", "list")
    check("counts what is shouted" in listed and "keeps what it hears" in listed, listed)
    by_hand = "g++ -std=c++20 -fPIC -shared /root/plugin/shout.cpp $(pkg-config --cflags --libs standpipe) -o /root/shout.so"
    within(root, "sh", "-ec", by_hand)
    check("counts what is shouted" in within(root, "standpipe", "plugin", "show", "/root/shout.so"), "its page")
    world.made["tools"] = root


def test_bridges_bring_their_libraries(world):
    root = world.given("tools")
    bridges = {name.removeprefix("standpipe-"): file for name, file in world.given("packages").items() if name not in ("standpipe", "standpipe-dev")}
    if not bridges:
        raise Skipped("no bridge is built here")
    install(root, *bridges.values())
    listed = within(root, "standpipe", "plugin", "list")
    for bridge in bridges:
        check(re.search(rf"^{bridge} +1\.0 +source, handler", listed, re.MULTILINE), listed)


def machine_time():
    """Seconds of processors that programs of this test have used, hubs that have ended among them."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


# What the hub shows of a plugin that is as it was made, once "hello" has been sent; a source is sent nothing.
SHOWN = {"handler": "got 5 bytes", "source": "number 2", "transform": "got hello"}


def ran_in(world, root, folder, kind="handler"):
    """The plugin's own configuration as it was made, with a message through its FIFO."""
    name = folder.split("/")[-1]
    paths = ["--plugins", folder, f"{folder}/word-count.yaml", "--control", f"{folder}/control"]
    within(root, "mkdir", f"{folder}/state")  # its own: a source goes on where the one of that name was
    environment = {**QUIET, "STATE_DIRECTORY": f"{folder}/state"}
    hub = world.hub(shutil.which("chroot"), root, "standpipe", "run", *paths, env=environment)
    until(lambda: "ready" in hub.said(), f"{name}: a hub that is ready")
    if kind != "source":
        within(root, "standpipe", "send", "/tmp/word-count-in", "hello")
    until(lambda: SHOWN[kind] in hub.said(), f"{name}: the hub shows {SHOWN[kind]}")
    hub.stop()


def test_a_new_plugin_is_built_tested_checked_and_run_with_the_packages_alone(world):
    root = world.given("tools")
    began = machine_time()
    for language in ("cpp", "c"):
        for kind in SHOWN:
            folder = f"/root/by-make-{kind}-{language}"
            within(root, "standpipe", "plugin", "new", "word-count", "--kind", kind, "--lang", language, "--into", folder)
            said = within(root, "make", "-C", folder, "test", "check")
            check(" 0 failed, 0 not run" in said and "warning" not in said, said)
            ran_in(world, root, folder, kind)
        folder = f"/root/by-cmake-{language}"
        within(root, "standpipe", "plugin", "new", "word-count", "--lang", language, "--into", folder)
        within(root, "cmake", "-S", folder, "-B", f"{folder}/build")
        said = within(root, "cmake", "--build", f"{folder}/build")
        check("warning" not in said, said)
        said = within(root, "ctest", "--test-dir", f"{folder}/build", "--output-on-failure")
        check("100% tests passed, 0 tests failed out of 3" in said, said)
        run("cp", root / f"{folder[1:]}/build/word-count.so", root / folder[1:])
        ran_in(world, root, folder)
    used = machine_time() - began
    check(used < 240, f"that took {used:.0f} seconds of a processor, and eight authors have waited for it")
