/* zstd_rest.c - what libzstd's archive would bring along and nobody calls: the match finders of its higher levels, dictionaries,
 * the formats of before 2016; 370 KB. Its tables name all of them. Here are the same names, so that the linker takes these and
 * leaves the archive's members where they are. A libzstd that has them in other members does not link, which is how we learn.
 *
 * That they are not called: the agent packs at level 1 without a dictionary, which is the one finder that zstd_fast.c has, and
 * unpacks what begins with the magic number of today's format alone (shippers/pack_zstd.c, pack_is). tests/deploy/test_release.py
 * packs and unpacks with this file linked. */
#include <stdlib.h>

#define NEVER(name)                                                                                                                \
	void name(void);                                                                                                           \
	void name(void)                                                                                                            \
	{                                                                                                                          \
		abort();                                                                                                           \
	}

#define FINDER(name) NEVER(name) NEVER(name##_dictMatchState) NEVER(name##_extDict)
#define LAZY_FINDER(name)                                                                                                          \
	FINDER(name)                                                                                                               \
	NEVER(name##_row)                                                                                                          \
	NEVER(name##_dictMatchState_row)                                                                                           \
	NEVER(name##_extDict_row)                                                                                                  \
	NEVER(name##_dedicatedDictSearch)                                                                                          \
	NEVER(name##_dedicatedDictSearch_row)

/* levels 3 and 4 */
FINDER(ZSTD_compressBlock_doubleFast)
NEVER(ZSTD_fillDoubleHashTable)

/* levels 5 to 12 */
LAZY_FINDER(ZSTD_compressBlock_greedy)
LAZY_FINDER(ZSTD_compressBlock_lazy)
LAZY_FINDER(ZSTD_compressBlock_lazy2)
FINDER(ZSTD_compressBlock_btlazy2)
NEVER(ZSTD_dedicatedDictSearch_lazy_loadDictionary)
NEVER(ZSTD_insertAndFindFirstIndex)
NEVER(ZSTD_row_update)

/* levels 13 to 22 */
FINDER(ZSTD_compressBlock_btopt)
FINDER(ZSTD_compressBlock_btultra)
NEVER(ZSTD_compressBlock_btultra2)
NEVER(ZSTD_updateTree)

/* formats of versions 0.5 to 0.7 */
#define FORMAT(v)                                                                                                                  \
	NEVER(ZBUFF##v##_createDCtx)                                                                                               \
	NEVER(ZBUFF##v##_decompressContinue)                                                                                       \
	NEVER(ZBUFF##v##_decompressInitDictionary)                                                                                 \
	NEVER(ZBUFF##v##_freeDCtx)                                                                                                 \
	NEVER(ZSTD##v##_createDCtx)                                                                                                \
	NEVER(ZSTD##v##_decompress_usingDict)                                                                                      \
	NEVER(ZSTD##v##_findFrameSizeInfoLegacy)                                                                                   \
	NEVER(ZSTD##v##_freeDCtx)                                                                                                  \
	NEVER(ZSTD##v##_getFrameParams)

FORMAT(v05)
FORMAT(v06)
FORMAT(v07)
