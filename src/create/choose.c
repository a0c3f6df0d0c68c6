/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "create/parent.h"

#define HOST_PARENTS 64	 /* archives of this host that are compared */
#define CANDIDATES_MAX 8 /* that are asked about before there is none */

/* An archive that starts this much later than the store got it is dated
 * wrongly. Clocks of stores are off by minutes, and by hours where one of them
 * takes local time for UTC. */
#define SKEW_S ((int64_t)24 * 3600)

struct candidate {
	const struct vrv_archive *archive; /* NULL: none */
	unsigned shared; /* sources, with another series of this host */
	bool own;	 /* a run of this client has met its tree */
	bool head;	 /* no other archive names it as a predecessor */
};

/* How many blank-separated words two labels share. */
static unsigned
shared_words(struct vrv_text a, const char *b)
{
	unsigned shared = 0;

	for (const char *w = b; *w != '\0';) {
		size_t n = strcspn(w, " ");

		for (size_t i = 0; i + n <= a.n; i++) {
			bool starts = i == 0 || a.p[i - 1] == ' ';
			bool ends = i + n == a.n || a.p[i + n] == ' ';

			if (starts && ends && memcmp(a.p + i, w, n) == 0) {
				shared++;
				break;
			}
		}
		w += n + (w[n] == ' ');
	}
	return shared;
}

static bool
is_better(const struct candidate *a, const struct candidate *b)
{
	if (b->archive == NULL)
		return true;
	if (a->shared != b->shared)
		return a->shared > b->shared;
	if (a->own != b->own)
		return a->own;
	if (a->head != b->head)
		return a->head;
	return vrv_time_cmp(a->archive->sealed.start,
		   b->archive->sealed.start) > 0;
}

/* Whose archive it is costs a look-up, so that is the last question: of a
 * series, newest first, it is asked until the first head is this client's. */
static void
consider(const struct vrv_choice *c, const struct vrv_archive *a,
    unsigned shared, struct candidate *best)
{
	vrv_auto_buf struct vrv_buf bytes = {0};
	struct candidate one = {.archive = a,
	    .shared = shared,
	    .own = true,
	    .head = !vrv_archives_is_named(c->all, a)};

	if (!is_better(&one, best))
		return;
	one.own = vrv_treecache_get(c->cache, a->sealed.root.id, &bytes);
	if (is_better(&one, best))
		*best = one;
}

static bool
is_among(const struct vrv_archive *a, const struct candidate *refused, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (refused[i].archive == a)
			return true;
	}
	return false;
}

/* The best one of the series, else of the same host, but for those that were
 * refused. */
static struct candidate
best_of(const struct vrv_choice *c, const struct candidate *refused, size_t n)
{
	struct candidate best = {0};
	unsigned seen = 0;

	for (size_t i = c->all->n; i-- > 0;) {
		const struct vrv_archive *a = c->all->items[i];

		if (!a->unvouched &&
		    memcmp(a->object.tag, c->tag, VRV_TAG_SIZE) == 0 &&
		    !is_among(a, refused, n))
			consider(c, a, 0, &best);
	}
	if (best.archive != NULL)
		return best;
	for (size_t i = c->all->n; i-- > 0 && seen < HOST_PARENTS;) {
		const struct vrv_archive *a = c->all->items[i];

		if (a->unvouched || !vrv_text_is(a->sealed.host, c->host) ||
		    is_among(a, refused, n))
			continue;
		seen++;
		unsigned shared = shared_words(a->sealed.series, c->label);
		if (shared > 0)
			consider(c, a, shared, &best);
	}
	return best;
}

/* Can the archive have begun when it says, by the store's clock? */
static int
is_dated_right(const struct vrv_choice *c, const struct vrv_archive *a,
    bool *ret, struct varve_err *err)
{
	char name[VRV_NAME_SIZE];
	int64_t stored;

	vrv_name_print(&a->object, name);
	int rc =
	    vrv_store_head(vrv_repo_store(c->repo), name, NULL, &stored, err);
	*ret = rc == 0 && a->sealed.start.s - SKEW_S <= stored;
	return rc != 0 && vrv_err_is_fatal(err) ? rc : 0;
}

int
vrv_parent_choose(const struct vrv_choice *c, const struct vrv_archive **ret,
    struct varve_err *err)
{
	struct candidate refused[CANDIDATES_MAX];

	for (size_t n = 0; n < CANDIDATES_MAX; n++) {
		struct candidate best = best_of(c, refused, n);
		bool right = best.own || best.archive == NULL;
		int rc = 0;

		if (!right)
			rc = is_dated_right(c, best.archive, &right, err);
		if (rc != 0)
			return rc;
		if (right) {
			*ret = best.archive;
			return 0;
		}
		refused[n] = best;
	}
	*ret = NULL;
	return 0;
}
