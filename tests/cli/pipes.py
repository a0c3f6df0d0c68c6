#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Output that nobody reads ends varve by SIGPIPE, silently; output that cannot
be written is one error with one status. VARVE names the program. In TAP."""

import glob
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

VARVE = os.environ["VARVE"]
PATIENCE = 60

tests = 0
failed = False


def ok(good, name, seen=""):
    global tests, failed
    tests += 1
    failed |= not good
    print(("ok" if good else "not ok") + f" {tests} - {name}", flush=True)
    if not good:
        for line in str(seen).splitlines():
            print("# " + line, flush=True)


def unread():
    """A pipe that nobody reads."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def varve(*args, ignore=False, **streams):
    def prepare():
        signal.signal(signal.SIGPIPE,
                      signal.SIG_IGN if ignore else signal.SIG_DFL)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    done = subprocess.run([VARVE, *args], stdin=subprocess.DEVNULL, text=True,
                          check=False, timeout=PATIENCE, preexec_fn=prepare,
                          **streams)
    for stream in streams.values():
        if stream >= 0:
            os.close(stream)
    return done


def new_bytes(name, source):
    done = varve("create", "--json", f"::{name}", source)
    return json.loads(done.stdout)["archive"]["stats"]["deduplicated_size"]


PRINTS = """--version
--help
help patterns
list
list --json
list ::one
list --json-lines ::one
info
info --json
info ::one
info --json ::one
diff ::one two
diff --json-lines ::one two
find *
find --json-lines *
history src/file
history --json src/file
history --restore 1 --stdout src/file
du
du --json
verify --all
verify --status
verify --status --json
key list
key list --json
key export
catalog status
catalog status --json
extract --stdout ::one"""


def standard_output():
    for line in PRINTS.splitlines():
        done = varve(*line.split(), stdout=unread())
        ok(done.returncode == -signal.SIGPIPE and done.stderr == "",
           f"{line}: nobody reads: ends by SIGPIPE, silently", done)
        done = varve(*line.split(), stdout=os.open("/dev/full", os.O_WRONLY))
        ok(done.returncode == 2 and done.stderr.count("\n") == 1
           and "standard output: No space left" in done.stderr,
           f"{line}: no space: one error, status 2", done)
    for line in ("list", "extract --stdout ::one"):
        done = varve(*line.split(), stdout=unread(), ignore=True)
        ok(done.returncode == 2 and done.stderr.count("\n") == 1
           and "standard output: Broken pipe" in done.stderr,
           f"{line}: SIGPIPE is ignored: an error", done)
    done = varve("create", "--json", "::json", "src", stdout=unread())
    ok(done.returncode == -signal.SIGPIPE and done.stderr == "",
       "create --json: nobody reads", done)
    ok("json" in varve("list", "--short").stdout.split(),
       "the archive was complete, and stays")


def standard_error():
    for line in ("-v check", "extract -n --list ::one", "delete --list ::json",
                 "--show-version list", "list ::nope"):
        done = varve(*line.split(), stderr=unread())
        ok(done.returncode == -signal.SIGPIPE, f"{line}: nobody reads", done)
    ok("json" in varve("list", "--short").stdout.split(),
       "delete ended before it deleted")


def create():
    os.mkdir("big")
    for i in range(40):
        with open(f"big/{i:02}", "wb") as f:
            f.write(os.urandom(200 << 10))
    done = varve("create", "--list", "-c", "1", "::list", "big",
                 stderr=unread())
    ok(done.returncode == -signal.SIGPIPE, "create --list: nobody reads", done)
    ok("list" not in varve("list", "--short").stdout.split(),
       "there is no archive")
    done = varve("create", "--list", "::list", "big", stderr=unread(),
                 ignore=True)
    ok(done.returncode == 0 and
       "list" in varve("list", "--short").stdout.split(),
       "where SIGPIPE is ignored create goes on", done)
    done = varve("create", "::command", "--content-from-command", "--", "sh",
                 "-c", "yes | head -n 1", stderr=unread())
    ok(done.returncode == 0, "a command of create gets SIGPIPE as usual", done)
    done = varve("check")
    ok(done.returncode == 0, "the repository is whole", done)


def await_mount(process):
    end = time.monotonic() + PATIENCE
    while process.poll() is None and not os.path.ismount("mnt"):
        if time.monotonic() > end:
            raise RuntimeError("no mount")
        time.sleep(0.02)


def mount():
    if not os.path.exists("/dev/fuse") or os.geteuid() != 0:
        return
    # A damaged chunk makes the mount say something.
    for pack in glob.glob("repo/packs/*/*"):
        with open(pack, "r+b") as f:
            f.seek(os.path.getsize(pack) // 3)
            f.write(b"damage" * 20)
    os.mkdir("mnt")
    process = subprocess.Popen([VARVE, "mount", "-f", "::list", "mnt"],
                               stderr=unread())
    try:
        await_mount(process)
        for i in range(40):
            try:
                with open(f"mnt/big/{i:02}", "rb") as f:
                    f.read()
            except OSError:
                pass
        ok(process.wait(PATIENCE) == -signal.SIGPIPE, "mount: nobody reads",
           process.returncode)
        ok(not os.path.ismount("mnt"), "the mount is gone")
    finally:
        process.kill()
        subprocess.run(["umount", "-l", "mnt"], check=False,
                       stderr=subprocess.DEVNULL)


def main():
    home = os.getcwd() + "/home"
    os.mkdir(home)
    for name in [n for n in os.environ if n.startswith("VARVE_")]:
        del os.environ[name]
    os.environ.update({"HOME": home, "VARVE_BASE_DIR": home, "TZ": "UTC",
                       "VARVE_PASSPHRASE": "a passphrase", "LC_ALL": "C.UTF-8",
                       "VARVE_REPO": os.getcwd() + "/repo"})
    os.mkdir("src")
    with open("src/file", "w") as f:
        f.write("text\n")
    varve("init")
    varve("create", "::one", "src")
    with open("src/file", "a") as f:
        f.write("more\n")
    varve("create", "::two", "src")
    standard_output()
    standard_error()
    create()
    mount()
    print(f"1..{tests}")


if __name__ == "__main__":
    scratch = tempfile.mkdtemp(prefix="varve-pipes.")
    os.chdir(scratch)
    try:
        main()
    finally:
        os.chdir("/")
        shutil.rmtree(scratch, ignore_errors=True)
    sys.exit(failed)
