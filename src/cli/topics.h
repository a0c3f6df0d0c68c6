/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_TOPICS_H
#define CLI_TOPICS_H

/* What `varve help TOPIC` says; NULL for anything that is no topic. */
const char *vrv_topic(const char *name);

#endif
