/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_FORMAT_INTERNAL_H
#define FORMAT_FORMAT_INTERNAL_H

#include "util/err.h"

/* Sound, but of a version that this one does not understand. */
#define VRV_UNKNOWN(err, ...)                                                  \
	(vrv_fail((err), VARVE_FORMAT, __VA_ARGS__),                           \
	    vrv_exit((err), VARVE_EXIT_FEATURE))

#define VRV_CORRUPT(err, ...) vrv_fail((err), VARVE_CORRUPT, __VA_ARGS__)

#endif
