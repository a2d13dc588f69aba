"""The leaderboard's pages: what is ranked with what, what is escaped, and what is kept."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pandas as pd
import pytest

from report.board_world import (
    DECLARED,
    HOSTILE,
    METRICS,
    MOTION,
    WEIGHTS,
    BoardRun,
    World,
    make_key,
    write_run,
)
from report.pages import parse
from uniavgen_bench.core.atomic import write_json
from uniavgen_bench.core.entry_files import EntryLink, Policy
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.sample import Task
from uniavgen_bench.report.leaderboard.add import Submitter, add_run
from uniavgen_bench.report.leaderboard.site import build_site, labels_of
from uniavgen_bench.report.leaderboard.tables import Section, sections_of
from uniavgen_bench.report.leaderboard.verify import verify_board


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


def sections(world: World, policy: Policy | None = None) -> list[Section]:
    stored = [v.stored for v in verify_board(world.board, (), DECLARED) if v.stored is not None]
    pages = {s.head: f"entries/{s.path.stem}.html" for s in stored}
    return sections_of(stored, policy or Policy(), labels_of(stored), pages)


def build(world: World) -> Path:
    verdicts = verify_board(world.board, (), DECLARED)
    assert all(v.holds or v.expired_only for v in verdicts)
    return build_site(world.board, [v.stored for v in verdicts if v.stored is not None], world.root / "site")


def ranks(section: Section, table: int = 0) -> dict[str, str]:
    return {row.label: row.rank_text for row in section.tables[table].rows}


def test_systems_of_several_entries_are_ranked_and_ties_share_ranks(world: World) -> None:
    world.add(BoardRun(systems=("Good", "Same"), strength={"Good": 2.5, "Same": 2.5}, samples=24, missing=0))
    world.add(BoardRun(systems=("Bad",), strength={"Bad": -2.0}, samples=24, missing=0, seed=9))
    (section,) = sections(world)
    assert [t.name for t in section.tables] == ["lipsync.mouth_audio@1", "audio.dnsmos@1"]
    assert ranks(section) == {"Good": "1–2", "Same": "1–2", "Bad": "3"}
    assert section.tables[0].notes == ("2 of 3 pairs told apart at 0.05 after Holm’s correction.",)
    assert [row.label for row in section.tables[0].rows][-1] == "Bad"


def test_only_the_newest_entry_of_a_system_is_ranked(world: World) -> None:
    world.add(BoardRun(systems=("Alpha",), strength={"Alpha": -2.0}))
    world.add(BoardRun(systems=("Alpha",), strength={"Alpha": 2.0}, seed=8, date="2026-11-25"))
    (section,) = sections(world)
    assert [(row.label, row.date) for row in section.tables[0].rows] == [("Alpha", "2026-11-25")]


def test_worlds_tasks_samples_versions_and_weights_never_share_a_table(world: World) -> None:
    newer = METRICS[0].model_copy(update={"version": 2})
    protocol = METRICS[0].model_copy(update={"protocol": "cropped"})
    world.add(BoardRun(systems=("a",)))
    world.add(BoardRun(systems=("b",), world="manifest-x"))
    world.add(BoardRun(systems=("c",), task=Task.DUBBING))
    world.add(BoardRun(systems=("d",), samples=7))
    world.add(BoardRun(systems=("e",), metrics=(newer, METRICS[1])))
    world.add(BoardRun(systems=("f",), metrics=(protocol, METRICS[1])))
    world.add(BoardRun(systems=("g",), weights=WEIGHTS | {"dnsmos-p835": "1" * 64}))
    world.add(BoardRun(systems=("h",), facts={"domain": "other"}))
    stored = world.board.readable()
    found = sections_of(stored, Policy(), labels_of(stored), {s.head: "" for s in stored})
    tables = [(t.name, "".join(row.label for row in t.rows)) for s in found for t in s.tables]
    lipsync = sorted(labels for name, labels in tables if name.startswith("lipsync"))
    dnsmos = sorted(labels for name, labels in tables if name.startswith("audio"))
    assert lipsync == ["ag", "b", "c", "d", "e", "f", "h"]
    assert dnsmos == ["aef", "b", "c", "d", "g", "h"]
    assert {s.world_text for s in found} == {"portrait world (procedural)", "real clips"}


def test_other_parameters_or_repaired_code_of_a_metric_are_another_table(world: World) -> None:
    world.add(BoardRun(systems=("a",)))
    world.add(BoardRun(systems=("b",), parameters={"reader": "two", "path": "/home/somebody/secret.bin"}))
    (section,) = sections(world)
    assert [len(table.rows) for table in section.tables] == [1, 1, 1, 1]
    assert len({table.anchor for table in section.tables}) == 4
    assert all("other weights or parameters" in table.notes[-1] for table in section.tables)
    assert b"secret" not in b"".join(path.read_bytes() for path in world.board.paths())


def test_a_missing_value_never_lifts_a_rank(world: World) -> None:
    plan = BoardRun(systems=("Whole", "Holes"), strength={"Whole": 1.0, "Holes": 1.0}, samples=16, missing=0)
    run = write_run(world.root / "holes", plan)
    table = pd.read_parquet(run / "scores.parquet")
    worst = table[(table.system == "Holes") & (table.field == "confidence")].nsmallest(6, "value").index
    table.loc[worst, ["value", "reason"]] = [float("nan"), "no_face"]
    table.to_parquet(run / "scores.parquet", index=False)
    add_run(run, world.board, world.key, Submitter("A Lab"))
    rows = {row.label: row for row in sections(world)[0].tables[0].rows}
    assert (rows["Holes"].cell.value or 0) > (rows["Whole"].cell.value or 0)
    assert rows["Whole"].rank_sort == 1.0 and rows["Holes"].rank_sort == 2.0
    assert (rows["Holes"].cell.scored, rows["Holes"].cell.attempted) == (10, 16)


def test_controls_are_reference_lines_without_a_rank_and_stand_once(world: World) -> None:
    world.add(BoardRun(systems=("Alpha", "Beta")))
    (section,) = sections(world)
    lipsync, dnsmos = section.tables
    assert [(r.label, r.role_text, r.rank_text) for r in lipsync.controls] == [
        ("ground-truth", "ceiling", "–"), ("shuffled-audio", "floor", "–")
    ]  # fmt: skip
    assert dnsmos.controls[1].role_text == "control"
    glyph = lipsync.rows[0].cell.glyph
    assert glyph is not None and [m.kind for m in glyph.marks] == ["floor", "ceiling"]
    assert glyph.marks[0].at < glyph.at < glyph.marks[1].at


def test_a_fact_is_not_ranked_and_an_expired_metric_is_gone(world: World) -> None:
    world.add(BoardRun(metrics=(*METRICS, MOTION)))
    expired = Policy.model_validate({"expired": [{"metric": "audio.dnsmos@1", "why": "old"}]})
    (section,) = sections(world, expired)
    assert [t.name for t in section.tables] == ["lipsync.mouth_audio@1", "video.motion@1"]
    assert set(ranks(section, 1).values()) == {"–"}
    assert section.tables[1].notes == ("A fact, not a quality: nothing is ranked.",)


def test_one_name_of_two_submitters_stays_two_systems(world: World) -> None:
    other = make_key(world.root, "other")
    world.know("other")
    world.add(BoardRun(systems=("Alpha",)))
    world.add(BoardRun(systems=("Alpha",), seed=3), key=other)
    (section,) = sections(world)
    assert {row.label for row in section.tables[0].rows} == {"Alpha (lab)", "Alpha (other)"}


# ---- pages ----


def test_everything_is_escaped_and_nothing_comes_from_a_network(world: World) -> None:
    link = EntryLink(title="report", url="https://example.org/r?a=1&b=2")
    world.add(
        BoardRun(
            systems=(HOSTILE, "{% raw %}"),
            names=(HOSTILE,),
            facts={"identity": HOSTILE},
            options={"note": HOSTILE},
        ),
        submitter=Submitter(HOSTILE, (link,)),
    )
    index = build(world)
    pages = [index, *sorted((index.parent / "entries").iterdir())]
    for path in pages:
        page = parse(path)
        assert HOSTILE in page.text
        assert not page.all("img") and [s for s in page.all("script") if not s.get("src")] == []
        assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
        assert not any("style" in attributes for _, attributes in page.elements)
        for attributes in (*page.all("link"), *page.all("script")):
            target = attributes.get("href", attributes.get("src", ""))
            assert target == "data:," or (path.parent / target).resolve().is_file()
        for attributes in page.all("a"):
            href = attributes["href"]
            if href.startswith("https://"):
                assert href == "https://example.org/r?a=1&b=2" and "noopener" in attributes["rel"]
            elif not href.startswith("#"):
                assert (path.parent / href).resolve().is_file(), href
        policy = next(
            m["content"] for m in page.all("meta") if m.get("http-equiv") == "Content-Security-Policy"
        )
        assert "default-src 'none'" in policy
    assert "/home" not in index.read_text() and str(world.root) not in index.read_text()


def test_an_entrys_page_shows_history_provenance_and_state(world: World) -> None:
    (first,) = world.add(BoardRun(systems=("Alpha",)))
    (second,) = world.add(BoardRun(systems=("Alpha",), seed=8, date="2026-11-25"))
    folder = build(world).parent
    old, new = (parse(folder / "entries" / f"{s.path.stem}.html") for s in (first, second))
    assert "superseded" in old.text and "by A Lab · ranked" in new.text
    for page in (old, new):
        assert first.head[:12] in page.text and second.head[:12] in page.text
        assert "Linux x86_64" in page.text and WEIGHTS["dnsmos-p835"] in page.text
    assert (folder / "data" / second.path.name).read_bytes() == second.path.read_bytes()


def test_expired_and_archived_entries_say_so(world: World) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",)))
    everything = [{"metric": m.name, "why": "replaced"} for m in METRICS]
    write_json(world.board.root / "policy.json", {"expired": everything})
    world.board.__dict__.pop("policy", None)
    index = parse(build(world))
    assert "There is no entry that can be ranked yet" in index.text and "expired" in index.text
    world.board.archive_dir.mkdir()
    stored.path.rename(world.board.archive_dir / stored.path.name)
    assert "archived" in parse(build(world)).text


def test_the_same_entries_give_the_same_bytes(world: World) -> None:
    world.add(BoardRun())

    def digest() -> dict[str, str]:
        folder = build(world).parent
        files = (p for p in sorted(folder.rglob("*")) if p.is_file())
        return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}

    assert digest() == digest()


def test_only_an_earlier_site_is_replaced(world: World) -> None:
    world.add(BoardRun(systems=("Alpha",)))
    build(world)
    (world.root / "site" / "stale.html").write_text("x")
    build(world)
    assert not (world.root / "site" / "stale.html").exists()
    (world.root / "site" / "site.json").unlink()
    with pytest.raises(InputError, match="is not empty and no leaderboard"):
        build(world)
    (world.root / "file").write_text("x")
    with pytest.raises(InputError, match="is a file"):
        build_site(world.board, [], world.root / "file")


def test_an_empty_board_is_a_page_that_says_so(world: World) -> None:
    page = parse(build(world))
    assert "There is no entry that can be ranked yet" in page.text
