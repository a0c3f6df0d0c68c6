/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * floor: the least work that a deduplicating, encrypted backup of a tree must
 * do, and nothing else. What `varve create` takes is measured against it.
 *
 *	floor [-v] TREE OUT [LEVEL] [THREADS]
 *	floor -w TREE		only the walk
 *
 * It walks TREE, reads the data of every regular file, runs a gear hash over
 * what is larger than half a piece, takes a keyed BLAKE2b-256 of every piece
 * of 1 MiB, packs the pieces into frames of 1 MiB, compresses each with zstd,
 * seals it with XChaCha20-Poly1305, sums it with XXH3-128 and appends it to
 * OUT. With -v every frame is opened again: decrypted, decompressed, compared.
 * There is no index, no metadata, no catalog, and no search for duplicates.
 */
#include <sys/stat.h>

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>
#include <xxhash.h>
#include <zstd.h>

#define PIECE ((size_t)1 << 20)
#define SPAN ((off_t)16 << 20) /* threads share out a large file in spans */
#define THREADS_MAX 64

struct job {
	const char *path;
	off_t from;
	bool sparse;
};

struct floor {
	struct job *jobs;
	size_t n_jobs, room;
	uint64_t entries, files;

	int out, level;
	bool verify;
	unsigned char key[32];
	uint64_t gear[256];

	size_t next; /* job; taken atomically */
	uint64_t in; /* summed up when the threads have ended */
	uint64_t stored;
	pthread_mutex_t lock; /* of `stored`, and of writing */
};

struct worker {
	struct floor *floor;
	pthread_t thread;
	ZSTD_CCtx *compressor;
	ZSTD_DCtx *decompressor;
	unsigned char *piece, *frame, *packed, *sealed, *opened;
	size_t used; /* of the frame */
	uint64_t in;
};

static void *
allocate(size_t n)
{
	void *p = malloc(n);

	if (p == NULL)
		err(2, "memory");
	return p;
}

static void
add_file(struct floor *f, const char *path, const struct stat *st)
{
	bool sparse = (off_t)st->st_blocks * 512 < st->st_size;

	f->files++;
	for (off_t from = 0; from < st->st_size; from += SPAN) {
		if (f->n_jobs == f->room) {
			f->room = f->room == 0 ? 4096 : 2 * f->room;
			f->jobs = realloc(f->jobs, f->room * sizeof(*f->jobs));
			if (f->jobs == NULL)
				err(2, "memory");
		}
		f->jobs[f->n_jobs++] = (struct job){path, from, sparse};
	}
}

