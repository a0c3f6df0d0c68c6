/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_VERSION_H
#define VARVE_VERSION_H

#if defined(__GNUC__)
#define VARVE_API __attribute__((visibility("default")))
#define VARVE_MUST __attribute__((warn_unused_result))
#else
#define VARVE_API
#define VARVE_MUST
#endif

/* The version of the library, "1.2.3". */
VARVE_API const char *varve_version(void);

#endif
