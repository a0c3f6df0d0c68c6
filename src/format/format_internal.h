/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_FORMAT_INTERNAL_H
#define FORMAT_FORMAT_INTERNAL_H

#include <stdint.h>

#include "util/buf.h"
#include "util/clock.h"
#include "util/err.h"
#include "util/rd.h"

#define VRV_NS_MAX 999999999u

/* As constants, the codes tell the compiler which paths have failed. */
#define VRV_CORRUPT(err, ...)                                                  \
	(vrv_fail((err), VARVE_CORRUPT, __VA_ARGS__), VARVE_CORRUPT)

/* Sound, but of a version that this one does not understand. */
#define VRV_UNKNOWN(err, ...)                                                  \
	(vrv_fail((err), VARVE_FORMAT, __VA_ARGS__),                           \
	    vrv_exit((err), VARVE_EXIT_FEATURE), VARVE_FORMAT)

/* Read past the content of a file of `size` bytes, checking it. */
int vrv_content_scan(struct vrv_rd *, uint64_t size, struct varve_err *err)
    VRV_MUST;
/* Read past a list with its head, checking it and its order. */
int vrv_xattrs_scan(struct vrv_rd *, struct varve_err *err) VRV_MUST;
int vrv_extensions_scan(struct vrv_rd *, struct varve_err *err) VRV_MUST;

/* --- lists of tagged values (record.h) --- */

struct vrv_tlv {
	uint64_t tag;
	const uint8_t *p;
	size_t n;
};

#define VRV_TAG_BIT(tag) ((uint64_t)1 << (tag))

/* The next value. Zero-initialise `at`, which holds the one before. CORRUPT if
 * it is cut short, its tag lower than the one before, or equal to it and not
 * in `repeated` (a set of VRV_TAG_BIT(); tags of 64 and above may repeat). */
int vrv_tlv_get(struct vrv_rd *, struct vrv_tlv *at, uint64_t repeated,
    struct varve_err *err) VRV_MUST;
/* How often `tag` stands in the list, as far as it can be read. */
uint32_t vrv_tlv_count(struct vrv_rd list, uint64_t tag);
/* 0 if an unknown tag may be ignored, else FORMAT. */
int vrv_tlv_unknown(uint64_t tag, struct varve_err *err) VRV_MUST;
/* A whole list of which this version knows no tag. */
int vrv_tlv_skip(struct vrv_rd *, struct varve_err *err) VRV_MUST;
/* Tag and length; the value follows. */
void vrv_tlv_put_head(struct vrv_buf *, uint64_t tag, size_t n);
void vrv_tlv_put(struct vrv_buf *, uint64_t tag, const void *value, size_t n);

#endif
