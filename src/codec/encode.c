/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/codec.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>
#include <zstd_errors.h>

#define INPUT_MAX ((size_t)1 << VRV_WINDOW_LOG_MAX)
#define TRY_LEVEL 1
#define TRY_PERCENT 3
#define WINDOW_LOG_MIN 10 /* of the format of zstd */

struct vrv_encoder {
	ZSTD_CCtx *zstd;
};

struct vrv_encoder *
vrv_encoder_new(void)
{
	struct vrv_encoder *e = malloc(sizeof(*e));

	if (e == NULL)
		return NULL;
	e->zstd = ZSTD_createCCtx();
	if (e->zstd == NULL) {
		free(e);
		return NULL;
	}
	return e;
}

void
vrv_encoder_free(struct vrv_encoder *e)
{
	if (e == NULL)
		return;
	ZSTD_freeCCtx(e->zstd);
	free(e);
}

size_t
vrv_encode_bound(size_t n)
{
	return ZSTD_compressBound(n);
}

/* The smallest window that reaches over `n` bytes. */
static int
window_log_for(size_t n)
{
	int log = WINDOW_LOG_MIN;

	while (log < VRV_WINDOW_LOG_MAX && (size_t)1 << log < n)
		log++;
	return log;
}

/* One frame at `out`; its length, or an error of zstd. */
static size_t
compress(ZSTD_CCtx *zstd, int level, const void *in, size_t n,
    const void *prefix, size_t prefix_n, void *out)
{
	/* zstd knows the size of the input from ZSTD_compress2() and stores it;
	 * the window it picks for these levels is at most 8 MiB. */
	const struct {
		ZSTD_cParameter name;
		int value;
	} set[] = {
	    {ZSTD_c_compressionLevel, level},
	    {ZSTD_c_contentSizeFlag, 1},
	    {ZSTD_c_checksumFlag, 0},
	    {ZSTD_c_dictIDFlag, 0},
	    /* The window of a level may not reach back over a prefix, and its
	     * table is too small for one: level 3 finds nothing at the start
	     * of 4 MiB. Long distance matching samples all of it. */
	    {ZSTD_c_windowLog,
		prefix_n == 0 ? 0 : window_log_for(prefix_n + n)},
	    {ZSTD_c_enableLongDistanceMatching, prefix_n > 0},
	};

	/* Also forgets the prefix of a frame that failed. */
	size_t rc = ZSTD_CCtx_reset(zstd, ZSTD_reset_session_and_parameters);
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++) {
		if (!ZSTD_isError(rc))
			rc = ZSTD_CCtx_setParameter(zstd, set[i].name,
			    set[i].value);
	}
	if (!ZSTD_isError(rc) && prefix_n > 0)
		rc = ZSTD_CCtx_refPrefix(zstd, prefix, prefix_n);
	if (ZSTD_isError(rc))
		return rc;
	return ZSTD_compress2(zstd, out, ZSTD_compressBound(n), in, n);
}

static int
zstd_fail(struct varve_err *err, size_t rc)
{
	bool nomem = ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation;

	return vrv_fail(err, nomem ? VARVE_NOMEM : VARVE_INTERNAL,
	    "compression: %s", ZSTD_getErrorName(rc));
}

static int
check_input(const struct vrv_compression *how, size_t n, struct varve_err *err)
{
	if (how->codec != VRV_STORED && how->codec != VRV_ZSTD)
		return vrv_fail(err, VARVE_USAGE, "unknown codec %d",
		    (int)how->codec);
	if (how->codec == VRV_ZSTD &&
	    (how->level < VRV_LEVEL_MIN || how->level > VRV_LEVEL_MAX))
		return vrv_fail(err, VARVE_USAGE,
		    "compression level %d is not within %d to %d", how->level,
		    VRV_LEVEL_MIN, VRV_LEVEL_MAX);
	if (n > INPUT_MAX)
		return vrv_fail(err, VARVE_LIMIT, "too much to compress");
	return 0;
}

/* Does a quick try save enough? One that fails cannot tell. */
static bool
worth_it(struct vrv_encoder *e, const void *in, size_t n, void *out)
{
	size_t got = compress(e->zstd, TRY_LEVEL, in, n, NULL, 0, out);

	return ZSTD_isError(got) || got <= n - n * TRY_PERCENT / 100;
}

int
vrv_encode(struct vrv_encoder *e, const struct vrv_compression *how,
    const void *in, size_t n, const void *prefix, size_t prefix_n, void *out,
    size_t *ret_n, enum vrv_codec *ret_codec, struct varve_err *err)
{
	int rc = check_input(how, n, err);
	if (rc != 0)
		return rc;
	if (prefix == NULL)
		prefix_n = 0;

	size_t got = n;
	bool wanted = how->codec == VRV_ZSTD && n > 0;
	/* A level as cheap as the try needs none. */
	if (wanted && how->try_first && prefix_n == 0 && how->level > TRY_LEVEL)
		wanted = worth_it(e, in, n, out);
	if (wanted)
		got =
		    compress(e->zstd, how->level, in, n, prefix, prefix_n, out);
	if (ZSTD_isError(got))
		return zstd_fail(err, got);
	if (got >= n) {
		got = n;
		if (n > 0)
			memcpy(out, in, n);
	}
	*ret_codec = got < n ? VRV_ZSTD : VRV_STORED;
	*ret_n = got;
	return 0;
}
