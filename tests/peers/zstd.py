"""zstd unpacked by its own library, which every Debian has (dpkg stands on it)."""

import ctypes

BODY_MAX = 16 << 20  # unpacked


def library():
    found = ctypes.CDLL("libzstd.so.1")
    found.ZSTD_decompress.restype = ctypes.c_size_t
    found.ZSTD_decompress.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t)
    found.ZSTD_getErrorName.restype = ctypes.c_char_p
    found.ZSTD_getErrorName.argtypes = (ctypes.c_size_t,)
    return found


def decompress(body):
    """One frame, whole. ValueError: it is none, torn, or larger than BODY_MAX."""
    zstd, room = library(), ctypes.create_string_buffer(BODY_MAX)
    size = zstd.ZSTD_decompress(room, BODY_MAX, body, len(body))
    if zstd.ZSTD_isError(ctypes.c_size_t(size)):
        raise ValueError(zstd.ZSTD_getErrorName(size).decode())
    return room.raw[:size]
