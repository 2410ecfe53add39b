"""Positions in feeds as text: what is written is read back, anything else is refused."""

import base64
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.event_cursors import EventCursors
from gateway.http.problems import Problem
from gateway.positions import EPOCH, Place

CURSORS = EventCursors()
_MOMENTS = st.datetimes(datetime(1970, 1, 1), datetime(2500, 1, 1)).map(lambda moment: moment.replace(tzinfo=UTC))
_IDS = st.integers(1, 2**63 - 1)


@given(_MOMENTS, st.dictionaries(_IDS, st.tuples(_IDS, _MOMENTS), max_size=30))
def test_a_place_of_an_application_is_read_back(base: datetime, moved: dict[int, tuple[int, datetime]]) -> None:
    place = Place(base, {account: (sequence, max(at, base)) for account, (sequence, at) in moved.items()})
    assert CURSORS.open(CURSORS.seal(place, None), None) == place


@given(_IDS, st.integers(0, 10**18 - 1), _MOMENTS)
def test_a_place_of_an_account_is_read_back(account: int, sequence: int, at: datetime) -> None:
    place = Place(EPOCH, {account: (sequence, at)})
    assert CURSORS.open(CURSORS.seal(place, account), account) == place


@given(st.text() | st.binary().map(lambda data: "a" + base64.urlsafe_b64encode(data).decode().rstrip("=")))
def test_any_other_text_is_refused_or_a_place(text: str) -> None:
    for account in (None, 7):
        try:
            assert isinstance(CURSORS.open(text, account), Place | int)
        except Problem as problem:
            assert (problem.status, problem.code) == (400, "token.notValid")


@pytest.mark.parametrize(
    "plain",
    [
        b"{}",
        b"[1]",
        b"[-1,[]]",
        b'[1,[["a",1,1]]]',
        b"[1,[[1,-1,1]]]",
        b"[1,[[1,1,99999999999999999999]]]",
        b"[1e400,[]]",
        b"[9223372036854775807,[]]",
        b" " * (2 << 20) + b"[0,[]]",
    ],
)
def test_vectors_that_are_none_are_refused(plain: bytes) -> None:
    with pytest.raises(Problem):
        CURSORS.open("a" + base64.urlsafe_b64encode(zlib.compress(plain)).decode(), None)


def test_a_position_stays_short() -> None:
    """500 accounts that moved within two minutes make a position that common servers take as a header (8 KiB)."""
    base = datetime(2026, 1, 1, tzinfo=UTC)
    moved = {
        100_000 + 7 * n: (50 + n * n % 9973, base.replace(second=n % 60, microsecond=n * 1999)) for n in range(500)
    }
    assert len(CURSORS.seal(Place(base, moved), None)) < 8192
