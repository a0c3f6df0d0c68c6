/* SPDX-License-Identifier: BSD-2-Clause */
/* Which files are in a sample. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "repo/repo.h"
#include "verify/sampler.h"

#define FILES 10000u

static const char *
path_of(unsigned i, char path[32])
{
	snprintf(path, 32, "folder/%u/file-%u", i % 7, i);
	return path;
}

struct sample {
	struct vrv_sampler *sampler;
	uint64_t files, bytes;
};

/* A settled sampler that saw `n` files, file i of i bytes. */
static struct sample
sample(struct varve_verify_options options, uint64_t seed, unsigned n)
{
	struct sample s;
	struct varve_err err = {0};
	char path[32];

	assert_int_equal(vrv_sampler_new(&options, seed, &s.sampler, &err), 0);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(vrv_sampler_see(s.sampler, path_of(i, path), i,
				     &err),
		    0);
	vrv_sampler_settle(s.sampler, &s.files, &s.bytes);
	return s;
}

/* What is in it is what it says that there is. */
static uint64_t
count(const struct sample *s, unsigned n)
{
	uint64_t files = 0, bytes = 0;
	char path[32];

	for (unsigned i = 0; i < n; i++) {
		if (vrv_sampler_has(s->sampler, path_of(i, path))) {
			files++;
			bytes += i;
		}
	}
	assert_int_equal(files, s->files);
	assert_int_equal(bytes, s->bytes);
	return files;
}

static uint64_t
size_of(struct varve_verify_options options, uint64_t seed, unsigned n)
{
	struct sample s = sample(options, seed, n);
	uint64_t files = count(&s, n);

	vrv_sampler_free(s.sampler);
	return files;
}

static void
test_so_many(void **state)
{
	static const unsigned want[] = {1, 2, 7, 100, 9999, 10000, 20000};

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		const struct varve_verify_options options = {
		    .files = want[i],
		};
		for (uint64_t seed = 0; seed < 3; seed++)
			assert_int_equal(size_of(options, seed, FILES),
			    want[i] < FILES ? want[i] : FILES);
		assert_int_equal(size_of(options, 5, 0), 0);
		assert_int_equal(size_of(options, 5, 1), 1);
	}
}

static void
test_share(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 5; seed++) {
		struct varve_verify_options o = {.sample_ppm = 100000};
		uint64_t n = size_of(o, seed, FILES);
		assert_in_range(n, 850, 1150);
		o.sample_ppm = 500000;
		assert_in_range(size_of(o, seed, FILES), 4800, 5200);
		o.sample_ppm = 1000000;
		assert_int_equal(size_of(o, seed, FILES), FILES);
		/* Never nothing where there is something. */
		o.sample_ppm = 1;
		assert_int_equal(size_of(o, seed, 3), 1);
	}
}

/* 1 %, and at least 20. */
static void
test_default(void **state)
{
	const struct varve_verify_options o = {0};

	(void)state;
	assert_int_equal(size_of(o, 1, 10), 10);
	assert_int_equal(size_of(o, 1, 500), 20);
	assert_in_range(size_of(o, 1, FILES), 70, 130);
}

static void
test_all(void **state)
{
	const struct varve_verify_options o = {.all = true, .files = 3};
	struct sample s = sample(o, 1, FILES);

	(void)state;
	assert_int_equal(count(&s, FILES), FILES);
	assert_true(vrv_sampler_has(s.sampler, "never seen"));
	vrv_sampler_free(s.sampler);
}

