"""The runner of the stories can fail, and says why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from lxml import etree
from scenarios.runner.comparison import differences
from scenarios.runner.invariants import columns_hold, rebuilt_is_live
from scenarios.runner.judgement import StoryFailed
from scenarios.runner.messages import operation, reading
from scenarios.runner.play import Player, perform
from scenarios.runner.probe import untrue
from scenarios.runner.stage import stage
from scenarios.runner.story import Story, load, step
from scenarios.runner.words import StoryError, Words, moment, written

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HEAD = 'story: S.\ndesign: "5"\npools: [{cores: 10}]\nsteps:\n'


def told(folder: Path, steps: str, head: str = HEAD) -> Story:
    path = folder / "story.yaml"
    path.write_text(head + steps, encoding="utf-8")
    return load(path)


@pytest.fixture
async def player(tmp_path: Path) -> AsyncIterator[Player]:
    """A story that has begun: one provider with ten cores."""
    story = told(tmp_path, "  - query-capacity: {}\n")
    on = stage(story, tmp_path / "state")
    await on.open()
    playing = Player(story, on)
    try:
        await playing.play()
        yield playing
    finally:
        await on.close()


# ---- a story that fails


async def test_a_wrong_number_fails_with_step_request_reply_and_difference(tmp_path: Path) -> None:
    story = told(
        tmp_path,
        "  - create-reservation: {capacity: {cores: 3}}\n"
        "    expect: {reservation-id: present}\n"
        "  - query-capacity: {}\n"
        "    expect: {metrics: {available: {cores: 8}}}\n",
    )
    with pytest.raises(StoryFailed) as failed:
        await perform(story, tmp_path / "state")
    text = str(failed.value)
    assert text.startswith(
        "step 2:\n  query-capacity/metrics/available/cores must be '8', and is '7'\nrequest:\n<query-capacity"
    )
    assert "<cores>7</cores>" in text.partition("reply:")[2]


async def test_a_refusal_is_not_ok(tmp_path: Path) -> None:
    with pytest.raises(StoryFailed, match="result must be 'ok', and is 'conflict'"):
        await perform(told(tmp_path, "  - create-reservation: {capacity: {cores: 11}}\n"), tmp_path / "state")


async def test_an_rpc_error_is_not_expected(tmp_path: Path) -> None:
    with pytest.raises(StoryFailed, match="an <rpc-error> was not expected"):
        await perform(told(tmp_path, "  - create-reservation: {capacity: {cores: many}}\n"), tmp_path / "state")


async def test_outcomes_are_counted(tmp_path: Path) -> None:
    steps = "  - parallel: {create-reservation: {capacity: {cores: 6}}}\n    times: 2\n    outcomes: {ok: 2}\n"
    with pytest.raises(StoryFailed, match=r"outcomes must be .*, and are"):
        await perform(told(tmp_path, steps), tmp_path / "state")


async def test_what_is_overdrawn_without_a_word_fails(tmp_path: Path) -> None:
    steps = (
        "  - create-reservation: {capacity: {cores: 10}}\n    expect: {reservation-id: present}\n"
        "  - decrease-capacity: {source: $cloud, capacity: {cores: 1}}\n    expect: {pool-id: present}\n"
    )
    with pytest.raises(StoryFailed, match=r"overdrawn by .*cores.: 1"):
        await perform(told(tmp_path, steps), tmp_path / "state")


# ---- a story that nobody can play


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ("  - make-coffee: {}\n", "must do one thing"),
        ("  - query-capacity: {}\n    expects: {}\n", "step 1 has no expects"),
        ("  - query-capacity: {}\n    expect: {}\n    expect: {}\n", "expect is given twice"),
        ("  - query-capacity: {}\n    get: {}\n", "must do one thing"),
    ],
)
def test_what_would_be_ignored_is_an_error(tmp_path: Path, steps: str, why: str) -> None:
    with pytest.raises(StoryError, match=why):
        told(tmp_path, steps)


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ("  - query-capacity: {provider: $cloud}\n", "query-capacity has no provider"),
        ("  - query-capacity: {}\n    expect: {metrics: {avalable: {cores: 1}}}\n", "has no avalable"),
        ("  - query-capacity: {provider-id: $clout}\n", "clout is not known"),
        ("  - query-capacity: {}\n    expect: {message: $said}\n", "said got a value from a reply and was never used"),
        ("  - advance: yesterday\n", "no duration"),
        ("  - advance: T0-PT1S\n", "time does not run backwards"),
        ("  - query-capacity: {}\n    as: nobody\n", "there is no user nobody"),
        ("  - cloud: GET nothing\n", "the simulator says 404"),
    ],
)
async def test_what_is_misspelt_is_an_error(tmp_path: Path, steps: str, why: str) -> None:
    with pytest.raises(StoryError, match=why):
        await perform(told(tmp_path, steps), tmp_path / "state")


@pytest.mark.parametrize("missing", ["story", "design", "steps"])
def test_a_head_is_whole(tmp_path: Path, missing: str) -> None:
    lines = {"story": "story: S.\n", "design": "design: D\n", "steps": "steps: [{restart: }]\n"}
    with pytest.raises(StoryError, match=f"says its {missing}"):
        told(tmp_path, "", "".join(line for name, line in lines.items() if name != missing))


# ---- words, messages, comparison


def test_moments_are_told_from_t0() -> None:
    assert moment("T0") == datetime(2030, 1, 1, tzinfo=UTC)
    assert moment("T0+P1DT2H3M4.5S") == datetime(2030, 1, 2, 2, 3, 4, 500_000, tzinfo=UTC)
    assert moment("T0-PT1S") == datetime(2029, 12, 31, 23, 59, 59, tzinfo=UTC)
    assert moment("T") is None
    assert written(datetime(2030, 1, 2, 2, 3, 4, 500_000, tzinfo=UTC)) == "2030-01-02T02:03:04.5Z"
    words = Words()
    words.learn("r1", "abc")
    assert (
        words.text("ResourceReservation:${r1} from ${T0+PT1H}") == "ResourceReservation:abc from 2030-01-01T01:00:00Z"
    )
    assert [words.text(said) for said in (True, False, 7, "$r1", "x & y")] == ["true", "false", "7", "abc", "x & y"]


def test_an_input_is_written_in_the_order_of_the_schema() -> None:
    given = {"zone": "a<b", "capacity": {"custom": [{"amount": 1, "resource-class": "PCPU"}], "cores": 2}, "end": "T0"}
    assert operation("create-reservation", given, Words()) == (
        '<create-reservation xmlns="urn:opnfv:promise"><end>2030-01-01T00:00:00Z</end><capacity><cores>2</cores>'
        "<custom><resource-class>PCPU</resource-class><amount>1</amount></custom></capacity><zone>a&lt;b</zone>"
        "</create-reservation>"
    )
    assert "<pools><id/></pools><pools><zone>z</zone></pools>" in reading(
        "get", {"pools": [{"id": None}, {"zone": "z"}]}, Words()
    )


REPLY = "<a><b>1</b><c>x</c><c>y</c><d><e>2</e><f>3</f></d></a>"


@pytest.mark.parametrize(
    "expected",
    [
        {"b": 1, "c": ["x", "y"], "d": {"e": 2}, "g": "absent", "h": None, "i": []},
        {"c": {"any-order": ["y", "x"]}, "d": {"exactly": {"e": 2, "f": 3}}, "b": "present"},
        {"c": {"length": 2}, "d": {"contains": "3"}, "b": {"lacks": "2"}},
        {"d": {"any-order": [{"e": 2}]}},
    ],
)
def test_what_is_as_expected(expected: dict[str, Any]) -> None:
    assert list(differences(expected, [etree.fromstring(REPLY)], Words(), "")) == []


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ({"b": 2}, "/b must be '2', and is '1'"),
        ({"b": "absent"}, "/b must be absent, and is 1"),
        ({"g": "present"}, "/g must be present"),
        ({"g": 1}, "/g must be there once, and is 0 times: not there"),
        ({"c": "x"}, "/c must be there once, and is 2 times: x, y"),
        ({"c": ["y", "x"]}, "/c[1] must be 'y', and is 'x'"),
        ({"c": ["x"]}, "/c must be there 1 times, and is 2 times: x, y"),
        ({"c": {"any-order": ["x", "x"]}}, "/c must be ['x', 'x'] in any order, and is ['x', 'y']"),
        ({"d": {"exactly": {"e": 2}}}, "/d must have nothing but e; it has f"),
        ({"d": {"contains": "4"}}, "/d must contain '4', and is '2\\n3'"),
        ({"d": {"lacks": "3"}}, "/d must not contain '3', and does"),
        ({"c": {"length": 3}}, "/c must be there 3 times, and is 2 times"),
        ({"d": {"any-order": [{"e": 3}]}}, "/d[1]/e must be '3', and is '2' (in any order)"),
    ],
)
def test_what_is_different(expected: dict[str, Any], found: str) -> None:
    assert next(differences(expected, [etree.fromstring(REPLY)], Words(), "")) == found


# ---- what is checked without being asked for


async def test_a_refusal_that_promises_too_much_is_found_out(player: Player) -> None:
    for given in (
        {"create-reservation": {"end": "T0+PT1H", "capacity": {"cores": 7}}},
        {"create-reservation": {"start": "T0+PT2H", "end": "T0+PT3H", "capacity": {"cores": 8}}},
    ):
        await player._step(step(given, "1"))
    refused = step({"create-reservation": {"end": "T0+PT30M", "capacity": {"cores": 4}}}, "2")
    reply = await player.ask(await player.stage.session("admin"), player.request(refused))
    assert await untrue(player, refused, reply) == []
    for path, right, wrong, finding in (
        ("start", "2030-01-01T01:00:00Z", "2030-01-01T01:00:01Z", "start at +3600 s from T0: a dry run of it is ok"),
        (
            "latest-start",
            "2030-01-01T01:30:00Z",
            "2030-01-01T01:30:01Z",
            "start at +5401 s from T0: a dry run of it is",
        ),
        ("available", "3", "4", "of cores enough is available"),
        ("cores", "3", "4", "max-capacity {'cores': 4}: a dry run of it is insufficient-capacity"),
        ("cores", "3", "2", "more than max-capacity: {'cores': 3}: a dry run of it is ok"),
    ):
        lie = etree.fromstring(etree.tostring(reply))
        leaf = next(each for each in lie.iter(f"{{*}}{path}") if each.text == right)
        leaf.text = wrong
        assert any(finding in line for line in await untrue(player, refused, lie)), path


async def test_columns_that_do_not_add_up_are_found_out(player: Player) -> None:
    assert await columns_hold(player.stage, may_overdraw=False) == []
    state = player.stage.running.state
    ((key, pool),) = state.pools.items()
    state._tables["pool"][key] = replace(pool, capacity={"cores": 9})
    wrong = await columns_hold(player.stage, may_overdraw=False)
    assert any("at T0+0 s total is {'cores': 10}, and the records make {'cores': 9}" in line for line in wrong)


async def test_a_state_that_is_not_what_was_written_is_found_out(player: Player) -> None:
    state, url = player.stage.running.state, player.stage.config.ledger_url
    await player.stage.stop()
    assert rebuilt_is_live(state, url) == []
    ((key, pool),) = state.pools.items()
    state._tables["pool"][key] = replace(pool, note="never said")
    found = rebuilt_is_live(state, url)
    assert "rebuilt from the tables: table pool differs" in found
    assert "replayed from the journal: table pool differs" in found
