#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Break one safety rule after the other in a copy of the tree, and see that a
test notices.

  mutations.py [NAME...]    all of them take some minutes

A mutation that no test notices, or whose place in the source is not found, is
a failure: either the rule or its test is not what it was.
"""

import os
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))

WRITER, OPEN, SLOTS, STATE = (["tests/unit/repo/test_repo", part]
                              for part in ("writer", "open", "slots", "state"))
CREATE_SOURCE = ["tests/unit/create/test_create_source"]
CREATE = ["tests/unit/create/test_create"]
COMMIT = ["tests/unit/archive/test_archives"]
VARVE = "src/cli/varve"


def script(name, *args):
    return [VARVE, os.path.join("tests/cli", name), *args]


# name: (file, what stands there, what stands there instead, who notices)
MUTATIONS = {
    "no-fsync-before-link": (
        "src/os/newfile.c", "int rc = vrv_os_fsync(file->fd, err);",
        "int rc = 0;", script("durable.py")),
    "no-fsync-of-the-folder": (
        "src/os/newfile.c", "rc = vrv_os_sync_parent(to, path, err);\n"
        "\tif (rc != 0)\n", "if (rc != 0)\n", script("durable.py")),
    "no-fsync-of-index": (
        "src/archive/commit.c",
        "vrv_store_sync(vrv_repo_store(r->repo),\n"
        "\t    vrv_type_prefix(VRV_INDEX), err);", "0;",
        script("durable.py")),
    "archive-before-the-check": (
        "src/archive/commit.c", "rc = check_relied_on(r, err);",
        "rc = store_archive(r, err);", COMMIT),
    "no-look-at-what-is-relied-on": (
        "src/archive/commit.c", "rc = check_relied_on(r, err);", "rc = 0;",
        COMMIT),
    "no-look-at-the-intent": (
        "src/archive/commit.c", "rc = check_intent(r, err);", "rc = 0;",
        COMMIT),
    "failed-pack-is-published": (
        "src/repo/store_thread.c",
        "rc = vrv_put_commit(vrv_steal(&p->put), err);",
        "(void)!vrv_put_commit(vrv_steal(&p->put), err);", WRITER),
    "index-without-its-pack": (
        "src/repo/store_thread.c",
        "\t\trc = close_pack(w, &w->data, err);\n"
        "\tbool any = w->index.n > 0;\n\tif (rc == 0)\n"
        "\t\trc = store_index(w, err);",
        "\t\trc = store_index(w, err);\n"
        "\tbool any = w->index.n > 0;\n\tif (rc == 0)\n"
        "\t\trc = close_pack(w, &w->data, err);", WRITER),
    "claims-count-for-nothing": (
        "src/repo/writer.c", "*ret_mine = fresh;",
        "*ret_mine = true; fresh = true;", WRITER),
    "lost-pack-is-reused": (
        "src/repo/index_rescue.c", "*ret = rc == 0 && size == length;",
        "*ret = true;", CREATE),
    "id-is-not-checked": (
        "src/repo/copies.c",
        "if (vrv_same(id, want, want_n))\n\t\treturn 0;",
        "if (want_n > 0)\n\t\treturn 0;", WRITER),
    "damaged-copy-ends-the-search": (
        "src/repo/copies.c",
        "\t\tif (vrv_err_is_fatal(&one))\n\t\t\tbreak;", "\t\tbreak;",
        WRITER),
    "anybody-may-sign": (
        "src/repo/repo_object.c", "rc = check_signer(repo, &object, err);",
        "rc = 0;", OPEN),
    "any-repository-will-do": (
        "src/repo/repo_object.c",
        "memcmp(header.repository, repo->id, VRV_REPO_ID) != 0", "false",
        OPEN),
    "any-admin-will-do": (
        "src/repo/repo_config.c",
        "memcmp(signer, admin, sizeof(signer)) != 0", "false", OPEN),
    "older-config-is-fine": (
        "src/repo/state.c",
        "if (vrv_state_order(&now, state) >= 0)",
        "if (true || vrv_state_order(&now, state) >= 0)", OPEN),
    "the-configuration-is-stored-once": (
        "src/repo/repo_internal.h", "#define VRV_CONFIG_COPIES 2",
        "#define VRV_CONFIG_COPIES 1", OPEN),
    "the-higher-hash-counts": (
        "src/repo/repo_config.c", "if (order >= 0)",
        "if (order <= 0 && r->copies > 0)", OPEN),
    "a-copy-is-encoded-anew": (
        "src/repo/repo_config.c",
        "vrv_buf_bytes(&body, repo->config.body.p, repo->config.body.n);",
        "repo->config.body.n = 0;\n\tvrv_config_put(&body, &repo->config);",
        OPEN),
    "an-old-handle-may-change-the-configuration": (
        "src/repo/repo_config.c",
        "memcmp(now.hash, config.previous, sizeof(hash)) != 0", "false", OPEN),
    "an-older-config-stands-in-for-an-unread-one": (
        "src/repo/repo_config.c",
        "if (unread.code != 0)\n\t\t\t\tbreak;", "", OPEN),
    "nobody-is-told-whose-change-is-lost": (
        "src/repo/repo_config.c",
        "memcmp(now.hash, hash, VRV_CONFIG_HASH) != 0", "false", OPEN),
    "writer-features-are-ignored": (
        "src/repo/repo_object.c",
        "(repo->config.write_features & ~VRV_WRITE_FEATURES_KNOWN) == 0",
        "true", OPEN),
    "the-last-slot-may-go": (
        "src/repo/slots.c", "if (vrv_slots_count(&slots) == 1)",
        "if (vrv_slots_count(&slots) == 0)", SLOTS),
    "sum-of-a-typed-key": (
        "src/repo/slot_text.c",
        "have != 0 || strcmp(repository, sum) != 0", "have != 0", SLOTS),
    "no-margin": (
        "src/create/parent.c", "#define MARGIN_S 2", "#define MARGIN_S 0",
        CREATE),
    "ctime-is-not-compared": (
        "src/create/parent.c",
        "bool ctime = p->mode == VARVE_CACHE_CTIME_SIZE_INODE ||",
        "bool ctime = false && p->mode == VARVE_CACHE_CTIME_SIZE_INODE &&",
        CREATE),
    "cache-is-believed": (
        "src/create/parent.c", "return memcmp(have, id, sizeof(have)) == 0;",
        "return true;", CREATE),
    "unread-parent-is-known": (
        "src/create/parent.c",
        "vrv_parent_forget(p, dir->ids.data, dir->ids.len);", "", CREATE),
    "swapped-folder-is-entered": (
        "src/create/walk_dir.c",
        "now.kind != VRV_DIR || now.inode != place->st.inode ||", "",
        CREATE),
    "links-are-followed": (
        "src/os/os_dir.c", "O_NONBLOCK | O_NOFOLLOW |", "O_NONBLOCK |",
        CREATE),
    "the-current-folder-will-do": (
        "src/create/walk_dir.c", "above->at = above->n;", "", CREATE),
    "nested-sources-are-dropped": (
        "src/create/walk_stage.c", "(root != NULL && root->source);",
        "false;", script("create.sh")),
    "unreadable-is-no-warning": (
        "src/create/build_tell.c", "b->p->warnings++;", "",
        CREATE),
    "failed-command-is-fine": (
        "src/create/create.c",
        "rc = p->options->stdin_wait(p->options->stdin_wait_arg, err);",
        "(void)!p->options->stdin_wait(p->options->stdin_wait_arg, err);",
        script("create_input.sh")),
    "rescued-packs-stay-unnamed": (
        "src/archive/commit.c", "if (!vrv_repo_has_unnamed(r->repo))",
        "if (true)", COMMIT),
    "lost-contents-are-inherited": (
        "src/create/parent.c", "if (p->checked)\n\t\trc = vrv_entry_chunks(",
        "if (false)\n\t\trc = vrv_entry_chunks(", script("heal.py")),
    "lost-trees-are-inherited": (
        "src/create/parent.c", "bool known = !p->checked && vrv_map_get(",
        "bool known = NULL != vrv_map_get(", script("heal.py")),
    "any-damage-excuses-a-pin": (
        "src/archive/archives_pins.c",
        "if (vrv_map_get(j->unreadable, pin->object) != NULL)",
        "if (vrv_map_count(j->unreadable) > 0)", COMMIT),
    "a-generation-may-be-lowered": (
        "src/repo/state_file.c",
        "if (!file->known || change->forget || vrv_state_order(now, file) > 0)",
        "if (true || vrv_state_order(now, file) > 0)", STATE),
    "caches-go-by-the-claimed-id": (
        "src/repo/keyring.c",
        "vrv_blake2b_parts(s->cache_id, VRV_CACHE_ID, master, whose, 2);",
        "(void)master, memcpy(s->cache_id, repository, VRV_CACHE_ID);",
        COMMIT),
    "temporary-files-are-not-locked": (
        "src/os/newfile.c",
        "if (lock(file.fd, LOCK_EX) != EWOULDBLOCK && has_name(&file)) {",
        "if (has_name(&file)) {", ["tests/unit/os/test_os_newfile"]),
    "links-below-the-root-are-followed": (
        "src/os/os_dir.c",
        "RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS",
        "0", ["tests/store-suite/test_store_hostile"]),
    "private-files-are-links": (
        "src/os/private.c", "flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY",
        "flags | O_NONBLOCK | O_NOCTTY", ["tests/unit/os/test_os_private"]),
    "no-descriptors-is-no-error-of-ours": (
        "src/util/err.c", "err->sys == EMFILE ||", "", CREATE_SOURCE),
    "counts-bound-nothing": (
        "src/archive/bounds.c", "\t(*left)--;\n", "\t(void)left;\n",
        ["tests/unit/archive/test_trees"]),
    # Not a broken rule but broken memory: the frame is opened again before it
    # counts, so that no archive may come of it.
    "faulty-memory": (
        "src/pack/pack_seal.c",
        "make_nonce(sealer, kind, ids, n, sealed->bytes.data);",
        "make_nonce(sealer, kind, ids, n, sealed->bytes.data);\n"
        "\tsealer->frame.data[sealer->frame.len - 1] ^= 1;",
        [VARVE, "create"]),
}

PLAIN_CREATE = r"""
set -e
d=$(mktemp -d) && trap 'rm -rf "$d"' EXIT && cd "$d"
export VARVE_BASE_DIR=$d VARVE_PASSPHRASE=x
"$VARVE" init repo 2>/dev/null && echo x >x && "$VARVE" create repo::a x
"""


class Copy:
    """The files of this tree in a folder of their own, and a build."""

    def __init__(self, folder):
        self.src = os.path.join(folder, "src")
        self.build = os.path.join(folder, "build")
        files = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, check=True,
                               capture_output=True).stdout
        for name in filter(None, files.split(b"\0")):
            name = os.fsdecode(name)
            os.makedirs(os.path.dirname(os.path.join(self.src, name)),
                        exist_ok=True)
            shutil.copy(os.path.join(TOP, name), os.path.join(self.src, name))
        subprocess.run(["meson", "setup", "-Dbuildtype=debug", self.build,
                        self.src], check=True, capture_output=True)

    def make(self, target):
        return subprocess.run(["ninja", "-C", self.build, target],
                              capture_output=True, text=True)

    def passes(self, test):
        """Build what the test needs and run it; a build that fails is None."""
        made = self.make(test[0])
        if made.returncode != 0:
            print(made.stdout[-1500:], file=sys.stderr)
            return None
        command = [os.path.join(self.build, test[0]), *test[1:]]
        if test[0] == VARVE and test[1] == "create":
            command = ["sh", "-c", PLAIN_CREATE]
        elif test[0] == VARVE:
            command = [os.path.join(self.src, test[1]), *test[2:]]
        env = dict(os.environ, VARVE=os.path.join(self.build, VARVE))
        try:
            return subprocess.run(command, env=env, timeout=300,
                                  capture_output=True).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    def mutate(self, name, was, becomes):
        """Returns what the file was, or None if it is not as expected."""
        path = os.path.join(self.src, name)
        with open(path) as f:
            text = f.read()
        if text.count(was) != 1:
            return None
        with open(path, "w") as f:
            f.write(text.replace(was, becomes))
        return text

    def restore(self, name, text):
        with open(os.path.join(self.src, name), "w") as f:
            f.write(text)


def main(wanted):
    names = wanted or list(MUTATIONS)
    folder = tempfile.mkdtemp(prefix="varve-mutations.")
    failed = 0
    try:
        copy = Copy(folder)
        tests = {tuple(MUTATIONS[name][3]) for name in names}
        for test in sorted(tests):
            if not copy.passes(test):
                print(f"Bail out! {' '.join(test)} fails as it is")
                return 1
        print(f"1..{len(names)}")
        for n, name in enumerate(names, 1):
            path, was, becomes, test = MUTATIONS[name]
            text = copy.mutate(path, was, becomes)
            why = "its place is not found"
            if text is not None:
                passes = copy.passes(test)
                copy.restore(path, text)
                why = {True: "nobody noticed", None: "does not build",
                       False: None}[passes]
            failed += why is not None
            print(f"{'ok' if why is None else 'not ok'} {n} - {name}"
                  + (f" # {why}" if why else ""), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
