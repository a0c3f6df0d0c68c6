/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_OBJECT_H
#define FORMAT_OBJECT_H

/*
 * Names and envelopes of objects: what anyone can check without a key.
 * Layouts: varve-repository(5). No I/O, no cryptography. Decoders never read
 * outside what they are given, whatever the bytes say.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/buf.h"
#include "util/err.h"
#include "util/rd.h"

enum vrv_type {
	VRV_CONFIG = 1,
	VRV_KEY_SLOT = 2,
	VRV_PACK = 3,
	VRV_INDEX = 4,
	VRV_INTENT = 5,
	VRV_ARCHIVE = 6,
	VRV_TOMBSTONE = 7,
	VRV_CONDEMN = 8,
	VRV_ROLL = 9
};
#define VRV_TYPES 10 /* one more than the last */

#define VRV_OBJECT_ID 16
#define VRV_TAG_SIZE 8
#define VRV_REPO_ID 32
#define VRV_HEADER_SIZE 64
#define VRV_TRAILER_SIZE 24

/* Largest object of each kind; a reader refuses more before it allocates. */
#define VRV_MAX_CONFIG ((size_t)4 << 20)
#define VRV_MAX_KEY_SLOT ((size_t)256 << 10)
#define VRV_MAX_INDEX ((size_t)64 << 20)
#define VRV_MAX_RECORD ((size_t)1 << 20) /* every other kind but packs */
#define VRV_MAX_PACK ((uint64_t)4 << 30)

/* "config" of a type, "pack" of another: for messages. Like the next only
 * for types of the enum. */
const char *vrv_type_name(enum vrv_type);
/* "config/" and so on: the prefix its objects are listed under. */
const char *vrv_type_prefix(enum vrv_type);

/* --- names --- */

#define VRV_NAME_SIZE 80 /* longest name and its NUL */

/* A name taken apart. Only what its type has is meaningful. */
struct vrv_name {
	enum vrv_type type;
	uint32_t generation;	   /* config */
	uint8_t tag[VRV_TAG_SIZE]; /* index, intent, archive, tombstone */
	char suffix;		   /* index: 'd', 'm' or 'b' */
	uint8_t id[VRV_OBJECT_ID];
};

void vrv_name_print(const struct vrv_name *, char out[VRV_NAME_SIZE]);
/* False, with *ret untouched, for anything that is not exactly the name of an
 * object. Fields that the type has not are zero. */
bool vrv_name_parse(const char *text, struct vrv_name *ret);

/* --- envelope --- */

struct vrv_header {
	enum vrv_type type;
	uint16_t domain;
	uint32_t epoch;
	uint8_t repository[VRV_REPO_ID];
	uint8_t id[VRV_OBJECT_ID];
};

void vrv_header_put(struct vrv_buf *, const struct vrv_header *);
/* FORMAT for another version, an unknown type, a domain or epoch other than
 * 0; CORRUPT for anything that is no header. Every FORMAT of this module has
 * the exit status VARVE_EXIT_FEATURE. */
int vrv_header_get(const uint8_t *bytes, size_t n, struct vrv_header *ret,
    struct varve_err *err) VRV_MUST;

/* Append the trailer: length of the whole object, XXH3-128 of all before. */
void vrv_trailer_put(struct vrv_buf *object);
/* Write the trailer of an object whose bytes went elsewhere: `length` counts
 * the trailer, `sum` covers the object and those 8 bytes of length. */
void vrv_trailer_write(uint8_t out[VRV_TRAILER_SIZE], uint64_t length,
    const uint8_t sum[16]);

/* Length and sum of a whole object, its header, and that its type and id are
 * those of `name`. The sum is checked before the version is believed (every
 * version keeps magic and trailer), so FORMAT means a whole object. The
 * repository is the caller's to compare. */
int vrv_object_check(const uint8_t *object, size_t n,
    const struct vrv_name *name, struct vrv_header *ret, struct varve_err *err)
    VRV_MUST;

/* The trailer at the end of an object of `n` bytes whose last
 * VRV_TRAILER_SIZE bytes are `trailer`: the sum it states. CORRUPT if it
 * states another length. */
int vrv_trailer_get(const uint8_t trailer[VRV_TRAILER_SIZE], uint64_t n,
    uint8_t ret_sum[16], struct varve_err *err) VRV_MUST;

#endif
