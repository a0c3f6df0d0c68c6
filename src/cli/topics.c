/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/topics.h"

#include <stddef.h>
#include <string.h>

static const char patterns[] =
    "A pattern is STYLE:TEXT; without a style it has that of the place where "
    "it stands. Paths are matched without leading slash.\n"
    "\n"
    "  fm:  * crosses slashes; for --exclude and --exclude-from\n"
    "  sh:  * does not, **/ is any number of folders; for --pattern\n"
    "       and --patterns-from\n"
    "  pp:  the path and all below it; for PATH arguments\n"
    "  pf:  exactly the path\n"
    "  re:  a regular expression, found anywhere in the path\n"
    "\n"
    "fm: and sh: take what lies below what they match too; with a slash at "
    "the end, only that. The options form one list in the order of the command "
    "line, PATH arguments last; the first that matches decides, but pf: is "
    "looked up before all others. What nothing matches is included, unless "
    "PATHs are given for an archive's content.\n"
    "\n"
    "Rules of --pattern and lines of --patterns-from:\n"
    "\n"
    "  + PATTERN   include\n"
    "  - PATTERN   exclude, but look at what is below\n"
    "  ! PATTERN   exclude with all below, as --exclude does\n"
    "  R PATH      one more path to back up\n"
    "  P STYLE     the default style of the lines that follow\n"
    "\n"
    "In files, white space around lines, empty lines and those that start "
    "with # do not count.\n";

static const char placeholders[] =
    "In names of repositories and archives, --comment and --glob-archives:\n"
    "\n"
    "  {hostname}         name of this host, up to the first dot\n"
    "  {fqdn}             its full name\n"
    "  {user}             name of the user\n"
    "  {now[:FORMAT]}     local time; FORMAT as for strftime, %f microseconds\n"
    "  {utcnow[:FORMAT]}  the same in UTC\n"
    "  {pid}              number of the process\n"
    "  {varveversion}     version of varve\n"
    "  {{ and }}          braces\n"
    "\n"
    "Without FORMAT times look like 2026-11-22T00:11:28.\n";

static const char compression[] =
    "--compression is one of\n"
    "\n"
    "  none              store as it is\n"
    "  zstd[,LEVEL]      level -5 to 19, 3 by default\n"
    "  auto,zstd[,LEVEL] compress where a quick try says that it pays\n"
    "\n"
    "Borg's lz4, zlib[,LEVEL], lzma[,LEVEL] and zstd above 19 become the "
    "nearest level of zstd, or none for zlib,0; --verbose shows which. With "
    "obfuscate,SPEC,... sizes are not obfuscated, which is a warning.\n";

static const char format[] =
    "--format is text with {KEY} or {KEY:SPEC}; SPEC is "
    "[[FILL]ALIGN][WIDTH][.PRECISION] with ALIGN < > or ^, for times a format "
    "as for strftime.\n"
    "\n"
    "Everywhere: NL NEWLINE NUL SPACE TAB CR LF\n"
    "\n"
    "Archives: archive name barchive comment bcomment id start time end "
    "command_line hostname username\n"
    "\n"
    "Content: type mode uid gid user group path bpath source linktarget flags "
    "size num_chunks mtime ctime atime isomtime isoctime isoatime archiveid "
    "archivename extra health\n"
    "\n"
    "bpath, barchive and bcomment are the bytes themselves; in all others "
    "control characters and bytes that are no UTF-8 are shown as \\xNN. So "
    "'{bpath}{NUL}' is what another program should read.\n";

static const char environment[] =
    "  VARVE_REPO            the repository where none is named\n"
    "  VARVE_PASSPHRASE      the passphrase\n"
    "  VARVE_PASSCOMMAND     a command that prints it (run without a shell)\n"
    "  VARVE_PASSPHRASE_FD   a descriptor to read it from\n"
    "  VARVE_NEW_PASSPHRASE  the passphrase of a new repository or slot\n"
    "  VARVE_BASE_DIR        stands for the home folder below\n"
    "  VARVE_STATE_DIR       what this client knows of repositories\n"
    "                        (~/.local/state/varve)\n"
    "  VARVE_CACHE_DIR       what may be lost at any time (~/.cache/varve)\n"
    "  VARVE_KEYS_DIR        key files (~/.config/varve/keys)\n"
    "  VARVE_KEY_FILE        this key file\n"
    "  VARVE_KDF_MEMORY_MAX  MiB that opening a key slot may take (1024)\n";

const char *
vrv_topic(const char *name)
{
	static const struct {
		const char *name, *text;
	} topics[] = {
	    {"patterns", patterns},
	    {"placeholders", placeholders},
	    {"compression", compression},
	    {"format", format},
	    {"environment", environment},
	};

	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		if (strcmp(name, topics[i].name) == 0)
			return topics[i].text;
	}
	return NULL;
}
