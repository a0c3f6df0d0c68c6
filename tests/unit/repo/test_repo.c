/* SPDX-License-Identifier: BSD-2-Clause */
#include "repo_fixture.h"

int
main(void)
{
	int failed = run_writer_tests();

	failed += run_open_tests();
	failed += run_slot_tests();
	template_fini();
	return failed != 0;
}
