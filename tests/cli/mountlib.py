# SPDX-License-Identifier: BSD-2-Clause
"""For tests of the mount in Python: TAP, a scratch folder, the program, and
unmounting whatever happens."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

PATIENCE = 30  # seconds until something that must happen counts as missing


def skip(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


class Bench:
    """A scratch folder with a home of its own."""

    def __init__(self):
        self.program = os.environ["VARVE"]
        self.count = self.failures = 0
        try:
            os.close(os.open("/dev/fuse", os.O_RDWR))
        except OSError as e:
            skip(f"/dev/fuse cannot be opened: {e.strerror}")
        if shutil.which("fusermount3") is None:
            skip("there is no fusermount3")
        self.top = tempfile.mkdtemp(prefix="varve-mount.")
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("VARVE_", "XDG_"))}
        self.env.update(VARVE_PASSPHRASE="a passphrase", TZ="UTC",
                        VARVE_BASE_DIR=os.path.join(self.top, "home"))

        # Nobody sees what a process in the background says.
        os.mkdir(self.path("reports"))
        for kind in ("ASAN", "LSAN", "TSAN", "UBSAN"):
            name = kind + "_OPTIONS"
            given = [self.env[name]] if self.env.get(name) else []
            self.env[name] = ":".join(
                given + ["log_path=" + self.path("reports", kind)])

    def __enter__(self):
        with open(self.program, "rb") as f:
            if b"subtype=varve" not in f.read():
                self.__exit__()
                skip("varve was built without libfuse")
        return self

    def reports(self):
        """What sanitizers had to say."""
        text = ""
        for name in os.listdir(self.path("reports")):
            with open(self.path("reports", name), errors="replace") as f:
                text += f.read()
        return text

    def __exit__(self, *_):
        if sys.exc_info()[0] is not None:
            print("\n".join("# " + line for line in
                            self.reports().splitlines()[:60]))
        for at in self.mounts():
            if subprocess.run(["fusermount3", "-u", "-z", at],
                              stderr=subprocess.DEVNULL).returncode != 0:
                subprocess.run(["umount", "-l", at])
        shutil.rmtree(self.top, ignore_errors=True)

    def mounts(self):
        with open("/proc/self/mountinfo") as f:
            found = [line.split()[4] for line in f]
        return sorted((at for at in found if at.startswith(self.top + "/")),
                      reverse=True)

    def path(self, *names):
        return os.path.join(self.top, *names)

    def varve(self, *args, check=True, cwd=None):
        run = subprocess.run([self.program, *args], env=self.env,
                             cwd=cwd or self.top, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if check and run.returncode != 0:
            raise RuntimeError(f"varve {args}: {run.returncode}, "
                               f"{run.stderr.decode(errors='replace')}")
        return run

    def mount(self, where, at, *options):
        os.makedirs(at, exist_ok=True)
        self.varve("mount", *options, where, at)

    def ok(self, good, name, detail=""):
        self.count += 1
        if not good:
            self.failures += 1
        print(f"{'ok' if good else 'not ok'} {self.count} - {name}")
        if not good and detail != "":
            print("\n".join("# " + line for line in
                            str(detail).splitlines()[:60]))
        sys.stdout.flush()

    def equal(self, got, wanted, name):
        self.ok(got == wanted, name, f"got: {got}\nwanted: {wanted}")

    def until(self, fn, name):
        """`fn` becomes true, sooner or later."""
        end = time.monotonic() + PATIENCE
        why = "it did not come"
        while time.monotonic() < end:
            try:
                if fn():
                    self.ok(True, name)
                    return
            except OSError as e:
                why = str(e)
            time.sleep(0.05)
        self.ok(False, name, why)

    def processes(self):
        """Of the program, that this test started."""
        found = []
        program = os.path.realpath(self.program)
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if os.fsencode(self.top) in f.read() and \
                            os.readlink(f"/proc/{pid}/exe") == program:
                        found.append(pid)
            except OSError:
                pass
        return found

    def done(self):
        self.until(lambda: not self.processes(), "every process has ended")
        self.equal(self.reports(), "", "with nothing to report")
        print(f"1..{self.count}")
        return 1 if self.failures else 0
