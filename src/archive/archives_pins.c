/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archives_judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/hex.h"
#include "util/mem.h"

/* Pins of a series, unless more have to be kept; and as many of buried ones. */
#define PINS_MAX 8
#define TOLD_MAX 3

enum fate {
	THERE,
	BURIED,
	DEAD,	    /* it does not count, as an admin says */
	UNREADABLE, /* its object or tombstone is there, but cannot be read */
	GONE,
	BACK,  /* it was seen buried, and lives again */
	MASKED /* its object cannot be read: an older revision is shown */
};

/* A tombstone goes only once a roll buries what it did, and a roll only once
 * another does. */

static enum fate
fate_of(const struct vrv_judge *j, const struct vrv_pin *pin)
{
	const struct vrv_archive *a = vrv_archives_get(j->list, pin->logical);

	bool buried =
	    vrv_archives_is_buried(j->list, pin->logical, pin->revision);

	/* Its bad tombstone is damage, and told as such, not proof that the
	 * store went back. Any other bad one excuses nothing. */
	if (a != NULL && !buried && vrv_pin_was_buried(pin))
		return vrv_map_get(j->bad_tombstones, pin->tombstone) != NULL ?
		    UNREADABLE :
		    BACK;
	if (a != NULL && a->clear.revision >= pin->revision)
		return THERE;
	if (buried)
		return BURIED;
	if (vrv_map_get(j->list->no_count, pin->object) != NULL)
		return DEAD;
	if (vrv_map_get(j->unreadable, pin->object) != NULL)
		return a != NULL ? MASKED : UNREADABLE;
	return GONE;
}

static size_t
count(const struct vrv_judge *j, enum fate fate)
{
	size_t n = 0;

	for (size_t i = 0; i < j->n_pins; i++)
		n += fate_of(j, &j->pins[i]) == fate;
	return n;
}

size_t
vrv_pins_replayed(const struct vrv_judge *j)
{
	return count(j, GONE) + count(j, BACK) + count(j, MASKED);
}

/* Append what happened to those of one fate, if there are any. */
static void
tell_fate(const struct vrv_judge *j, enum fate fate, const char *one,
    const char *many, char *text, size_t size)
{
	char id[2 * VRV_LOGICAL_ID + 1];
	size_t n = count(j, fate), told = 0, len = strlen(text);

	if (n == 0)
		return;
	len += (size_t)snprintf(text + len, size - len,
	    "%s%zu %s:", len > 0 ? "; " : "", n, n == 1 ? one : many);
	for (size_t i = 0; i < j->n_pins && told < TOLD_MAX; i++) {
		if (fate_of(j, &j->pins[i]) != fate)
			continue;
		vrv_hex(id, j->pins[i].logical, VRV_LOGICAL_ID);
		len += (size_t)snprintf(text + len, size - len, "%s aid:%.16s",
		    told++ == 0 ? "" : ",", id);
	}
	if (told < n)
		snprintf(text + len, size - len, " and %zu more", n - told);
}

static int
tell_replayed(const struct vrv_judge *j, struct varve_err *err)
{
	/* Room for all three in full. */
	char text[800] = "";

	tell_fate(j, GONE, "archive that was never deleted is missing",
	    "archives that were never deleted are missing", text, sizeof(text));
	tell_fate(j, BACK, "archive that was deleted is back",
	    "archives that were deleted are back", text, sizeof(text));
	tell_fate(j, MASKED,
	    "archive is shown as it was before a change that cannot be read",
	    "archives are shown as they were before changes that cannot be "
	    "read",
	    text, sizeof(text));
	return vrv_repo_older(j->repo, text, err);
}

/* --- what is to be pinned from now on --- */

struct pinner {
	const struct vrv_judge *judge;
	struct vrv_archive *const **live; /* by series, then by time */
	size_t n_live;
	bool *keep; /* of each pin */
	struct vrv_pin *add, *drop;
	size_t n_add, n_drop, cap_add, cap_drop;
};

/* One series: where its live archives and its pins are. */
struct series {
	size_t live, live_end, pin, pin_end;
	size_t first_add;
	size_t n; /* pins that it will have */
};

static int
by_series(const void *a, const void *b)
{
	struct vrv_archive *const *x = *(struct vrv_archive *const *const *)a;
	struct vrv_archive *const *y = *(struct vrv_archive *const *const *)b;

	int order = memcmp((*x)->object.tag, (*y)->object.tag, VRV_TAG_SIZE);
	return order != 0 ? order : (x > y) - (x < y);
}

static int
push(struct vrv_pin **to, size_t *n, size_t *cap, const struct vrv_pin *pin,
    struct varve_err *err)
{
	if (vrv_room_for_one(to, *n, cap, sizeof(*pin)) != 0)
		return VRV_NOMEM(err, "the state");
	(*to)[(*n)++] = *pin;
	return 0;
}

