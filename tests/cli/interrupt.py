#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Signals while create works: what was read is saved and found again, whatever
the source does meanwhile. VARVE names the program. In TAP."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile

VARVE = os.environ["VARVE"]
SIZE = 12 << 20
# What may be lost: pieces and frames on their way when the signal came.
LOST = 3 << 20
# Nothing here takes that long; a run that hangs does.
PATIENCE = 60

tests = 0
failed = False


def ok(good, name, seen=""):
    global tests, failed
    tests += 1
    failed |= not good
    print(("ok" if good else "not ok") + f" {tests} - {name}", flush=True)
    if not good and seen != "":
        for line in str(seen).splitlines():
            print("# " + line, flush=True)


def varve(*args, **more):
    return subprocess.run([VARVE, *args], capture_output=True, text=True,
                          check=False, timeout=PATIENCE, **more)


def hear_signals():
    """Whatever the caller of this test ignores, as nohup(1) does SIGHUP."""
    for n in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(n, signal.SIG_DFL)


def start(*args, preexec_fn=hear_signals, **more):
    return subprocess.Popen([VARVE, "create", "--list", *args],
                            stderr=subprocess.PIPE, text=True,
                            start_new_session=True, preexec_fn=preexec_fn,
                            **more)


def await_line(process, end):
    """Read what it says until a line ends like this; all lines."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        if line.rstrip("\n").endswith(end):
            return lines
    raise RuntimeError(f"no line {end}: {lines}")


def leftovers():
    """Files in tmp/ that nobody holds any more but that are there."""
    return os.listdir("repo/tmp") if os.path.isdir("repo/tmp") else []


def new_bytes(name, *sources):
    done = varve("create", "--json", f"repo::{name}", *sources)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout)["archive"]["stats"]["deduplicated_size"]


def data(path, size=SIZE):
    with open(path, "wb") as f:
        f.write(os.urandom(size))


def interrupt(name, n, process):
    """Send the signal and see how the process ends."""
    process.send_signal(n)
    try:
        rest = process.communicate(timeout=PATIENCE)[1]
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        ok(False, f"{name}: ends")
        return
    ok(process.returncode == -n, f"{name}: ends by the signal",
       f"{process.returncode}\n{rest}")
    ok("interrupted: saving what was read" in rest, f"{name}: is told", rest)
    ok(leftovers() == [], f"{name}: nothing is left in tmp", leftovers())


def fifo(n):
    """A reader hangs where a FIFO has no writer."""
    name = f"FIFO, {signal.Signals(n).name}"
    os.mkdir("src")
    data("src/a-large")
    os.mkfifo("src/b-fifo")
    process = start("--read-special", "repo::fifo", "src")
    await_line(process, "src/a-large")
    interrupt(name, n, process)
    os.remove("src/b-fifo")
    ok("fifo" not in varve("list", "repo").stdout, f"{name}: no archive")
    again = new_bytes(f"again-{n}", "src")
    ok(again <= LOST, f"{name}: is found by the next run", again)
    ok(varve("check", "repo").returncode == 0, f"{name}: check")
    shutil.rmtree("src")


def stdin():
    """Standard input that stays open."""
    os.mkdir("src")
    data("src/a")
    read, write = os.pipe()
    process = start("--stdin-name", "zz", "repo::stdin", "src", "-",
                    stdin=read)
    os.close(read)
    await_line(process, "src/a")
    interrupt("standard input", signal.SIGTERM, process)
    os.close(write)
    again = new_bytes("stdin-again", "src")
    ok(again <= LOST, "standard input: is found by the next run", again)
    shutil.rmtree("src")


def command():
    """A command that goes on for ever is ended, too."""
    process = start("--content-from-command", "repo::command", "--", "sh", "-c",
                    "echo $$ >pid; exec sleep 1000", stdin=subprocess.DEVNULL)
    while not os.path.exists("pid") or not open("pid").read().strip():
        if process.poll() is not None:
            break
    pid = int(open("pid").read())
    interrupt("command", signal.SIGTERM, process)
    ok(not os.path.exists(f"/proc/{pid}/fd/1") or
       open(f"/proc/{pid}/stat").read().split()[2] == "Z",
       "command: is ended")


def early():
    """A signal before the repository is open: no command was started that
    would be left running."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("VARVE_KEY_FILE", "VARVE_PASSPHRASE")}
    env["VARVE_PASSCOMMAND"] = "sh -c 'echo $$ >asked; exec sleep 1000'"
    process = start("--content-from-command", "repo::early", "--", "touch",
                    "started", stdin=subprocess.DEVNULL, env=env)
    while not os.path.exists("asked") or not open("asked").read().strip():
        if process.poll() is not None:
            break
    asked = int(open("asked").read())
    process.terminate()
    os.kill(asked, signal.SIGTERM)
    process.communicate(timeout=PATIENCE)
    ok(process.returncode == -signal.SIGTERM, "early: ends by the signal",
       process.returncode)
    ok(not os.path.exists("started"), "early: the command was not started")


def path_list():
    """A list of paths that does not end: nothing was read yet."""
    os.mkdir("src")
    data("src/a", 1000)
    read, write = os.pipe()
    process = start("--paths-from-stdin", "repo::paths", stdin=read)
    os.close(read)
    os.write(write, b"src/a\n")
    while not os.path.exists(f"/proc/{process.pid}/task") or \
            len(os.listdir(f"/proc/{process.pid}/task")) < 2:
        pass  # the thread that hears signals is there
    interrupt("list of paths", signal.SIGINT, process)
    os.close(write)
    shutil.rmtree("src")


def ignored():
    """What nohup(1) ignores stays ignored."""
    process = start("--stdin-name", "zz", "repo::nohup", "-",
                    stdin=subprocess.PIPE,
                    preexec_fn=lambda: signal.signal(signal.SIGHUP,
                                                     signal.SIG_IGN))
    process.stdin.write("text")
    process.stdin.flush()
    # It reads once it has taken everything out of the pipe.
    process.send_signal(signal.SIGHUP)
    process.stdin.close()
    process.stdin = None
    process.communicate(timeout=PATIENCE)
    ok(process.returncode == 0, "ignored: goes on", process.returncode)


def main():
    top = tempfile.mkdtemp(prefix="varve-interrupt.")
    os.chdir(top)
    for name in [n for n in os.environ if n.startswith("VARVE_")]:
        del os.environ[name]
    os.environ.update(HOME=top, VARVE_BASE_DIR=top + "/base",
                      VARVE_PASSPHRASE="a passphrase", LC_ALL="C.UTF-8")
    try:
        varve("init", "repo")
        varve("key", "add", "--key-file", top + "/key", "repo")
        os.environ["VARVE_KEY_FILE"] = top + "/key"
        for n in signal.SIGINT, signal.SIGTERM, signal.SIGHUP:
            fifo(n)
        stdin()
        command()
        early()
        path_list()
        ignored()
    finally:
        os.chdir("/")
        shutil.rmtree(top)
    print(f"1..{tests}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
