/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef IMPOSTOR_H
#define IMPOSTOR_H

#include "store/store.h"

/* Make a repository with keys of its own and somebody else's id (32 bytes);
 * its passphrase is "attack". */
void impostor_make(struct vrv_store *, const uint8_t *id);

#endif