struct vrv_pin
vrv_archive_pin(const struct vrv_archive *a)
{
	struct vrv_pin pin = {.revision = a->clear.revision};

	memcpy(pin.tag, a->object.tag, VRV_TAG_SIZE);
	memcpy(pin.logical, a->clear.logical, VRV_LOGICAL_ID);
	memcpy(pin.object, a->object.id, VRV_OBJECT_ID);
	return pin;
}

static int
add(struct pinner *p, const struct vrv_archive *a, struct varve_err *err)
{
	const struct vrv_pin pin = vrv_archive_pin(a);

	return push(&p->add, &p->n_add, &p->cap_add, &pin, err);
}

/* Pin an archive of the series if there is room and it is not pinned. */
static int
want(struct pinner *p, struct series *s, const struct vrv_archive *a,
    struct varve_err *err)
{
	const struct vrv_pin *pins = p->judge->pins;

	if (s->n >= PINS_MAX)
		return 0;
	for (size_t i = s->pin; i < s->pin_end; i++) {
		if (memcmp(pins[i].logical, a->clear.logical, VRV_LOGICAL_ID) !=
		    0)
			continue;
		s->n += !p->keep[i];
		p->keep[i] = true;
		return 0;
	}
	for (size_t i = s->first_add; i < p->n_add; i++) {
		if (memcmp(p->add[i].logical, a->clear.logical,
			VRV_LOGICAL_ID) == 0)
			return 0;
	}
	s->n++;
	return add(p, a, err);
}

/* What no other pin stands for stays pinned: heads, which nobody names, and
 * what cannot be read, so that nobody knows whom it names. */
static void
keep_needed(struct pinner *p, struct series *s)
{
	const struct vrv_judge *j = p->judge;

	for (size_t i = s->pin; i < s->pin_end; i++) {
		enum fate fate = fate_of(j, &j->pins[i]);

		p->keep[i] = fate == UNREADABLE ||
		    (fate == THERE &&
			!vrv_archives_is_named(j->list,
			    vrv_archives_get(j->list, j->pins[i].logical)));
		s->n += p->keep[i];
	}
}

/* The newest heads, then what they name. */
static int
want_heads(struct pinner *p, struct series *s, struct varve_err *err)
{
	const struct vrv_archives *list = p->judge->list;
	int rc = 0;

	for (int names = 0; names < 2; names++) {
		for (size_t i = s->live_end; rc == 0 && i-- > s->live;) {
			const struct vrv_archive *a = *p->live[i];

			if (vrv_archives_is_named(list, a))
				continue;
			if (!names)
				rc = want(p, s, a, err);
			for (unsigned k = 0;
			     names && rc == 0 && k < a->clear.n_previous; k++) {
				const struct vrv_archive *b =
				    vrv_archives_get(list,
					a->clear.previous[k]);
				if (b != NULL &&
				    memcmp(b->object.tag, a->object.tag,
					VRV_TAG_SIZE) == 0)
					rc = want(p, s, b, err);
			}
		}
	}
	return rc;
}

static int64_t
burial_time(const struct vrv_judge *j, size_t pin)
{
	const struct vrv_grave *grave =
	    vrv_map_get(j->list->graves, j->pins[pin].logical);

	return grave->time;
}

/* Those deleted last have room of their own: their tombstone must stay, and
 * the live ones of a series alone often fill the other. */
static void
keep_buried(struct pinner *p, struct series *s)
{
	const struct vrv_judge *j = p->judge;

	for (unsigned n = 0; n < PINS_MAX; n++) {
		size_t last = s->pin_end;

		for (size_t i = s->pin; i < s->pin_end; i++) {
			if (!p->keep[i] && fate_of(j, &j->pins[i]) == BURIED &&
			    (last == s->pin_end ||
				burial_time(j, i) > burial_time(j, last)))
				last = i;
		}
		if (last == s->pin_end)
			return;
		p->keep[last] = true;
	}
}

/* What was buried stays so: also where nothing lives any more. The pin names
 * the tombstone, or the roll that took its place. */
static int
mark_buried(struct pinner *p, struct varve_err *err)
{
	const struct vrv_judge *j = p->judge;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < j->n_pins; i++) {
		struct vrv_pin pin = j->pins[i];
		bool was = vrv_pin_was_buried(&pin);

		if (!p->keep[i] || fate_of(j, &pin) != BURIED ||
		    (was &&
			vrv_map_get(j->list->tombstones, pin.tombstone) !=
			    NULL))
			continue;
		if (was)
			rc =
			    push(&p->drop, &p->n_drop, &p->cap_drop, &pin, err);
		if (rc != 0)
			return rc;
		const struct vrv_grave *grave =
		    vrv_map_get(j->list->graves, pin.logical);
		memcpy(pin.tombstone, grave->tombstone, VRV_OBJECT_ID);
		rc = push(&p->add, &p->n_add, &p->cap_add, &pin, err);
	}
	return rc;
}

