#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What processes that varve starts inherit: no secret in the environment, and
no descriptor but the standard ones. Each is replaced by a script that dumps
both. VARVE names the program. In TAP."""

import json
import os
import shutil
import subprocess
import sys
import tempfile

VARVE = os.environ["VARVE"]
PATIENCE = 60  # seconds; only a hang takes so long
NOBODY = 65534
SECRET = "a-secret-passphrase"
DUMP = """#!/usr/bin/python3 -SE
import json, os, sys
fds = {}
for fd in os.listdir("/proc/self/fd"):
    try:
        fds[fd] = os.readlink("/proc/self/fd/" + fd)
    except OSError:
        pass  # the listing itself
try:
    with open("/proc/%d/environ" % os.getppid(), "rb") as f:
        parent = f.read().decode(errors="replace")
except OSError:
    parent = ""
with open("@OUT@", "w") as f:
    json.dump({"env": dict(os.environ), "fds": fds, "parent": parent,
               "argv": sys.argv}, f)
print("@PRINT@")
sys.exit(@STATUS@)
"""

tests = 0
failed = False


def ok(good, name, seen=""):
    global tests, failed
    tests += 1
    failed |= not good
    print(("ok" if good else "not ok") + f" {tests} - {name}", flush=True)
    if not good:
        print("# " + repr(seen)[:4000], flush=True)


def script(path, prints="", status=0):
    with open(path, "w", encoding="ascii") as f:
        f.write(DUMP.replace("@OUT@", os.path.abspath("dump"))
                .replace("@PRINT@", prints).replace("@STATUS@", str(status)))
    os.chmod(path, 0o755)
    return os.path.abspath(path)


def run(*args, under=(), **variables):
    """varve with secrets, and with descriptors that its caller left open."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("VARVE_")}
    env.update(VARVE_BASE_DIR=os.path.abspath("base"), **variables)
    with open("/dev/null", "rb") as a, open("/dev/null", "rb") as b:
        os.set_inheritable(b.fileno(), True)
        if "VARVE_PASSPHRASE_FD" in env:
            env["VARVE_PASSPHRASE_FD"] = str(a.fileno())
        return subprocess.run([*under, VARVE, *args], capture_output=True,
                              text=True, check=False, timeout=PATIENCE,
                              env=env, pass_fds=(a.fileno(), b.fileno()))


def judge(name, done, code=0):
    try:
        with open("dump", encoding="utf-8") as f:
            got = json.load(f)
        os.remove("dump")
    except FileNotFoundError:
        ok(False, f"{name}: runs", done)
        return
    ok(done.returncode == code, f"{name}: status {code}", done)
    secret = [k for k, v in got["env"].items() if SECRET in v
              or k in ("VARVE_PASSPHRASE", "VARVE_NEW_PASSPHRASE",
                       "VARVE_PASSPHRASE_FD")]
    ok(not secret, f"{name}: no secret in its environment", secret)
    more = {k: v for k, v in got["fds"].items() if int(k) > 2
            and k != got["env"].get("_FUSE_COMMFD")}
    ok(not more, f"{name}: no descriptors but the standard ones", more)
    ok(SECRET not in got["parent"],
       f"{name}: no secret in what /proc shows of varve", got["parent"])


ALL = {"VARVE_PASSPHRASE": SECRET, "VARVE_NEW_PASSPHRASE": SECRET,
       "VARVE_PASSPHRASE_FD": "?"}


def test_commands():
    judge("--content-from-command",
          run("create", "--content-from-command", "repo::content", "--",
              script("content"), **ALL))
    judge("--paths-from-command",
          run("create", "--paths-from-command", "repo::paths", "--",
              script("paths", os.path.abspath("src")), **ALL))
    judge("VARVE_PASSCOMMAND",
          run("list", "repo", VARVE_PASSCOMMAND=script("pass", SECRET),
              VARVE_NEW_PASSPHRASE=SECRET, VARVE_PASSPHRASE_FD="?"))


def test_fusermount():
    """It is started by libfuse, from where that looks for it first."""
    program = shutil.which("fusermount3")
    if os.geteuid() != 0 or program is None or not shutil.which("unshare"):
        ok(True, "fusermount3 # SKIP not root, or none")
        return
    fake = script("fusermount3", status=1)
    for path, _dirs, files in os.walk("."):
        os.chown(path, NOBODY, NOBODY)
        for name in files:
            os.chown(os.path.join(path, name), NOBODY, NOBODY)
    os.mkdir("mnt")
    os.chown("mnt", NOBODY, NOBODY)
    os.mkdir("dev")
    under = ["unshare", "-m", "sh", "-c",
             f'mount --bind "{fake}" "{program}" && '
             'mount -t tmpfs -o dev none dev && mknod dev/fuse c 10 229 && '
             'chmod 666 dev/fuse && mount --bind dev/fuse /dev/fuse || exit 77;'
             f'exec setpriv --reuid {NOBODY} --clear-groups "$@"', "sh"]
    done = run("mount", "--foreground", "repo", "mnt", under=under, **ALL)
    if done.returncode in (77, 126, 127):
        ok(True, "fusermount3 # SKIP no private mounts")
        return
    judge("fusermount3", done, 2)


def processes_of(word):
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if word.encode() in f.read().split(b"\0"):
                    yield pid
        except OSError:
            pass


def test_mount():
    """The process in the background keeps the environment that it began
    with."""
    if os.geteuid() != 0 or not os.access("/dev/fuse", os.R_OK | os.W_OK):
        ok(True, "mount # SKIP not root, or no /dev/fuse")
        return
    at = os.path.abspath("live")
    os.mkdir(at)
    done = run("mount", "repo", at, **ALL)
    shown = []
    for pid in processes_of(at):
        with open(f"/proc/{pid}/environ", "rb") as f:
            shown.append(f.read())
    run("umount", at)
    ok(done.returncode == 0 and len(shown) == 1
       and b"VARVE_BASE_DIR=" in shown[0] and SECRET.encode() not in shown[0],
       "mount: no secret in what /proc shows of it", (done, shown))


def main():
    os.mkdir("src")
    with open("src/a", "w", encoding="ascii") as f:
        f.write("a")
    done = run("init", "repo", VARVE_PASSPHRASE=SECRET)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    test_commands()
    test_mount()
    test_fusermount()
    print(f"1..{tests}")


if __name__ == "__main__":
    scratch = tempfile.mkdtemp(prefix="varve-children.")
    os.chmod(scratch, 0o755)
    os.chdir(scratch)
    try:
        main()
    finally:
        os.chdir("/")
        shutil.rmtree(scratch, ignore_errors=True)
    sys.exit(failed)