/* Paths stay allocated: jobs point to them until the end. */
static void
walk(struct floor *f, int fd, const char *path)
{
	DIR *dir = fdopendir(fd);
	struct dirent *e;
	struct stat st;
	char *below;

	if (dir == NULL)
		err(2, "%s", path);
	while ((e = readdir(dir)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		if (fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			err(2, "%s/%s", path, e->d_name);
		f->entries++;
		if (!S_ISDIR(st.st_mode) &&
		    (!S_ISREG(st.st_mode) || st.st_size == 0))
			continue;
		if (asprintf(&below, "%s/%s", path, e->d_name) < 0)
			err(2, "memory");
		if (S_ISREG(st.st_mode)) {
			add_file(f, below, &st);
			continue;
		}
		int sub = openat(fd, e->d_name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (sub < 0)
			err(2, "%s", below);
		walk(f, sub, below);
		free(below);
	}
	closedir(dir);
}

/* `n` bytes of w->sealed must hold the frame. */
static void
open_again(struct worker *w, const unsigned char *nonce, size_t n)
{
	unsigned long long packed;

	if (crypto_aead_xchacha20poly1305_ietf_decrypt(w->packed, &packed, NULL,
		w->sealed, n, NULL, 0, nonce, w->floor->key) != 0 ||
	    ZSTD_decompressDCtx(w->decompressor, w->opened, PIECE, w->packed,
		packed) != w->used ||
	    memcmp(w->opened, w->frame, w->used) != 0)
		errx(3, "a frame is not what it was");
}

static void
append(struct floor *f, const unsigned char *bytes, size_t n)
{
	XXH128_hash_t sum = XXH3_128bits(bytes, n);

	pthread_mutex_lock(&f->lock);
	if (write(f->out, bytes, n) != (ssize_t)n ||
	    write(f->out, &sum, sizeof(sum)) != (ssize_t)sizeof(sum))
		err(2, "write");
	f->stored += n + sizeof(sum);
	pthread_mutex_unlock(&f->lock);
}

static void
end_frame(struct worker *w)
{
	struct floor *f = w->floor;
	unsigned char nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
	unsigned long long n;

	if (w->used == 0)
		return;
	size_t packed = ZSTD_compressCCtx(w->compressor, w->packed,
	    ZSTD_compressBound(PIECE), w->frame, w->used, f->level);
	if (ZSTD_isError(packed))
		errx(2, "zstd: %s", ZSTD_getErrorName(packed));
	randombytes_buf(nonce, sizeof(nonce));
	crypto_aead_xchacha20poly1305_ietf_encrypt(w->sealed, &n, w->packed,
	    packed, NULL, 0, NULL, nonce, f->key);
	if (f->verify)
		open_again(w, nonce, n);
	append(f, w->sealed, n);
	w->used = 0;
}

static void
scan(const struct floor *f, const unsigned char *bytes, size_t n)
{
	uint64_t hash = 0, cuts = 0;

	for (size_t i = 0; i < n; i++) {
		hash = (hash << 1) + f->gear[bytes[i]];
		cuts += (hash >> 44) == 0;
	}
	__asm__ volatile("" : : "r"(cuts)); /* so that it is not left out */
}

static void
take_piece(struct worker *w, size_t n, bool scanned)
{
	unsigned char id[32];

	if (scanned)
		scan(w->floor, w->piece, n);
	crypto_generichash(id, sizeof(id), w->piece, n, w->floor->key,
	    sizeof(w->floor->key));
	__asm__ volatile("" : : "r"(id) : "memory");
	if (w->used + n > PIECE)
		end_frame(w);
	memcpy(w->frame + w->used, w->piece, n);
	w->used += n;
	w->in += n;
}

static void
read_span(struct worker *w, const struct job *job)
{
	off_t at = job->from, end = job->from + SPAN;
	int fd = open(job->path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		err(2, "%s", job->path);
	while (at < end) {
		if (job->sparse) {
			at = lseek(fd, at, SEEK_DATA);
			if (at < 0 && errno != ENXIO)
				err(2, "%s", job->path);
			if (at < 0 || at >= end)
				break;
		}
		ssize_t n = pread(fd, w->piece, PIECE, at);
		if (n < 0)
			err(2, "%s", job->path);
		if (n == 0)
			break;
		take_piece(w, (size_t)n, at > 0 || (size_t)n > PIECE / 2);
		at += n;
	}
	close(fd);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct floor *f = w->floor;
	size_t i;

	while (
	    (i = __atomic_fetch_add(&f->next, 1, __ATOMIC_RELAXED)) < f->n_jobs)
		read_span(w, &f->jobs[i]);
	end_frame(w);
	return NULL;
}

static void
start(struct worker *w, struct floor *f)
{
	*w = (struct worker){
	    .floor = f,
	    .compressor = ZSTD_createCCtx(),
	    .decompressor = ZSTD_createDCtx(),
	    .piece = allocate(PIECE),
	    .frame = allocate(PIECE),
	    .packed = allocate(ZSTD_compressBound(PIECE)),
	    .sealed = allocate(ZSTD_compressBound(PIECE) +
		crypto_aead_xchacha20poly1305_ietf_ABYTES),
	    .opened = allocate(PIECE),
	};
	if (w->compressor == NULL || w->decompressor == NULL)
		errx(2, "memory");
	errno = pthread_create(&w->thread, NULL, work, w);
	if (errno != 0)
		err(2, "thread");
}

static void
store(struct floor *f, const char *out, long n)
{
	struct worker workers[THREADS_MAX];

	randombytes_buf(f->key, sizeof(f->key));
	randombytes_buf(f->gear, sizeof(f->gear));
	f->out = open(out, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (f->out < 0)
		err(2, "%s", out);
	for (long i = 0; i < n; i++)
		start(&workers[i], f);
	for (long i = 0; i < n; i++) {
		pthread_join(workers[i].thread, NULL);
		f->in += workers[i].in;
	}
	if (fsync(f->out) != 0)
		err(2, "%s", out);
}

static void
usage(void)
{
	errx(2, "usage: floor [-v] TREE OUT [LEVEL] [THREADS] | floor -w TREE");
}

int
main(int argc, char **argv)
{
	struct floor f = {.level = 3, .lock = PTHREAD_MUTEX_INITIALIZER};
	long threads = sysconf(_SC_NPROCESSORS_ONLN);
	bool only_walk = argc > 1 && strcmp(argv[1], "-w") == 0;

	f.verify = argc > 1 && strcmp(argv[1], "-v") == 0;
	if (only_walk || f.verify)
		argv++, argc--;
	if (only_walk ? argc != 2 : argc < 3 || argc > 5)
		usage();
	if (argc > 3)
		f.level = atoi(argv[3]);
	if (argc > 4)
		threads = atol(argv[4]);
	if (threads < 1)
		usage();
	if (threads > THREADS_MAX)
		threads = THREADS_MAX;
	if (sodium_init() < 0)
		errx(2, "libsodium does not start");

	int fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", argv[1]);
	walk(&f, fd, argv[1]);
	if (!only_walk)
		store(&f, argv[2], threads);
	printf("entries %llu files %llu in %llu out %llu\n",
	    (unsigned long long)f.entries, (unsigned long long)f.files,
	    (unsigned long long)f.in, (unsigned long long)f.stored);
	return 0;
}