/* The seed and the path decide, and nothing else: not what else there is. */
static void
test_deterministic(void **state)
{
	const struct varve_verify_options o = {.sample_ppm = 50000};
	struct sample a = sample(o, 77, FILES), b = sample(o, 77, FILES / 2);
	struct sample other = sample(o, 78, FILES);
	unsigned both = 0, in_other = 0;
	char path[32];

	(void)state;
	for (unsigned i = 0; i < FILES; i++) {
		bool in_a = vrv_sampler_has(a.sampler, path_of(i, path));
		assert_int_equal(in_a, vrv_sampler_has(b.sampler, path));
		bool in_c = vrv_sampler_has(other.sampler, path);
		both += in_a && in_c;
		in_other += in_c;
	}
	/* Another seed takes others. */
	assert_true(in_other > 300);
	assert_true(both < in_other / 4);
	vrv_sampler_free(a.sampler);
	vrv_sampler_free(b.sampler);
	vrv_sampler_free(other.sampler);
}

/* --- successive samples --- */

/* Take samples until the sweep comes round; how often each file was taken. */
static unsigned
sweep(struct varve_verify_options options, uint64_t start, unsigned n,
    unsigned char *taken)
{
	unsigned runs = 0;
	bool whole = false;
	char path[32];

	while (!whole) {
		struct sample s;
		struct varve_err err = {0};
		assert_int_equal(vrv_sampler_new(&options, 9, &s.sampler, &err),
		    0);
		vrv_sampler_start(s.sampler, start);
		for (unsigned i = 0; i < n; i++)
			assert_int_equal(vrv_sampler_see(s.sampler,
					     path_of(i, path), i, &err),
			    0);
		vrv_sampler_settle(s.sampler, &s.files, &s.bytes);
		count(&s, n);
		for (unsigned i = 0; i < n; i++)
			taken[i] +=
			    vrv_sampler_has(s.sampler, path_of(i, path));
		whole = vrv_sampler_next(s.sampler, &start);
		vrv_sampler_free(s.sampler);
		runs++;
	}
	return runs;
}

/* A hundred samples of 1 % take every file once. */
static void
test_sweep_share(void **state)
{
	unsigned char taken[FILES] = {0};

	(void)state;
	assert_int_equal(sweep((struct varve_verify_options){.sample_ppm =
								 10000},
			     0, FILES, taken),
	    100);
	for (unsigned i = 0; i < FILES; i++)
		assert_int_equal(taken[i], 1);
}

/* So do as many of N files as there must be, the last of which goes on with
 * the next sweep. */
static void
test_sweep_files(void **state)
{
	unsigned char taken[FILES] = {0};
	unsigned twice = 0;

	(void)state;
	assert_int_equal(sweep((struct varve_verify_options){.files = 700}, 0,
			     FILES, taken),
	    15);
	for (unsigned i = 0; i < FILES; i++) {
		assert_in_range(taken[i], 1, 2);
		twice += taken[i] == 2;
	}
	assert_int_equal(twice, 500);
	/* It is known at once that the last file was taken. */
	memset(taken, 0, sizeof(taken));
	assert_int_equal(sweep((struct varve_verify_options){.files = 500}, 0,
			     FILES, taken),
	    20);
	for (unsigned i = 0; i < FILES; i++)
		assert_int_equal(taken[i], 1);
}

/* All files are a whole sweep, wherever it began. */
static void
test_sweep_all(void **state)
{
	const struct varve_verify_options all[] = {{.all = true}, {.files = 0},
	    {.files = 20}};
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		unsigned char taken[20] = {0};
		assert_int_equal(sweep(all[i], 1ull << 63, 20, taken), 1);
		for (unsigned k = 0; k < 20; k++)
			assert_int_equal(taken[k], 1);
	}
}

static void
test_too_much(void **state)
{
	const struct varve_verify_options o = {.sample_ppm = 1000001};
	struct vrv_sampler *s;
	struct varve_err err = {0};

	(void)state;
	assert_int_equal(vrv_sampler_new(&o, 1, &s, &err), VARVE_USAGE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_so_many),
	    cmocka_unit_test(test_share),
	    cmocka_unit_test(test_default),
	    cmocka_unit_test(test_all),
	    cmocka_unit_test(test_deterministic),
	    cmocka_unit_test(test_sweep_share),
	    cmocka_unit_test(test_sweep_files),
	    cmocka_unit_test(test_sweep_all),
	    cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