/* Pins that stay follow the revision of their archive, the others go. */
static int
settle(struct pinner *p, struct series *s, struct varve_err *err)
{
	static const uint8_t unknown[VRV_OBJECT_ID];
	const struct vrv_judge *j = p->judge;
	int rc = 0;

	for (size_t i = s->pin; rc == 0 && i < s->pin_end; i++) {
		const struct vrv_pin *pin = &j->pins[i];
		const struct vrv_archive *a =
		    vrv_archives_get(j->list, pin->logical);

		if (!p->keep[i])
			rc = push(&p->drop, &p->n_drop, &p->cap_drop, pin, err);
		else if (a != NULL &&
		    (a->clear.revision > pin->revision ||
			(a->clear.revision == pin->revision &&
			    memcmp(pin->object, unknown, VRV_OBJECT_ID) == 0)))
			rc = add(p, a, err);
	}
	return rc;
}

static int
pin_series(struct pinner *p, struct series *s, struct varve_err *err)
{
	s->n = 0;
	s->first_add = p->n_add;
	keep_needed(p, s);
	int rc = want_heads(p, s, err);
	if (rc != 0)
		return rc;
	keep_buried(p, s);
	return settle(p, s, err);
}

static bool
same_series(const struct vrv_archive *a, const uint8_t tag[VRV_TAG_SIZE])
{
	return memcmp(a->object.tag, tag, VRV_TAG_SIZE) == 0;
}

/* A series without live archives keeps its pins. */
static int
pin_all(struct pinner *p, struct varve_err *err)
{
	const struct vrv_judge *j = p->judge;
	struct series s = {0};
	int rc = 0;

	for (; rc == 0 && s.live < p->n_live; s.live = s.live_end) {
		const uint8_t *tag = (*p->live[s.live])->object.tag;

		s.live_end = s.live + 1;
		while (s.live_end < p->n_live &&
		    same_series(*p->live[s.live_end], tag))
			s.live_end++;
		s.pin = s.pin_end;
		while (s.pin < j->n_pins &&
		    memcmp(j->pins[s.pin].tag, tag, VRV_TAG_SIZE) < 0)
			s.pin++;
		s.pin_end = s.pin;
		while (s.pin_end < j->n_pins &&
		    memcmp(j->pins[s.pin_end].tag, tag, VRV_TAG_SIZE) == 0)
			s.pin_end++;
		rc = pin_series(p, &s, err);
	}
	return rc;
}

static int
make_pinner(struct pinner *p, struct varve_err *err)
{
	const struct vrv_archives *list = p->judge->list;

	/* `keep` starts true for series without live archives. */
	p->live = vrv_alloc_array(list->n + 1, sizeof(*p->live));
	p->keep = vrv_alloc_array(p->judge->n_pins + 1, sizeof(*p->keep));
	if (p->live == NULL || p->keep == NULL)
		return VRV_NOMEM(err, "series");
	memset(p->keep, true, p->judge->n_pins);
	for (size_t i = 0; i < list->n; i++)
		if (!list->items[i]->unvouched)
			p->live[p->n_live++] = &list->items[i];
	if (p->n_live > 0)
		qsort(p->live, p->n_live, sizeof(*p->live), by_series);
	return 0;
}

static int
move_pins(struct vrv_judge *j, struct pinner *p, struct varve_err *err)
{
	int rc = make_pinner(p, err);
	if (rc == 0)
		rc = pin_all(p, err);
	if (rc == 0)
		rc = mark_buried(p, err);
	if (rc != 0 || (p->n_add == 0 && p->n_drop == 0))
		return rc;
	rc = vrv_repo_state_change(j->repo, p->add, p->n_add, p->drop,
	    p->n_drop, err);
	if (rc == 0 && vrv_repo_state_save(j->repo, err) != 0)
		vrv_repo_note(j->repo, VARVE_EVENT_WARNING, NULL,
		    "cannot remember the newest archives: %s", err->message);
	return rc;
}

int
vrv_judge_pins(struct vrv_judge *j, struct varve_err *err)
{
	struct pinner p = {.judge = j};

	if (j->n_replayed > 0)
		return tell_replayed(j, err);
	int rc = move_pins(j, &p, err);
	free(p.live);
	free(p.keep);
	free(p.add);
	free(p.drop);
	return rc;
}
