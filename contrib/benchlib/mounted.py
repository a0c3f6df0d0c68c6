# SPDX-License-Identifier: BSD-2-Clause
"""An archive that is mounted while something is measured in it."""

import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from setup import Failed, is_root, say

PATIENCE = 10  # seconds for a program to end once its mount is gone


def drop_caches():
    """Have everything come from the disk again. Without root it cannot."""
    if is_root():
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3\n")


class Mounted:
    """The program that mounts runs in the foreground, so that it is known
    which process answers. `ready` is the time from its start until an `ls` of
    the archive's root was done; after the end, `cpu` is what it used and `mib`
    its peak of memory. `over` tells that it was killed because nothing was
    there after `limit` seconds."""

    def __init__(self, command, env, point, root, limit):
        self.command = [str(word) for word in command]
        self.env, self.point, self.root = env, Path(point), Path(root)
        self.limit = limit
        self.names = self.ready = self.mib = self.cpu = None
        self.over = False
        self.process = self.errors = None

    def __enter__(self):
        self.point.mkdir()
        self.errors = tempfile.TemporaryFile()
        outside = os.stat(self.point).st_dev
        start = time.monotonic()
        self.process = subprocess.Popen(
            self.command, env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=self.errors)
        timer = threading.Timer(self.limit, self.process.kill)
        timer.start()
        try:
            while not self._is_there(outside):
                self.over = time.monotonic() - start >= self.limit
                if self.over:
                    break
                if self.process.poll() is not None:
                    raise Failed(f"it ended: {self._said()}")
                time.sleep(0.002)
            else:
                self.names = self._list()
            self.ready = time.monotonic() - start
            return self
        except BaseException:
            self.__exit__()
            raise
        finally:
            timer.cancel()

    def _is_there(self, outside):
        try:
            return os.stat(self.point).st_dev != outside
        except OSError:
            return False

    def _list(self):
        p = subprocess.run(["ls", "-A", self.root], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
        if p.returncode != 0:
            raise Failed(f"ls fails: {p.stderr.strip()} {self._said()}")
        return sorted(p.stdout.split("\n")[:-1])

    def _said(self):
        self.errors.seek(0)
        said = self.errors.read()[-2000:].decode(errors="replace")
        return " ".join(self.command[:3]) + ": " + said

    def __exit__(self, *_):
        self._read_peak()
        self._unmount()
        self._end()
        self.errors.close()
        self.point.rmdir()

    def _read_peak(self):
        try:
            text = Path(f"/proc/{self.process.pid}/status").read_text()
        except OSError:
            return
        for line in text.splitlines():
            if line.startswith("VmHWM:"):
                self.mib = int(line.split()[1]) / 1024

    def _unmount(self):
        """Whatever happens, what is mounted does not stay."""
        point = str(self.point)
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        if not any(line.split(" ")[1] == point for line in mounts):
            return
        for _ in range(5):
            p = subprocess.run(["fusermount3", "-u", self.point],
                               stderr=subprocess.DEVNULL)
            if p.returncode == 0:
                return
            time.sleep(0.2)
        say(f"{self.point} is busy")
        command = ["umount", "-l"] if is_root() else ["fusermount3", "-uz"]
        subprocess.run([*command, self.point], stderr=subprocess.DEVNULL)

    def _end(self):
        """Its status is no failure: restic and borg end as they like."""
        if self.process.returncode is not None:
            return
        deadline = time.monotonic() + PATIENCE
        pid = 0
        while pid == 0:
            pid, _, used = os.wait4(self.process.pid, os.WNOHANG)
            if pid == 0 and time.monotonic() > deadline:
                self.process.kill()
            if pid == 0:
                time.sleep(0.005)
        self.process.returncode = 0
        self.cpu = used.ru_utime + used.ru_stime
