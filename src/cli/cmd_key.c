/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "cli/cmd.h"
#include "cli/done.h"
#include "cli/json.h"
#include "cli/shapes.h"
#include "cli/text.h"
#include "util/mem.h"

#define EXPORT_MAX (1u << 20)

struct key_options {
	const char *label, *key_file;
	bool json;
};

#define AT(field) offsetof(struct key_options, field)
static const struct vrv_option add_options[] = {
    {0, "label", "TEXT", vrv_set_string, AT(label), "what to call the slot"},
    {0, "key-file", "FILE", vrv_set_string, AT(key_file),
	"open the slot by this file instead of a passphrase; it is made if "
	"it does not exist"},
    {0},
};
static const struct vrv_option list_options[] = {
    {0, "json", NULL, vrv_set_true, AT(json), "show it as JSON"},
    {0},
};
static const struct vrv_option no_options[] = {{0}};

/* A repository, and an argument behind it, which may be missing: NULL. Without
 * `ret_arg` there must be none. */
static int
parse(struct vrv_cli *cli, const struct vrv_strings *words,
    struct vrv_location *ret, const char **ret_arg, struct varve_err *err)
{
	struct vrv_strings rest = {0};

	if (ret_arg == NULL)
		return vrv_cli_location(cli, words, VRV_WANTS_REPO, ret, NULL,
		    err);
	int rc =
	    vrv_cli_location(cli, words, VRV_WANTS_REPO_ARGS, ret, &rest, err);
	if (rc == 0)
		rc = vrv_cli_no_more(&rest, 1, err);
	*ret_arg = rc == 0 && rest.n > 0 ? rest.items[0] : NULL;
	return rc;
}

static int
open_repo(struct vrv_cli *cli, const struct vrv_strings *words,
    struct varve_repo **ret, struct varve_err *err)
{
	vrv_auto_location struct vrv_location where = {0};
	int rc = parse(cli, words, &where, NULL, err);

	return rc == 0 ? vrv_cli_open(cli, where.repo, false, ret, err) : rc;
}

static int
run_add(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct key_options *o = arg;
	vrv_auto_repo repo = NULL;
	char id[33];

	cli->passphrase.new_only = true;
	int rc = open_repo(cli, words, &repo, err);
	if (rc == 0)
		rc = varve_key_add(repo, o->label, o->key_file, id, err);
	if (rc == 0)
		vrv_cli_done(cli, NULL, "added key slot %s", id);
	return rc;
}

static void
slot_text(struct vrv_buf *text, const struct varve_slot *s)
{
	vrv_text_add(text, "%s %c ", s->id, s->in_use ? '*' : ' ');
	if (s->is_file) {
		vrv_text_add(text, "%-28s", "key file");
	} else {
		vrv_auto_buf struct vrv_buf kdf = {0};
		vrv_text_add(&kdf, "passphrase (%" PRIu64 " MiB x %" PRIu32 ")",
		    s->memory >> 20, s->passes);
		vrv_text_add(text, "%-28s", vrv_text_part(text, &kdf));
	}
	vrv_buf_u8(text, ' ');
	vrv_text_escape(text, s->label != NULL ? s->label : "");
	vrv_buf_u8(text, '\n');
}

static void
slot_json(struct vrv_json *j, const struct varve_slot *s)
{
	vrv_json_begin(j, NULL);
	vrv_json_str(j, "id", s->id);
	vrv_json_str(j, "label", s->label != NULL ? s->label : "");
	vrv_json_str(j, "type", s->is_file ? "file" : "passphrase");
	vrv_json_bool(j, "in_use", s->in_use);
	vrv_json_int(j, "passes", s->passes);
	vrv_json_int(j, "memory", s->memory);
	vrv_json_end(j);
}

static int
print_slots(struct vrv_cli *cli, const struct varve_slot_list *list, bool json,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf text = {0};

	if (json) {
		struct vrv_json *j = vrv_json_object();
		vrv_json_begin_array(j, "slots");
		for (size_t i = 0; i < list->n; i++)
			slot_json(j, &list->items[i]);
		vrv_json_end(j);
		return vrv_shape_print(cli, j, err);
	}
	for (size_t i = 0; i < list->n; i++)
		slot_text(&text, &list->items[i]);
	return vrv_cli_out(cli, &text, err);
}

static int
run_list(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	const struct key_options *o = arg;
	struct varve_slot_list *list = NULL;
	vrv_auto_repo repo = NULL;

	int rc = open_repo(cli, words, &repo, err);
	if (rc == 0)
		rc = varve_key_list(repo, &list, err);
	if (rc != 0)
		return rc;
	rc = print_slots(cli, list, o->json, err);
	varve_slot_list_free(list);
	return rc;
}

static int
run_remove(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_repo repo = NULL;
	const char *slot;

	(void)arg;
	int rc = parse(cli, words, &where, &slot, err);
	if (rc == 0 && slot == NULL)
		rc = vrv_fail(err, VARVE_USAGE,
		    "key remove needs the id or label of a slot; "
		    "'varve key list' shows them");
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0)
		rc = varve_key_remove(repo, slot, err);
	if (rc == 0)
		vrv_cli_done(cli, NULL, "removed key slot %s", slot);
	return rc;
}

