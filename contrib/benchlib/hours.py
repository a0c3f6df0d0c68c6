# SPDX-License-Identifier: BSD-2-Clause
"""A tree in which some files change every hour."""

import os
import random
import subprocess
import time

HOUR = 3600


class Hours:
    """A copy of a tree. The first hour is long enough ago that the last of
    `count` is not in the future; what changes is always the same."""

    def __init__(self, original, path, count, changes):
        self.path, self.changes = path, changes
        self.start = int(time.time()) // HOUR * HOUR - (count - 1) * HOUR
        subprocess.run(["cp", "-a", "--reflink=auto", original, path],
                       check=True)
        self.files = sorted(
            os.path.relpath(os.path.join(folder, name), path)
            for folder, _, names in os.walk(path) for name in names
            if os.path.isfile(os.path.join(folder, name)) and
            not os.path.islink(os.path.join(folder, name)))
        self.rng = random.Random(11)
        self.versions = dict.fromkeys(self.files, 1)
        self.folders = 0  # in which something changed, those above included

    def timestamp(self, hour):
        at = time.gmtime(self.start + hour * HOUR)
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", at)

    def change(self, hour):
        """What happens in the hour before an archive."""
        above = set()
        for name in self.rng.sample(self.files, self.changes):
            path = os.path.join(self.path, name)
            with open(path, "a") as f:
                f.write(f"/* hour {hour} */\n")
            at = self.start + hour * HOUR - 60
            os.utime(path, (at, at))
            self.versions[name] += 1
            while name:
                name = os.path.dirname(name)
                above.add(name)
        self.folders += len(above)

    def named(self, start):
        """How many versions there are of all files whose name starts so."""
        return sum(n for name, n in self.versions.items()
                   if os.path.basename(name).startswith(start))
