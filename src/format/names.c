/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/object.h"

#include <assert.h>
#include <string.h>

#include "util/hex.h"

/* What stands between a type's prefix and the id. */
enum form {
	FORM_ID,	 /* nothing */
	FORM_GENERATION, /* 8 digits and '-' */
	FORM_FOLDER,	 /* the first 2 digits of the id and '/' */
	FORM_TAG	 /* 16 digits and '-' */
};

static const struct shape {
	const char *prefix, *name;
	enum form form;
	uint64_t max;
} shapes[VRV_TYPES] = {
    [VRV_CONFIG] = {"config/", "config", FORM_GENERATION, VRV_MAX_CONFIG},
    [VRV_KEY_SLOT] = {"keys/", "key slot", FORM_ID, VRV_MAX_KEY_SLOT},
    [VRV_PACK] = {"packs/", "pack", FORM_FOLDER, VRV_MAX_PACK},
    [VRV_INDEX] = {"index/", "index object", FORM_TAG, VRV_MAX_INDEX},
    [VRV_INTENT] = {"intents/", "intent", FORM_TAG, VRV_MAX_RECORD},
    [VRV_ARCHIVE] = {"archives/", "archive", FORM_TAG, VRV_MAX_RECORD},
    [VRV_TOMBSTONE] = {"tombstones/", "tombstone", FORM_TAG, VRV_MAX_RECORD},
    [VRV_CONDEMN] = {"condemned/", "condemn record", FORM_ID, VRV_MAX_RECORD},
    [VRV_ROLL] = {"rolls/", "roll", FORM_ID, VRV_MAX_RECORD},
};

static const struct shape *
shape_of(enum vrv_type type)
{
	assert(type >= VRV_CONFIG && type < VRV_TYPES);
	return &shapes[type];
}

const char *
vrv_type_name(enum vrv_type type)
{
	return shape_of(type)->name;
}

const char *
vrv_type_prefix(enum vrv_type type)
{
	return shape_of(type)->prefix;
}

/* Big-endian, so that names sort by generation. */
static void
generation_bytes(uint32_t generation, uint8_t out[4])
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(generation >> (24 - 8 * i));
}

void
vrv_name_print(const struct vrv_name *name, char out[VRV_NAME_SIZE])
{
	const struct shape *shape = shape_of(name->type);
	uint8_t generation[4];
	char *p = stpcpy(out, shape->prefix);

	switch (shape->form) {
	case FORM_ID:
		break;
	case FORM_GENERATION:
		generation_bytes(name->generation, generation);
		vrv_hex(p, generation, sizeof(generation));
		p = stpcpy(p + 2 * sizeof(generation), "-");
		break;
	case FORM_FOLDER:
		vrv_hex(p, name->id, 1);
		p = stpcpy(p + 2, "/");
		break;
	case FORM_TAG:
		vrv_hex(p, name->tag, VRV_TAG_SIZE);
		p = stpcpy(p + 2 * VRV_TAG_SIZE, "-");
		break;
	}
	vrv_hex(p, name->id, VRV_OBJECT_ID);
	if (name->type == VRV_INDEX) {
		p[2 * VRV_OBJECT_ID] = '.';
		p[2 * VRV_OBJECT_ID + 1] = name->suffix;
		p[2 * VRV_OBJECT_ID + 2] = '\0';
	}
}

/* Take 2n digits and the separator off *text. */
static bool
take(const char **text, uint8_t *to, size_t n, char separator)
{
	if (!vrv_unhex(to, *text, n) || (*text)[2 * n] != separator)
		return false;
	*text += 2 * n + 1;
	return true;
}

static bool
take_middle(const char **text, enum form form, struct vrv_name *name,
    uint8_t *ret_folder)
{
	uint8_t g[4];

	switch (form) {
	case FORM_GENERATION:
		if (!take(text, g, sizeof(g), '-'))
			return false;
		name->generation = (uint32_t)g[0] << 24 | (uint32_t)g[1] << 16 |
		    (uint32_t)g[2] << 8 | g[3];
		return true;
	case FORM_FOLDER:
		return take(text, ret_folder, 1, '/');
	case FORM_TAG:
		return take(text, name->tag, VRV_TAG_SIZE, '-');
	default:
		return true;
	}
}

static bool
parse_as(const char *text, enum vrv_type type, struct vrv_name *ret)
{
	enum form form = shapes[type].form;
	struct vrv_name name = {.type = type};
	uint8_t folder = 0;
	char last = type == VRV_INDEX ? '.' : '\0';

	if (!take_middle(&text, form, &name, &folder) ||
	    !take(&text, name.id, VRV_OBJECT_ID, last))
		return false;
	if (form == FORM_FOLDER && folder != name.id[0])
		return false;
	if (type == VRV_INDEX) {
		if (*text != 'd' && *text != 'm' && *text != 'b')
			return false;
		name.suffix = *text;
		if (text[1] != '\0')
			return false;
	}
	*ret = name;
	return true;
}

bool
vrv_name_parse(const char *text, struct vrv_name *ret)
{
	for (int type = VRV_CONFIG; type < VRV_TYPES; type++) {
		size_t n = strlen(shapes[type].prefix);

		if (strncmp(text, shapes[type].prefix, n) == 0)
			return parse_as(text + n, (enum vrv_type)type, ret);
	}
	return false;
}
