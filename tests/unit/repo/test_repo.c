/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo_fixture.h"

#include <string.h>

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} parts[] = {
	    {"writer", run_writer_tests},
	    {"open", run_open_tests},
	    {"slots", run_slot_tests},
	    {"state", run_state_tests},
	    {"key_files", run_key_file_tests},
	    {"cache", run_cache_tests},
	    {"rescue", run_rescue_tests},
	};
	int failed = 0;

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (argc < 2 || strcmp(argv[1], parts[i].name) == 0)
			failed += parts[i].run();
	}
	template_fini();
	return failed != 0;
}
