/* pcre2_rest.c - the compiler to machine code that PCRE2's archive would bring along, 240 KB: the agent may not use it
 * (MemoryDenyWriteExecute), so it never asks for it (pcre2_jit_compile), and of a pattern that has no machine code the library
 * calls none of these. */
#include "never.h"

NEVER(pcre2_jit_match_8)
NEVER(_pcre2_jit_free_8)
NEVER(_pcre2_jit_free_rodata_8)
NEVER(_pcre2_jit_get_size_8)
NEVER(_pcre2_jit_get_target_8)
