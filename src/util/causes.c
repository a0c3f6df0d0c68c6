/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/causes.h"

#include <stdlib.h>
#include <string.h>

#include "util/map.h"
#include "util/mem.h"

struct met {
	struct varve_err err;
	char *path;
	uint64_t paths, groups, group; /* group: the last */
};

struct vrv_causes {
	struct vrv_map *numbers; /* cause to the number of a struct met */
	struct met *met;
	size_t n, cap;
	uint64_t more; /* paths of causes that found no room */
};

struct vrv_causes *
vrv_causes_new(void)
{
	struct vrv_causes *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->numbers = vrv_map_new(sizeof(uint64_t), sizeof(uint32_t));
	if (c->numbers != NULL)
		return c;
	free(c);
	return NULL;
}

void
vrv_causes_free(struct vrv_causes *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		free(c->met[i].path);
	free(c->met);
	vrv_map_free(c->numbers);
	free(c);
}

static struct met *
add(struct vrv_causes *c, const char *path, const struct varve_err *err)
{
	if (c->n >= VRV_CAUSES_MAX ||
	    vrv_room_for_one(&c->met, c->n, &c->cap, sizeof(*c->met)) != 0)
		return NULL;
	vrv_auto_free char *copy = vrv_dup(path, strlen(path));
	uint32_t *number =
	    copy == NULL ? NULL : vrv_map_put(c->numbers, &err->cause, NULL);
	if (number == NULL)
		return NULL;
	*number = (uint32_t)c->n;
	c->met[c->n] = (struct met){.err = *err, .path = vrv_steal(&copy)};
	return &c->met[c->n++];
}

bool
vrv_causes_add(struct vrv_causes *c, uint64_t group, const char *path,
    const struct varve_err *err)
{
	if (err->cause == 0 || path == NULL)
		return false;
	const uint32_t *number = vrv_map_get(c->numbers, &err->cause);
	struct met *met = number != NULL ? &c->met[*number] : add(c, path, err);
	if (met == NULL) {
		c->more++;
		return true;
	}
	met->paths++;
	if (met->groups == 0 || met->group != group)
		met->groups++;
	met->group = group;
	return true;
}

uint64_t
vrv_causes_each(const struct vrv_causes *c, vrv_cause_fn *fn, void *arg)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct met *met = &c->met[i];
		fn(arg,
		    &(struct vrv_cause){&met->err, met->path, met->paths,
			met->groups});
	}
	return c->more;
}
