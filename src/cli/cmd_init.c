/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include <unistd.h>

#include "cli/chunksizes.h"
#include "cli/cmd.h"

struct init_options {
	const char *encryption, *chunker, *params;
	bool make_parents;
};

static const struct vrv_option options[] = {
    {'e', "encryption", "MODE", vrv_set_string,
	offsetof(struct init_options, encryption),
	"where keys lie: repokey (in the repository, the default) or keyfile "
	"(on this client)"},
    {0, "make-parent-dirs", NULL, vrv_set_true,
	offsetof(struct init_options, make_parents),
	"make the folders above the repository too"},
    {0, "chunker", "NAME", vrv_set_string,
	offsetof(struct init_options, chunker),
	"how large files are cut, for good: gear (the default, fast) or prf "
	"(sizes of pieces do not give away the key that places cuts)"},
    {0, "chunker-params", "PARAMS", vrv_set_string,
	offsetof(struct init_options, params),
	"the same with sizes: gear,MIN,AVERAGE,MAX or prf,MIN,AVERAGE,MAX in "
	"bytes or with K or M (default: gear,64K,256K,2M)"},
    {0},
};

/* Borg's names say the cipher too; here there is one, whatever the name. */
static int
parse_mode(const char *name, enum varve_key_mode *ret, struct varve_err *err)
{
	static const char *const ciphers[] = {"", "-blake2", "-aes-ocb",
	    "-blake2-aes-ocb", "-chacha20-poly1305",
	    "-blake2-chacha20-poly1305"};
	static const char *const modes[] = {
	    [VARVE_REPOKEY] = "repokey",
	    [VARVE_KEYFILE] = "keyfile",
	};

	for (size_t mode = 0; mode < 2; mode++) {
		if (strncmp(name, modes[mode], 7) != 0)
			continue;
		for (size_t i = 0; i < sizeof(ciphers) / sizeof(ciphers[0]);
		     i++) {
			if (strcmp(name + 7, ciphers[i]) == 0) {
				*ret = (enum varve_key_mode)mode;
				return 0;
			}
		}
	}
	if (strcmp(name, "none") == 0 ||
	    strncmp(name, "authenticated", 13) == 0)
		return vrv_fail(err, VARVE_USAGE,
		    "mode '%s' is refused: without encryption whoever holds "
		    "the storage reads everything; use repokey or keyfile",
		    name);
	return vrv_fail(err, VARVE_USAGE,
	    "unknown mode '%s': there are repokey and keyfile", name);
}

static int
parse_chunker(const struct init_options *o, struct varve_init_options *init,
    struct varve_err *err)
{
	struct vrv_chunk_sizes sizes;
	int rc = 0;

	if (o->chunker != NULL)
		rc = vrv_chunker_parse(o->chunker, &init->chunker, err);
	if (rc != 0 || o->params == NULL)
		return rc;
	rc = vrv_chunk_sizes_parse(o->params, &sizes, err);
	if (rc != 0)
		return rc;
	if (o->chunker != NULL && sizes.chunker != init->chunker)
		return vrv_fail(err, VARVE_USAGE,
		    "--chunker and --chunker-params name different chunkers");
	init->chunker = sizes.chunker;
	init->chunk_min = sizes.min;
	init->chunk_average = sizes.average;
	init->chunk_max = sizes.max;
	return 0;
}

static int
run(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct init_options *o = arg;
	struct varve_init_options init = VARVE_INIT_OPTIONS_INIT;
	struct varve_open_options open;
	vrv_auto_location struct vrv_location where = {0};

	int rc = 0;
	if (o->encryption != NULL)
		rc = parse_mode(o->encryption, &init.mode, err);
	if (rc == 0)
		rc = parse_chunker(o, &init, err);
	if (rc == 0)
		rc = vrv_cli_location(cli, words, VRV_WANTS_REPO, &where, NULL,
		    err);
	if (rc != 0)
		return rc;
	init.make_parents = o->make_parents;
	vrv_cli_open_options(cli, &open);
	rc = varve_repo_init(where.repo, &init, &open, err);
	if (rc == VARVE_NOENT && !init.make_parents &&
	    access(where.repo, F_OK) != 0)
		return vrv_hint(err,
		    "; is the disk mounted? If so, --make-parent-dirs makes "
		    "the directories above");
	if (rc == 0)
		vrv_log(&cli->log, VRV_LOG_WARNING,
		    "made the repository '%s'; without its passphrase%s it "
		    "cannot be read: keep a copy ('varve key export')",
		    where.repo,
		    init.mode == VARVE_KEYFILE ? " and key file" : "");
	return rc;
}

const struct vrv_command vrv_cmd_init = {
    .name = "init",
    .usage = "[REPO]",
    .summary = "make a repository",
    .help = "Makes an empty repository in a new or empty folder. Its "
	    "passphrase is that of VARVE_NEW_PASSPHRASE or one of the sources "
	    "described in varve(1), else it is asked for.",
    .options = options,
    .size = sizeof(struct init_options),
    .run = run,
};
