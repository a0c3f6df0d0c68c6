/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ROLLWRITER_H
#define ROLLWRITER_H

/* Makes rolls for tests: no command stores them yet. Asserts that it can. */

#include "archive/archive.h"

#define ROLL_ENTRIES_MAX 64

struct roll_item {
	struct vrv_roll_entry entry;
	struct vrv_buf facts;
};

struct roll_draft {
	struct roll_item items[ROLL_ENTRIES_MAX];
	uint32_t n;
	struct vrv_buf superseded, dead; /* ids; the dead ones ascending */
};

/* The entry of an object that is in the store. */
struct vrv_roll_entry *roll_object(struct roll_draft *, struct vrv_repo *,
    const struct vrv_name *);
/* That of an archive, with its facts in this form. */
struct vrv_roll_entry *roll_archive(struct roll_draft *, struct vrv_repo *,
    const struct vrv_archive *, uint8_t form);
/* Of one that is deleted, whether its object is there or not. */
struct vrv_roll_entry *roll_deleted(struct roll_draft *,
    const struct vrv_archive *);
/* Store it, with its entries in order. The draft is empty then. */
void roll_store(struct roll_draft *, struct vrv_repo *, bool as_admin,
    struct vrv_name *ret);

#endif
