/* SPDX-License-Identifier: BSD-2-Clause */

/*
 * A small program for the stopper's own test: in a folder it makes the files
 * "main" (20 bytes), then from a thread "thread", then from a child "child",
 * then links "main" to "linked" and syncs the folder. What fails is printed
 * on standard output with the name of the errno; it goes on after that.
 */

#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
check(long result, long want, const char *what)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else if (result != want)
		printf("%s: %ld of %ld\n", what, result, want);
}

/* Three calls that count: open, write, fsync. */
static void
make(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	check(fd < 0 ? -1 : 0, 0, "open");
	if (fd < 0)
		return;
	check(write(fd, "twenty bytes of text", 20), 20, "write");
	check(fsync(fd), 0, "fsync");
	close(fd);
}

static void *
in_thread(void *name)
{
	make(name);
	return NULL;
}

int
main(int argc, char **argv)
{
	static char thread_name[] = "thread";
	pthread_t thread;
	int fds[2];

	if (argc != 2 || chdir(argv[1]) != 0 || pipe2(fds, O_CLOEXEC) != 0)
		return 2;
	/* None of these counts: standard output, a pipe, a plain open. */
	printf("start\n");
	fflush(stdout);
	check(write(fds[1], "x", 1), 1, "pipe");
	close(open("/dev/null", O_RDONLY | O_CLOEXEC));

	make("main");
	if (pthread_create(&thread, NULL, in_thread, thread_name) != 0)
		return 2;
	pthread_join(thread, NULL);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		make("child");
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, NULL, 0);
	check(link("main", "linked"), 0, "link");
	int dir = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check(fsync(dir), 0, "fsync of the folder");
	close(dir);
	printf("end\n");
	return 7;
}
