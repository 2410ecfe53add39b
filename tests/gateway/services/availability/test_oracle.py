"""The computation against the minute-by-minute oracle: every zone, the days when its clock is changed, random rules."""

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from tests.gateway.services.availability.cases import ZONES, Case, cases, differences, turns
from tests.gateway.services.availability.zone_files import zone_file

#: with Newfoundland's changes at a minute past midnight, Kwajalein's and Samoa's skipped days, Troll's two hours
YEARS = (1988, 1993, 2011, 2018, 2024, 2026)
#: many names are links to the same file
DISTINCT = sorted({zone_file(zone): zone for zone in reversed(ZONES)}.values())
ODD = (
    ("America/St_Johns", 1988),
    ("Pacific/Kwajalein", 1993),
    ("Pacific/Apia", 2011),
    ("Pacific/Fakaofo", 2011),
    ("Asia/Pyongyang", 2018),
    ("America/Sao_Paulo", 2018),
    ("Asia/Beirut", 2024),
    ("America/Havana", 2024),
    ("Asia/Kathmandu", 2024),
    ("Pacific/Chatham", 2024),
    ("Australia/Lord_Howe", 2024),
    ("Antarctica/Troll", 2024),
    ("Africa/Casablanca", 2026),
    ("Europe/Dublin", 2026),
    ("Asia/Gaza", 2026),
    ("America/Scoresbysund", 2024),
)
quiet = {"deadline": None, "suppress_health_check": list(HealthCheck), "derandomize": True, "database": None}


@pytest.mark.parametrize(("zone", "year"), ODD)
@settings(max_examples=6, **quiet)
@given(data=st.data())
def test_odd_zones_give_what_the_oracle_gives(zone: str, year: int, data: st.DataObject) -> None:
    turn = data.draw(st.sampled_from(turns(zone, year)))
    assert differences(data.draw(cases(zone, turn))) == []


@settings(max_examples=60, **quiet)
@given(zone=st.sampled_from(ZONES), year=st.sampled_from(YEARS), data=st.data())
def test_any_zone_gives_what_the_oracle_gives(zone: str, year: int, data: st.DataObject) -> None:
    turn = data.draw(st.sampled_from(turns(zone, year)))
    assert differences(data.draw(cases(zone, turn))) == []


@pytest.mark.long
@pytest.mark.parametrize("zone", DISTINCT)
def test_every_zone_on_every_day_of_change(zone: str) -> None:
    for turn in sorted({turn for year in YEARS for turn in turns(zone, year)}):

        @seed(f"{zone} {turn}")
        @settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck), database=None)
        @given(case=cases(zone, turn))
        def agree(case: Case) -> None:
            assert differences(case) == []

        agree()
