/* never.h - functions that an archive's tables name and nobody calls. Where the program has one of that name, the linker takes it and
 * leaves the archive's member, with all behind it, where it is. Should one be called after all, the agent stops. */
#pragma once
#include <stdlib.h>

#define NEVER(name)                                                                                                                \
	void name(void);                                                                                                           \
	void name(void)                                                                                                            \
	{                                                                                                                          \
		abort();                                                                                                           \
	}