static int
run_change(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	vrv_auto_repo repo = NULL;

	(void)arg;
	cli->passphrase.new_only = true;
	int rc = open_repo(cli, words, &repo, err);
	if (rc == 0)
		rc = varve_key_change_passphrase(repo, err);
	if (rc == 0)
		vrv_cli_done(cli, NULL, "changed the passphrase");
	return rc;
}

static int
save(const char *path, const char *text, struct varve_err *err)
{
	vrv_auto_fd fd =
	    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	size_t n = strlen(text), at = 0;

	if (fd < 0)
		return vrv_fail_sys(err, errno, "cannot make '%s'", path);
	while (at < n) {
		ssize_t put = write(fd, text + at, n - at);
		if (put < 0 && errno != EINTR)
			return vrv_fail_sys(err, errno, "cannot write '%s'",
			    path);
		at += put > 0 ? (size_t)put : 0;
	}
	if (fsync(fd) != 0 && errno != EINVAL)
		return vrv_fail_sys(err, errno, "cannot write '%s'", path);
	return 0;
}

static int
run_export(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf out = {0};
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_free char *text = NULL;
	vrv_auto_repo repo = NULL;
	const char *file;

	(void)arg;
	int rc = parse(cli, words, &where, &file, err);
	if (rc == 0)
		rc = vrv_cli_open(cli, where.repo, false, &repo, err);
	if (rc == 0)
		rc = varve_key_export(repo, &text, err);
	if (rc != 0)
		return rc;
	if (file != NULL && strcmp(file, "-") != 0) {
		rc = save(file, text, err);
		if (rc == 0)
			vrv_cli_done(cli, NULL, "exported the key to '%s'",
			    file);
		return rc;
	}
	vrv_text_add(&out, "%s", text);
	return vrv_cli_out(cli, &out, err);
}

static int
load(const char *path, struct vrv_buf *buf, struct varve_err *err)
{
	bool in = strcmp(path, "-") == 0;
	vrv_auto_fd own = in ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = 1;

	if (!in && own < 0)
		return vrv_fail_sys(err, errno, "cannot read '%s'", path);
	while (n != 0) {
		char part[4096];
		n = read(in ? STDIN_FILENO : own, part, sizeof(part));
		if (n < 0 && errno != EINTR)
			return vrv_fail_sys(err, errno, "cannot read '%s'",
			    path);
		vrv_buf_bytes(buf, part, n > 0 ? (size_t)n : 0);
		if (buf->len > EXPORT_MAX)
			return vrv_fail(err, VARVE_LIMIT,
			    "'%s' is too large for an exported key", path);
	}
	return vrv_buf_check(buf, err);
}

static int
run_import(struct vrv_cli *cli, void *arg, const struct vrv_strings *words,
    struct varve_err *err)
{
	struct varve_open_options open;
	vrv_auto_location struct vrv_location where = {0};
	vrv_auto_buf struct vrv_buf text = {0};
	const char *file;
	char id[33];

	(void)arg;
	int rc = parse(cli, words, &where, &file, err);
	if (rc == 0 && file == NULL)
		rc = vrv_fail(err, VARVE_USAGE,
		    "key import needs a file (or - for standard input)");
	if (rc == 0)
		rc = load(file, &text, err);
	if (rc != 0)
		return rc;
	const char *exported = vrv_text_str(&text);
	rc = vrv_buf_check(&text, err);
	if (rc != 0)
		return rc;
	vrv_cli_open_options(cli, &open);
	rc = varve_key_import(where.repo, &open, exported, id, err);
	if (rc == 0)
		vrv_cli_done(cli, NULL, "imported key slot %s", id);
	return rc;
}

const struct vrv_command vrv_cmd_key_add = {
    .name = "key add",
    .usage = "[REPO]",
    .summary = "add a passphrase or key file",
    .help = "The new passphrase is VARVE_NEW_PASSPHRASE or is asked for.",
    .options = add_options,
    .size = sizeof(struct key_options),
    .run = run_add,
};

const struct vrv_command vrv_cmd_key_list = {
    .name = "key list",
    .usage = "[REPO]",
    .summary = "list key slots",
    .options = list_options,
    .size = sizeof(struct key_options),
    .run = run_list,
};

const struct vrv_command vrv_cmd_key_remove = {
    .name = "key remove",
    .usage = "[REPO] SLOT",
    .summary = "remove a key slot by id or label",
    .options = no_options,
    .run = run_remove,
};

const struct vrv_command vrv_cmd_key_change_passphrase = {
    .name = "key change-passphrase",
    .usage = "[REPO]",
    .summary = "replace the passphrase in use by a new one",
    .help = "The new passphrase is VARVE_NEW_PASSPHRASE or is asked for.",
    .options = no_options,
    .run = run_change,
};

const struct vrv_command vrv_cmd_key_export = {
    .name = "key export",
    .usage = "[REPO] [FILE]",
    .summary = "write the key slot in use as text, to be kept elsewhere",
    .help = "It is still sealed by its passphrase. FILE must not exist; "
	    "without it, or with -, the text goes to standard output.",
    .options = no_options,
    .run = run_export,
};

const struct vrv_command vrv_cmd_key_import = {
    .name = "key import",
    .usage = "[REPO] FILE",
    .summary = "store an exported key slot again",
    .options = no_options,
    .run = run_import,
};
