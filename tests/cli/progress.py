#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What --progress shows while one large item is being read: bytes, speed and
path, on a terminal of any width, in lines without a terminal, and as JSON.
Sources are pipes whose next bytes come when the bytes before were reported.
VARVE names the program. In TAP."""

import fcntl
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import unicodedata

VARVE = os.environ["VARVE"]
PATIENCE = 100  # seconds; only a line that never comes takes so long
SPEED = re.compile(r" [0-9.]+ [kMGT]?B/s ")
ERASE = "\r\x1b[K"

tests = 0
failed = False
started = []


def ok(good, name, seen=""):
    global tests, failed
    tests += 1
    failed |= not good
    print(("ok" if good else "not ok") + f" {tests} - {name}", flush=True)
    if not good:
        for line in repr(seen).splitlines():
            print("# " + line[:4000], flush=True)


def too_long(_signal, frame):
    raise TimeoutError(repr(frame.f_locals))


def start(*args, **more):
    process = subprocess.Popen([VARVE, *args], **more)
    started.append(process)
    return process


def varve(*args, **more):
    return subprocess.run([VARVE, *args], capture_output=True, text=True,
                          check=False, timeout=PATIENCE, **more)


def width(text):
    return sum(0 if unicodedata.combining(c) else
               2 if unicodedata.east_asian_width(c) in "WF" else 1
               for c in text)


class Terminal:
    """A program whose standard error is a terminal of a given width."""

    def __init__(self, columns, *args, **more):
        self.fd, slave = pty.openpty()
        self.resize(columns)
        self.seen = ""
        self.process = start(*args, stderr=slave, **more)
        os.close(slave)

    def resize(self, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", 24, columns, 0, 0))

    def read(self):
        try:
            data = os.read(self.fd, 65536)
        except OSError:  # nobody holds the other end any more
            data = b""
        self.seen += data.decode()
        return data

    def wait_for(self, *texts):
        """The first complete line that has all of them, or None."""
        while True:
            for line in re.findall(r"\r([^\r]*)\x1b\[K", self.seen):
                if all(text in line for text in texts):
                    return line
            if not self.read():
                return None

    def end(self):
        while self.read():
            pass
        self.process.wait()
        os.close(self.fd)
        return self.process.returncode


def events(stderr, *types):
    return [e for e in map(json.loads, stderr.splitlines())
            if e["type"] in types]


# --- create ---

def create_on(columns):
    t = Terminal(columns, "create", "--progress", f"repo::t{columns}", "-",
                 stdin=subprocess.PIPE)
    t.process.stdin.write(300_000 * b"x")
    t.process.stdin.flush()
    line = t.wait_for("300.00 kB", "stdin")
    ok(line is not None and SPEED.search(line) and len(line) < columns,
       f"{columns} columns: bytes, speed and path of what is not read yet",
       (line, t.seen))
    t.resize(columns + 40)
    t.process.stdin.write(100_000 * b"x")
    t.process.stdin.close()
    t.wait_for("400.00 kB")
    status = t.end()
    ok(status == 0 and t.seen.endswith(ERASE) and "\n" not in t.seen,
       f"{columns} columns: the line is erased at the end", (status, t.seen))


def test_resized():
    t = Terminal(200, "create", "--progress", "--stdin-name", "n" * 150,
                 "repo::resized", "-", stdin=subprocess.PIPE)
    t.process.stdin.write(300_000 * b"x")
    t.process.stdin.flush()
    wide = t.wait_for("300.00 kB")
    t.resize(50)
    t.process.stdin.write(100_000 * b"x")
    t.process.stdin.flush()
    narrow = t.wait_for("400.00 kB", "nnn")
    t.process.stdin.close()
    t.end()
    ok(len(wide) > 150 and len(narrow) < 50,
       "a terminal that is made smaller gets shorter lines", (wide, narrow))


def test_any_path():
    name = "宽\x1b[2J\n" + 40 * "é宽" + "\udcff"
    for columns in 40, 200:
        t = Terminal(columns, "create", "--progress", "--stdin-name", name,
                     f"repo::path{columns}", "-", stdin=subprocess.PIPE)
        t.process.stdin.write(300_000 * b"x")
        t.process.stdin.flush()
        line = t.wait_for("300.00 kB", "宽")
        t.process.stdin.close()
        t.end()
        ok(line is not None and width(line) < columns and "\x1b" not in line
           and (columns == 40 or "\\x1b[2J\\x0a" in line),
           f"{columns} columns: wide and control characters", (line, t.seen))


def test_message():
    """A message takes the place of the line."""
    t = Terminal(80, "create", "--progress", "repo::message", "-", "none",
                 stdin=subprocess.PIPE)
    t.wait_for(" B O")
    t.process.stdin.close()
    t.end()
    ok(re.search(r"\r\x1b\[Kvarve: none: [^\r\n]*\r\n", t.seen),
       "the line is erased before a message", t.seen)


SEEN = (300_000, "stdin")


def test_command():
    os.mkfifo("gate")
    p = start("create", "--progress", "--log-json", "--content-from-command",
              "repo::command", "--", "sh", "-c",
              "head -c 300000 /dev/zero; cat gate",
              stderr=subprocess.PIPE, text=True)
    before = None
    for line in p.stderr:
        before = json.loads(line)
        if (before.get("original_size"), before.get("path")) == SEEN:
            break
    ok(before["type"] == "archive_progress" and before["path"] == "stdin",
       "JSON: bytes and path while a command still runs", before)
    with open("gate", "w", encoding="ascii") as gate:
        gate.write("end")
    after = [json.loads(line) for line in p.stderr]
    p.wait()
    numbers = [e for e in after if not e.get("finished")]
    ok(p.returncode == 0 and numbers[-1]["original_size"] == 300003
       and numbers[-1]["nfiles"] == 1
       and after[-1]["finished"] and "nfiles" not in after[-1],
       "JSON: the last numbers, then that it is finished", after)


def test_no_terminal():
    quiet = varve("create", "repo::quiet", "src")
    ok(quiet.returncode == 0 and quiet.stderr == "",
       "nothing without --progress", quiet)
    p = start("create", "--progress", "repo::lines", "-",
              stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    first = p.stderr.readline()
    p.stdin.close()
    rest = p.stderr.read()
    p.wait()
    ok(" O " in first and "\r" not in first + rest
       and "\x1b" not in first + rest,
       "no terminal: a plain line at once", (first, rest))


# --- reading back ---

def test_extract():
    p = start("extract", "--progress", "--log-json", "--stdout", "repo::a",
              SRC + "/big", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    first = json.loads(p.stderr.readline())
    ok(first["type"] == "progress_percent" and first["info"] == [SRC + "/big"]
       and not first["finished"],
       "extract: the path before anybody has read a byte", first)
    n = len(p.stdout.read())
    p.stderr.read()
    p.wait()
    ok(p.returncode == 0 and n == BIG, "extract: all bytes", n)
    os.mkdir("into")
    done = varve("extract", "--progress", "--log-json", "../repo::a",
                 cwd="into")
    seen = [e for e in events(done.stderr, "progress_percent")
            if not e["finished"]]
    ok(done.returncode == 0 and seen[0]["info"][0].startswith(SRC)
       and seen[-1]["current"] == seen[-1]["total"] >= BIG,
       "extract: percent of all bytes", done)


def percents(name, path, *args):
    done = varve(*args, "--progress", "--log-json")
    seen = events(done.stderr, "progress_percent")
    numbers = [e for e in seen if not e["finished"]]
    ok(done.returncode == 0 and numbers
       and re.match(path, "".join(numbers[0]["info"]))
       and seen[-1]["finished"], f"{name}: a path from the start", done)
    return numbers or [{"current": 0, "total": 0}]


def test_readers():
    n = percents("check", "(packs|config|keys|archives|index)", "check",
                 "repo")
    ok(n[-1]["current"] == n[-1]["total"] >= BIG, "check: percent of bytes", n)
    percents("check of archives", ".", "check", "--archives-only", "repo")
    n = percents("verify", SRC, "verify", "--all", "--against", "/",
                 "repo::a")
    ok(n[-1]["current"] == n[-1]["total"] >= 2 * BIG
       and all(a["current"] <= b["current"] for a, b in zip(n, n[1:])),
       "verify: reading and comparing are one progress", n)
    percents("du", SRC, "du", "repo::a", SRC)
    shutil.rmtree(os.environ["VARVE_BASE_DIR"] + "/.cache/varve")
    n = percents("find", "a$", "find", "repo", "--name", "big")
    ok(n[0]["total"] >= 1, "find: archives to be catalogued", n)


def test_mount():
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        ok(True, "mount # SKIP no /dev/fuse")
        return
    shutil.rmtree(os.environ["VARVE_BASE_DIR"] + "/.cache/varve")
    os.mkdir("mnt")
    p = start("mount", "--foreground", "-o", "versions", "--progress",
              "--log-json", "repo", "mnt", stderr=subprocess.PIPE, text=True)
    first = json.loads(p.stderr.readline())
    for line in p.stderr:
        if json.loads(line).get("finished"):
            break
    # It answers once it has said so.
    while p.poll() is None and varve("umount", "mnt").returncode != 0:
        pass
    p.wait()
    ok(first["type"] == "progress_percent" and first["total"] >= 1
       and first["info"][0] == "a", "mount: archives to be catalogued", first)


BIG = 3_000_000


def main():
    os.makedirs("src/dir")
    with open("src/big", "wb") as f:
        f.write(os.urandom(BIG))
    with open("src/dir/small", "wb") as f:
        f.write(b"small")
    for args in (["init", "repo"], ["create", "repo::a", os.path.abspath("src")]):
        done = varve(*args)
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
    for columns in 40, 80, 200:
        create_on(columns)
    test_resized()
    test_any_path()
    test_message()
    test_command()
    test_no_terminal()
    test_extract()
    test_readers()
    test_mount()
    print(f"1..{tests}")


if __name__ == "__main__":
    scratch = tempfile.mkdtemp(prefix="varve-progress.")
    os.chdir(scratch)
    SRC = scratch[1:] + "/src"
    for key in [k for k in os.environ if k.startswith(("VARVE_", "XDG_"))]:
        del os.environ[key]
    os.environ.update(HOME=scratch, VARVE_BASE_DIR=scratch + "/base",
                      VARVE_PASSPHRASE="p", LC_ALL="C.UTF-8")
    signal.signal(signal.SIGALRM, too_long)
    signal.alarm(PATIENCE)
    try:
        main()
    finally:
        for process in started:
            process.kill()
        os.chdir("/")
        shutil.rmtree(scratch, ignore_errors=True)
    sys.exit(failed)
