// Times the reference implementation of Argon2id, for scripts/bench hash.
//
//	argon2 MEMORY_KIB PASSES LANES COUNT
//
// prints the best time of one hash in milliseconds, twice: with its wiping of the
// memory, which is its default, and without. Memory is taken once, in huge pages,
// and reused, as ours is.
#define _GNU_SOURCE
#include <argon2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

extern int FLAG_clear_internal_memory;

static uint8_t *memory;

static int take(uint8_t **taken, size_t octets) {
	(void)octets;
	*taken = memory;
	return 0;
}

static void give_back(uint8_t *taken, size_t octets) {
	(void)taken;
	(void)octets;
}

static double milliseconds(void) {
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e3 + now.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
	if (argc != 5) {
		return 2;
	}
	uint32_t kib = atoi(argv[1]), passes = atoi(argv[2]), lanes = atoi(argv[3]);
	int count = atoi(argv[4]);
	size_t octets = (size_t)kib * 1024;
	memory = mmap(NULL, octets, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		return 1;
	}
	madvise(memory, octets, MADV_HUGEPAGE);
	for (size_t i = 0; i < octets; i += 4096) {
		memory[i] = 1;
	}
	uint8_t tag[32];
	argon2_context context = {
		.out = tag, .outlen = sizeof tag,
		.pwd = (uint8_t *)"correct horse battery", .pwdlen = 21,
		.salt = (uint8_t *)"sixteen octets!!", .saltlen = 16,
		.t_cost = passes, .m_cost = kib, .lanes = lanes, .threads = 1,
		.version = ARGON2_VERSION_13, .allocate_cbk = take, .free_cbk = give_back,
	};
	for (int wiping = 1; wiping >= 0; wiping--) {
		FLAG_clear_internal_memory = wiping;
		double best = 0;
		for (int i = 0; i < count; i++) {
			double begin = milliseconds();
			if (argon2id_ctx(&context) != ARGON2_OK) {
				return 1;
			}
			double took = milliseconds() - begin;
			if (best == 0 || took < best) {
				best = took;
			}
		}
		printf("%.3f ", best);
	}
	putchar('\n');
	return 0;
}
