"""Changes of the offset as the zone files list them (RFC 9636), read without `zoneinfo`."""

import struct
from importlib.resources import files
from pathlib import Path
from zoneinfo import TZPATH

_HEADER = ">4sc15x6l"


def offset_changes(zone: str) -> list[tuple[int, int, int]]:
    """Moment, seconds east of UTC before and after it; changes of the abbreviation alone are left out."""
    data = zone_file(zone)
    _, _, isut, isstd, leaps, times, types, letters = struct.unpack_from(_HEADER, data)
    at = 44 + times * 5 + types * 6 + letters + leaps * 8 + isstd + isut  # the second block has 64-bit moments
    _, _, _, _, _, times, types, _ = struct.unpack_from(_HEADER, data, at)
    moments = struct.unpack_from(f">{times}q", data, at + 44)
    indices = data[at + 44 + times * 8 : at + 44 + times * 9]
    table = [struct.unpack_from(">l", data, at + 44 + times * 9 + n * 6)[0] for n in range(types)]
    offsets = [table[0], *(table[index] for index in indices)]
    return [(m, a, b) for m, a, b in zip(moments, offsets, offsets[1:], strict=False) if a != b]


def zone_file(zone: str) -> bytes:
    """The file of a zone: the system's or that of the tzdata package, as `zoneinfo` looks for it."""
    for folder in TZPATH:
        if (path := Path(folder) / zone).is_file():
            return path.read_bytes()
    return files("tzdata").joinpath("zoneinfo", *zone.split("/")).read_bytes()
