/* lanes.h - sixteen bytes of a text at once, as the compiler's vectors: SSE2 on x86-64 and NEON on arm64, both of which every such
 * processor has. For the places where each byte of a line is looked at. */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES 16

typedef unsigned char lanes_v __attribute__((vector_size(LANES)));

static inline lanes_v lanes_load(const void *p)
{
	lanes_v v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Up to sixteen bytes, with NULs behind them. */
static inline lanes_v lanes_load_some(const void *p, size_t n)
{
	lanes_v v = { 0 };

	memcpy(&v, p, n < LANES ? n : LANES);
	return v;
}

/* All ones where the byte lies from `from` to `to`. */
static inline lanes_v lanes_in(lanes_v v, unsigned char from, unsigned char to)
{
	return (lanes_v)((v - from) <= (lanes_v){ 0 } + (unsigned char)(to - from));
}

/* A bit for each lane, of one that is all ones or all zeros. */
static inline uint64_t lanes_mask(lanes_v v)
{
#ifdef __SSE2__
	typedef char bytes __attribute__((vector_size(LANES)));

	return (uint16_t)__builtin_ia32_pmovmskb128((bytes)v);
#else
	uint64_t half[2];

	/* The bits of a half come together in its highest byte, each from its own place. */
	memcpy(half, &v, sizeof(half));
	for (int i = 0; i < 2; i++)
		half[i] = (half[i] & UINT64_C(0x8040201008040201)) * UINT64_C(0x0101010101010101) >> 56;
	return half[0] | half[1] << 8;
#endif
}

#define LANES_LOOK 64 /* bytes of which there is a bit each */

/* A bit for each of up to 64 bytes: `is` tells of sixteen. Always inlined, and what it calls with it. */
#define LANES_BITS(s, left, v, is)                                                                                                 \
	__extension__({                                                                                                            \
		uint64_t bits_ = 0;                                                                                                \
		if ((left) >= LANES_LOOK) {                                                                                        \
			for (size_t i_ = 0; i_ < LANES_LOOK; i_ += LANES) {                                                        \
				lanes_v v = lanes_load((s) + i_);                                                                  \
				bits_ |= lanes_mask(is) << i_;                                                                     \
			}                                                                                                          \
		} else {                                                                                                           \
			for (size_t i_ = 0; i_ < (left); i_ += LANES) {                                                            \
				lanes_v v = (left)-i_ >= LANES ? lanes_load((s) + i_) : lanes_load_some((s) + i_, (left)-i_);      \
				bits_ |= lanes_mask(is) << i_;                                                                     \
			}                                                                                                          \
			bits_ &= (UINT64_C(1) << (left)) - 1;                                                                      \
		}                                                                                                                  \
		bits_;                                                                                                             \
	})
