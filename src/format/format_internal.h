/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_FORMAT_INTERNAL_H
#define FORMAT_FORMAT_INTERNAL_H

#include <stdint.h>

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
int vrv_content_scan(struct vrv_rd *, uint64_t size,
    struct varve_err *err) VRV_MUST;
/* Read past a list with its head, checking it and its order. */
int vrv_xattrs_scan(struct vrv_rd *, struct varve_err *err) VRV_MUST;
int vrv_extensions_scan(struct vrv_rd *, struct varve_err *err) VRV_MUST;

#endif
