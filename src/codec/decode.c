/* SPDX-License-Identifier: BSD-2-Clause */
#include "codec/codec.h"

#include <stdlib.h>
#include <string.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "util/rd.h"

#define WINDOW_MAX ((uint64_t)1 << VRV_WINDOW_LOG_MAX)

/* Bits of the frame header descriptor (RFC 8878, 3.1.1.1.1). */
#define FHD_DICT_ID 0x03
#define FHD_CHECKSUM 0x04
#define FHD_RESERVED 0x08
#define FHD_SINGLE_SEGMENT 0x20

struct vrv_decoder {
	ZSTD_DCtx *zstd;
};

struct vrv_decoder *
vrv_decoder_new(void)
{
	struct vrv_decoder *d = malloc(sizeof(*d));

	if (d == NULL)
		return NULL;
	d->zstd = ZSTD_createDCtx();
	if (d->zstd == NULL) {
		free(d);
		return NULL;
	}
	return d;
}

void
vrv_decoder_free(struct vrv_decoder *d)
{
	if (d == NULL)
		return;
	ZSTD_freeDCtx(d->zstd);
	free(d);
}

/*
 * Read the header of a frame here: decompressing in one go, zstd does not look
 * at its own limit of windows, and it takes checksums and dictionary ids that
 * are no part of a payload.
 */
static int
check_header(const uint8_t *in, size_t n, size_t want, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(in, n);
	uint32_t magic = vrv_rd_u32(&r);
	uint8_t fhd = vrv_rd_u8(&r);
	uint64_t window = want;

	/* Also keeps `want` apart from what zstd says for "unknown". */
	if (want > WINDOW_MAX)
		return vrv_fail(err, VARVE_LIMIT, "too much to decompress");
	if (magic != ZSTD_MAGICNUMBER || !vrv_rd_ok(&r) ||
	    (fhd & (FHD_DICT_ID | FHD_CHECKSUM | FHD_RESERVED)) != 0)
		return vrv_fail(err, VARVE_CORRUPT,
		    "not a zstd frame of this format");
	if ((fhd & FHD_SINGLE_SEGMENT) == 0) {
		uint8_t descriptor = vrv_rd_u8(&r);
		window = UINT64_C(1) << (10 + (descriptor >> 3));
		window += window / 8 * (descriptor & 7);
	}
	if (vrv_rd_ok(&r) && window > WINDOW_MAX)
		return vrv_fail(err, VARVE_LIMIT,
		    "zstd window larger than 16 MiB");
	if (ZSTD_getFrameContentSize(in, n) != want)
		return vrv_fail(err, VARVE_CORRUPT,
		    "zstd frame without the expected content size");
	if (ZSTD_findFrameCompressedSize(in, n) != n)
		return vrv_fail(err, VARVE_CORRUPT, "not one whole zstd frame");
	return 0;
}

static int
decode_zstd(ZSTD_DCtx *zstd, const void *in, size_t n, const void *prefix,
    size_t prefix_n, void *out, size_t want, struct varve_err *err)
{
	int rc = check_header(in, n, want, err);
	if (rc != 0)
		return rc;

	/* Also forgets the prefix of a frame that failed. */
	size_t got = ZSTD_DCtx_reset(zstd, ZSTD_reset_session_and_parameters);
	if (!ZSTD_isError(got) && prefix_n > 0)
		got = ZSTD_DCtx_refPrefix(zstd, prefix, prefix_n);
	if (!ZSTD_isError(got))
		got = ZSTD_decompressDCtx(zstd, out, want, in, n);
	if (got == want)
		return 0;
	if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation)
		return vrv_fail(err, VARVE_NOMEM, "no memory to decompress");
	return vrv_fail(err, VARVE_CORRUPT, "damaged zstd frame: %s",
	    ZSTD_getErrorName(got));
}

int
vrv_decode(struct vrv_decoder *d, uint8_t codec, const void *in, size_t n,
    const void *prefix, size_t prefix_n, void *out, size_t want,
    struct varve_err *err)
{
	switch (codec) {
	case VRV_STORED:
		if (n != want)
			return vrv_fail(err, VARVE_CORRUPT,
			    "stored payload of another length");
		if (n > 0)
			memcpy(out, in, n);
		return 0;
	case VRV_ZSTD:
		return decode_zstd(d->zstd, in, n, prefix,
		    prefix == NULL ? 0 : prefix_n, out, want, err);
	default:
		return vrv_fail(err, VARVE_FORMAT, "unknown codec %d", codec);
	}
}
