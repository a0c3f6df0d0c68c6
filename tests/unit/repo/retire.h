/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef RETIRE_H
#define RETIRE_H

#include "repo/repo.h"

/* As if the newest config said of the writer's key that it is retired, for as
 * long as this handle is open: no command says so yet. */
void retire_writer(struct vrv_repo *);

#endif
