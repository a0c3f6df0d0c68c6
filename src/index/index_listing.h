/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INDEX_INDEX_LISTING_H
#define INDEX_INDEX_LISTING_H

#include <stdbool.h>

/* What is known of an object that the store listed. */
struct vrv_listed {
	bool covered;	 /* its entries are in a run, or being loaded */
	bool superseded; /* another listed object says so */
	bool taken;	 /* a run whose entries count has it */
};

#endif
