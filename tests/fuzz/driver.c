/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * Runs a fuzz target without libFuzzer: driver FOLDER [ROUNDS].
 *
 * Every seed of the folder as it is, then ROUNDS inputs made from the seeds by
 * a fixed sequence of changes, the same in every run. An input ends where its
 * memory ends, so that the sanitizers see a read beyond it.
 */

#include <dirent.h>
#include <inttypes.h>

#include "fuzz_support.h"
#include "util/mem.h"

#define ROUNDS 20000
#define SEEDS_MAX 64
#define SEED_SIZE_MAX 65536

struct input {
	uint8_t *p;
	size_t n;
};

static uint64_t
next(uint64_t *state)
{
	/* splitmix64, public domain, Sebastiano Vigna */
	uint64_t z = (*state += 0x9e3779b97f4a7c15u);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

static size_t
below(uint64_t *state, size_t n)
{
	return n == 0 ? 0 : (size_t)(next(state) % n);
}

static void
run(const uint8_t *p, size_t n)
{
	vrv_auto_free uint8_t *exact = malloc(n == 0 ? 1 : n);

	fuzz_check(exact != NULL, "memory for an input");
	if (n > 0)
		memcpy(exact, p, n);
	LLVMFuzzerTestOneInput(exact, n);
}

static struct input
load(const char *folder, const char *name)
{
	vrv_auto_free char *path = vrv_strf("%s/%s", folder, name);
	struct input in = {.p = malloc(SEED_SIZE_MAX)};

	fuzz_check(path != NULL && in.p != NULL, "memory for a seed");
	FILE *f = fopen(path, "rb");
	fuzz_check(f != NULL, path);
	in.n = fread(in.p, 1, SEED_SIZE_MAX, f);
	fclose(f);
	return in;
}

static size_t
load_all(const char *folder, struct input *seeds)
{
	struct dirent **names;
	size_t n_seeds = 0;
	int n = scandir(folder, &names, NULL, alphasort);

	fuzz_check(n >= 0, folder);
	for (int i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.' && n_seeds < SEEDS_MAX)
			seeds[n_seeds++] = load(folder, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return n_seeds;
}

/* One change; `in` has room for SEED_SIZE_MAX bytes. */
static void
change(struct input *in, const struct input *other, uint64_t *state)
{
	static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
	size_t at = below(state, in->n);
	size_t from = below(state, other->n), n;

	switch (below(state, 6)) {
	case 0:
	case 1: /* flip a bit */
		if (in->n > 0)
			in->p[at] ^= (uint8_t)(1u << below(state, 8));
		break;
	case 2: /* a byte at the edge of what a byte can say */
		if (in->n > 0)
			in->p[at] = edges[below(state, sizeof(edges))];
		break;
	case 3: /* truncate */
		in->n = at;
		break;
	case 4: /* the end of another instead of this one's */
		n = vrv_min(other->n - from, SEED_SIZE_MAX - at);
		memcpy(in->p + at, other->p + from, n);
		in->n = at + n;
		break;
	default: /* a short piece of another put in between */
		n = vrv_min(below(state, 9), other->n - from);
		if (n > SEED_SIZE_MAX - in->n)
			break;
		memmove(in->p + at + n, in->p + at, in->n - at);
		memcpy(in->p + at, other->p + from, n);
		in->n += n;
		break;
	}
}

int
main(int argc, char **argv)
{
	struct input seeds[SEEDS_MAX];
	struct input in = {.p = malloc(SEED_SIZE_MAX)};
	uint64_t state = 1;

	if (argc < 2 || in.p == NULL)
		return EXIT_FAILURE;
	long rounds = argc > 2 ? atol(argv[2]) : ROUNDS;
	size_t n = load_all(argv[1], seeds);
	fuzz_check(n > 0, "there are seeds");
	for (size_t i = 0; i < n; i++)
		run(seeds[i].p, seeds[i].n);
	run(NULL, 0);
	for (long round = 0; round < rounds; round++) {
		const struct input *seed = &seeds[below(&state, n)];

		memcpy(in.p, seed->p, seed->n);
		in.n = seed->n;
		for (size_t left = 1 + below(&state, 4); left > 0; left--)
			change(&in, &seeds[below(&state, n)], &state);
		run(in.p, in.n);
	}
	for (size_t i = 0; i < n; i++)
		free(seeds[i].p);
	free(in.p);
	printf("%zu seeds, %ld rounds\n", n, rounds);
	return EXIT_SUCCESS;
}
