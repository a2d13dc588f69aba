"""Leaderboard entries: what `add` writes and refuses, and that `verify` finds every edit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from report.board_world import (
    CONTROLS,
    DECLARED,
    HOSTILE,
    METRICS,
    WEIGHTS,
    BoardRun,
    World,
    make_key,
    read_scores,
    write_run,
)
from uniavgen_bench.core.atomic import write_atomic, write_json
from uniavgen_bench.core.entry_files import Entry, EntryLink, canonical
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.report.leaderboard.add import Submitter, add_run
from uniavgen_bench.report.leaderboard.board import Stored, file_name
from uniavgen_bench.report.leaderboard.chain import chain_of
from uniavgen_bench.report.leaderboard.keys import SigningKey
from uniavgen_bench.report.leaderboard.rows import summaries_of
from uniavgen_bench.report.leaderboard.verify import Check, Verdict, verify_board
from uniavgen_bench.stats.summary import summarise

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World.make(tmp_path)


def verify(world: World) -> list[Verdict]:
    return verify_board(world.board, (), DECLARED)


def only_problem(world: World) -> tuple[Check, str]:
    (verdict,) = verify(world)
    (problem,) = verdict.problems
    return problem.check, problem.text


def edited(world: World, stored: Stored, edit: Edit) -> Stored:
    """Change the content of an entry and nothing else: a forger with a text editor that keeps the format."""
    data = json.loads(stored.path.read_bytes())
    edit(data)
    stored.path.write_bytes(canonical(Entry.model_validate(data)))
    return stored


def signed_again(world: World, stored: Stored, edit: Edit, key: SigningKey | None = None) -> Stored:
    """Change an entry, and compute chain, signature and name anew: a forger who has a key."""
    data = json.loads(stored.path.read_bytes())
    edit(data["body"])
    body = Entry.model_validate(data).body
    chain = chain_of(body)
    entry = Entry(body=body, chain=chain, signature=(key or world.key).sign(chain))
    stored.path.unlink()
    path = world.board.entries_dir / file_name(entry)
    path.write_bytes(canonical(entry))
    return Stored(path, entry)


def clip_row(data: dict[str, Any], number: int = 0) -> dict[str, Any]:
    row: dict[str, Any] = data["system"]["clips"][number]
    return row


# ---- what an entry holds ----


def test_entry_of_a_run_holds_and_says_what_the_runs_own_statistics_say(world: World) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",), repeats=2))
    assert [v.problems for v in verify(world)] == [()]
    directory = RunDirectory(world.root / "run0")
    manifest = directory.manifest()
    of_run = summarise(directory.scores(), manifest.metrics, directory.clips(), systems=manifest.systems)
    of_entry = summaries_of(stored.entry.body)
    key = lambda s: (s.system, s.metric, s.field)  # noqa: E731
    for a, b in zip(sorted(of_run, key=key), sorted(of_entry, key=key), strict=True):
        assert (a.mean, a.median, a.attempted, a.scored, a.interval, a.missing) == (
            (b.mean, b.median, b.attempted, b.scored, b.interval, b.missing)
        )


def test_every_system_gets_an_entry_and_controls_go_along(world: World) -> None:
    made = world.add(BoardRun(systems=("Alpha", HOSTILE)))
    assert [s.entry.body.system.id for s in made] == ["Alpha", HOSTILE]
    for stored in made:
        assert [(c.id, c.role) for c in stored.entry.body.controls] == [(c.id, c.role) for c in CONTROLS]
        assert all(len(c.clips) == 8 for c in stored.entry.body.systems)
    assert all(v.holds for v in verify(world))


def test_a_control_of_several_systems_goes_along_with_the_clips_of_its_own_system(world: World) -> None:
    run = write_run(world.root / "several", BoardRun(samples=3, controls=CONTROLS[1:], missing=0))
    records, scores = RunDirectory(run).clips(), read_scores(run)
    clips = [record for record in records if record.system != "shuffled-audio"]
    tables = [scores[scores.system != "shuffled-audio"]]
    for owner, more in (("Alpha", 0.0), ("Beta", 0.001)):
        part = scores[scores.system == "shuffled-audio"]
        tables.append(part.assign(sample=f"{owner}/" + part["sample"], value=part["value"] + more))
        for record in records:
            if record.system == "shuffled-audio":
                sample = record.sample.model_copy(update={"id": f"{owner}/{record.sample.id}"})
                clips.append(record.model_copy(update={"sample": sample}))
    write_atomic(run / "scores.parquet", pd.concat(tables, ignore_index=True).to_parquet(index=False))
    (run / "clips.jsonl").write_text("".join(f"{c.model_dump_json()}\n" for c in clips))
    alpha, beta = add_run(run, world.board, world.key, Submitter("A Lab"))
    first, second = (s.entry.body.controls[0].clips[0].scores[0] for s in (alpha, beta))
    assert isinstance(first, float) and isinstance(second, float)
    assert second == pytest.approx(first + 0.001, abs=1e-12)
    assert [c.sample for c in alpha.entry.body.controls[0].clips] == [0, 1, 2]
    assert all(v.holds for v in verify(world))


def test_paths_users_machines_and_secrets_do_not_leak_into_an_entry(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "somebody")
    monkeypatch.setattr("platform.node", lambda: "gpu-box-7.example.org")
    options: dict[str, object] = {
        "checkpoint": "/home/somebody/models/x.pt", "api_key": "sk-1234", "endpoint": "http://gpu-box-7:8000/v1",
        "folder": "~/clips", "windows": "C:\\Users\\somebody\\x", "steps": 50, "nested": {"scale": 2.5, "at": ["/a/b"]},
    }  # fmt: skip
    (stored,) = world.add(
        BoardRun(
            systems=("Alpha",), options=options, facts={"truth": str(world.root / "run0" / "manifest.json")}
        )
    )
    text = stored.path.read_text()
    for secret in (
        "somebody",
        "/home",
        "gpu-box",
        "sk-1234",
        str(world.root),
        "build-of",
        "C:",
        "manifest.json",
        "Somebody speaks",
    ):
        assert secret not in text
    assert stored.entry.body.system.options["steps"] == 50
    assert stored.entry.body.system.options["nested.scale"] == 2.5
    assert stored.entry.body.environment["platform"] == "Linux x86_64"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("/home/x/clip", "a path of a machine"),
        ("take of somebody", "the name 'somebody'"),
        ("gpu-box-7 1", "'gpu-box-7'"),
    ],
)
def test_a_sample_that_would_tell_of_the_machine_is_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str, what: str
) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "somebody")
    monkeypatch.setattr("platform.node", lambda: "gpu-box-7")
    with pytest.raises(InputError, match=what):
        world.add(BoardRun(names=(name,)))
    assert not world.board.paths()


# ---- what is refused ----


def _unfinished(run: Path) -> None:
    _manifest(run, status="running")


def _empty(run: Path) -> None:
    (run / "clips.jsonl").write_text("")


def _no_clip_was_made(run: Path) -> None:
    lines = [json.loads(line) | {"sha256": None} for line in (run / "clips.jsonl").read_text().splitlines()]
    (run / "clips.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def _other_version(run: Path) -> None:
    table = read_scores(run)
    table.loc[table.index[:2], "metric"] = "lipsync.mouth_audio@2"
    write_atomic(run / "scores.parquet", table.to_parquet(index=False))


def _two_versions(run: Path) -> None:
    metrics = [m.model_dump(mode="json") for m in (*METRICS, METRICS[0].model_copy(update={"version": 2}))]
    _manifest(run, metrics=metrics)


def _limited(run: Path) -> None:
    _manifest(run, dataset={"name": "portraits", "samples": "24"})


def _no_plan(run: Path) -> None:
    _manifest(run, dataset={"name": "a folder"})


def _row_gone(run: Path) -> None:
    write_atomic(run / "scores.parquet", read_scores(run).iloc[1:].to_parquet(index=False))


def _clip_changed(run: Path) -> None:
    next((run / "clips").rglob("*.mp4")).write_bytes(b"another clip")


def _input_gone(run: Path) -> None:
    (run / "inputs" / "0.wav").unlink()


def _weights_unknown(run: Path) -> None:
    _manifest(run, weights=[])


def _no_lock(run: Path) -> None:
    (run / "suite.lock.yaml").unlink()


def _lock_of_nothing(run: Path) -> None:
    (run / "suite.lock.yaml").write_text("[1, 2]")


def _lock_without_dataset(run: Path) -> None:
    (run / "suite.lock.yaml").write_text("task: joint\ndataset: {samples: 3}")


def _hashes_of_others(run: Path) -> None:
    table = read_scores(run)
    write_atomic(run / "scores.parquet", table.assign(clip_sha256="0" * 64).to_parquet(index=False))


def _manifest(run: Path, **changes: object) -> None:
    data = json.loads((run / "manifest.json").read_text())
    write_json(run / "manifest.json", data | changes)


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (_unfinished, "is not finished"),
        (_empty, "holds no clip"),
        (_no_clip_was_made, "holds no clip"),
        (_other_version, "mixes protocol versions: it holds scores of lipsync.mouth_audio@2"),
        (_two_versions, "mixes protocol versions: it holds 2 versions of lipsync.mouth_audio"),
        (_limited, "the run is partial: it holds 8 of 24 clips by 'Alpha'"),
        (_no_plan, "does not say which samples there are"),
        (_row_gone, "is damaged: scores.parquet lacks rows"),
        (_clip_changed, "was changed after it was scored"),
        (_input_gone, "reference_audio of sample 'sample-000' is gone"),
        (_weights_unknown, "scored by lipsync-cca-1, whose hash the run does not name"),
        (_no_lock, "suite.lock.yaml: no such file"),
        (_lock_of_nothing, "suite.lock.yaml is no suite lock"),
        (_lock_without_dataset, "suite.lock.yaml is no suite lock: dataset: Value error, names no dataset"),
        (_hashes_of_others, "are of another clip"),
    ],
)
def test_a_run_that_cannot_be_trusted_is_refused_in_one_line(
    world: World, damage: Callable[[Path], None], what: str
) -> None:
    run = write_run(world.root / "run", BoardRun(systems=("Alpha",)))
    damage(run)
    with pytest.raises(InputError) as caught:
        add_run(run, world.board, world.key, Submitter("A Lab"))
    assert what in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not world.board.paths()


def test_controls_and_unknown_systems_get_no_entry(world: World) -> None:
    with pytest.raises(InputError, match="'ground-truth' is a control"):
        world.add(systems=("ground-truth",))
    with pytest.raises(InputError, match="did you mean 'Alpha'"):
        world.add(systems=("Alpa",))
    with pytest.raises(InputError, match="no system but controls"):
        world.add(BoardRun(systems=()))


def test_the_same_result_is_not_added_twice(world: World) -> None:
    world.add(BoardRun(systems=("Alpha",)))
    with pytest.raises(InputError, match="holds this result already"):
        add_run(world.root / "run0", world.board, world.key, Submitter("A Lab"))


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "javascript:alert(1)",
        "https://user:pw@example.org/",
        'https://example.org/"onx=1',
        "https://localhost/",
    ],
)
def test_links_are_https_addresses(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        EntryLink(title="report", url=url)


# ---- what verify finds ----


def _set_score(body: dict[str, Any]) -> None:
    scores = clip_row(body)["scores"]
    at = next(i for i, score in enumerate(scores) if isinstance(score, float))
    scores[at] += 0.125


def _swap_clip(body: dict[str, Any]) -> None:
    a, b = clip_row(body, 0), clip_row(body, 1)
    a["sha256"], b["sha256"] = b["sha256"], a["sha256"]


def _drop_row(body: dict[str, Any]) -> None:
    body["system"]["clips"].pop()


def _drop_sample(body: dict[str, Any]) -> None:
    last = len(body["samples"]) - 1
    body["samples"].pop()
    for system in (body["system"], *body["controls"]):
        system["clips"] = [clip for clip in system["clips"] if clip["sample"] != last]


def _other_weights(body: dict[str, Any]) -> None:
    body["weights"][0]["sha256"] = "0" * 64


def _no_weights(body: dict[str, Any]) -> None:
    body["weights"] = []


def _other_parameter(body: dict[str, Any]) -> None:
    body["computed"]["audio.dnsmos@1"]["params"]["reader"] = "two"


def _other_code(body: dict[str, Any]) -> None:
    body["code"]["sha256"] = "0" * 64


def _other_mean(body: dict[str, Any]) -> None:
    body["aggregates"][0]["mean"] += 0.01


def _other_name(body: dict[str, Any]) -> None:
    body["submitter"] = "Somebody Else"


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (_set_score, "the scores, the metrics or their parameters"),
        (_other_parameter, "the scores, the metrics or their parameters"),
        (_swap_clip, "the clips (a hash, a sample or a row)"),
        (_drop_row, "(rows are removed: 1 of 8 planned clips, first 'sample-007')"),
        (_other_weights, "the weights do not fit"),
        (_other_code, "the version or hash of the code"),
        (_other_mean, "the facts about the run"),
        (_other_name, "the facts about the run"),
    ],
)
def test_an_edit_breaks_the_chain_and_its_line_says_what_was_edited(
    world: World, edit: Edit, what: str
) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",)))
    edited(world, stored, lambda data: edit(data["body"]))
    check, text = only_problem(world)
    assert check is Check.CHAIN
    assert "edited after it was signed" in text and what in text


def test_an_edit_with_the_chain_made_new_breaks_the_signature(world: World) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",)))

    def forge(data: dict[str, Any]) -> None:
        _set_score(data["body"])
        data["chain"] = chain_of(Entry.model_validate(data).body).model_dump()

    edited(world, stored, forge)
    assert only_problem(world)[0] is Check.SIGNATURE


@pytest.mark.parametrize(
    ("edit", "check", "what"),
    [
        (_other_mean, Check.AGGREGATES, "the mean of lipsync.mouth_audio@1 confidence by 'Alpha' is"),
        (_set_score, Check.AGGREGATES, "from the rows it is"),
        (_drop_row, Check.COVERAGE, "rows are removed: 1 of 8 planned clips"),
        (_drop_sample, Check.COVERAGE, "rows are removed: the dataset has 8 samples, the entry 7"),
        (_other_weights, Check.WEIGHTS, "wrong weights: lipsync-cca-1"),
        (_no_weights, Check.WEIGHTS, "the hash of their weights lipsync-cca-1 is not there"),
    ],
)
def test_a_known_key_does_not_help_a_forger_against_the_rows(
    world: World, edit: Edit, check: Check, what: str
) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",), missing=0))
    signed_again(world, stored, edit)
    (verdict,) = verify(world)
    assert any(p.check is check and what in p.text for p in verdict.problems), verdict.problems


def _other_direction(body: dict[str, Any]) -> None:
    body["metrics"][0]["fields"][0]["direction"] = "lower"


def _out_of_range(body: dict[str, Any]) -> None:
    clip_row(body)["scores"][0] = 1.5


@pytest.mark.parametrize(
    ("edit", "what"),
    [
        (
            _other_direction,
            "lipsync.mouth_audio@1 does not have the fields, weights and tier of the metric of that name",
        ),
        (_out_of_range, "confidence of 'sample-000' by 'Alpha' is 1.5, outside its range"),
    ],
)
def test_a_metric_that_is_not_what_its_name_says_is_found(world: World, edit: Edit, what: str) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",), missing=0))
    signed_again(world, stored, edit)
    (verdict,) = verify(world)
    assert any(p.check is Check.METRICS and what in p.text for p in verdict.problems), verdict.problems
    assert not verdict.expired_only


def test_a_metric_that_is_not_installed_is_noted(world: World) -> None:
    own = METRICS[0].model_copy(update={"id": "own.metric"})
    world.add(BoardRun(systems=("Alpha",), metrics=(own,)))
    (verdict,) = verify(world)
    assert verdict.holds
    assert verdict.notes == ("own.metric@1 is not installed here, so what it declares is not checked",)


def test_a_signature_by_an_unknown_key_is_found(world: World) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",)))
    signed_again(world, stored, lambda body: None, make_key(world.root, "stranger"))
    check, text = only_problem(world)
    assert check is Check.KEY and "'stranger', which the board does not know" in text


def test_a_stranger_cannot_sign_under_a_known_name(world: World) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",)))
    stranger = make_key(world.root, "stranger")
    signed_again(world, stored, lambda body: None, SigningKey(world.key.name, stranger.private))
    check, text = only_problem(world)
    assert check is Check.KEY and "not with the key of that name" in text


def test_a_renamed_entry_is_found(world: World) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",)))
    stored.path.rename(stored.path.with_name("best-system.json"))
    check, text = only_problem(world)
    assert check is Check.NAME and stored.path.name in text


def test_an_expired_protocol_is_found_and_the_archive_keeps_it(world: World) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",)))
    expired = [{"metric": "audio.dnsmos@1", "why": "replaced by version 2"}]
    write_json(world.board.root / "policy.json", {"schema_version": 1, "expired": expired})
    world.board.__dict__.pop("policy", None)
    check, text = only_problem(world)
    assert check is Check.PROTOCOL and text == "audio.dnsmos@1 has expired: replaced by version 2"
    world.board.archive_dir.mkdir()
    stored.path.rename(world.board.archive_dir / stored.path.name)
    assert verify(world)[0].holds


def test_weights_that_the_policy_accepts_hold_and_undeclared_ones_are_noted(world: World) -> None:
    (stored,) = world.add(
        BoardRun(systems=("Alpha",), weights=WEIGHTS | {"lipsync-cca-1": "1" * 64, "own-net": "2" * 64})
    )
    assert verify(world)[0].problems[0].check is Check.WEIGHTS
    write_json(world.board.root / "policy.json", {"weights": {"lipsync-cca-1": ["1" * 64]}})
    world.board.__dict__.pop("policy", None)
    (verdict,) = verify(world)
    assert verdict.holds
    assert verdict.notes == ("the weights own-net are declared nowhere, so their hash is not checked",)
    assert stored.entry.body.weights[-1].name == "own-net"


# ---- history ----


def test_a_second_run_continues_the_history_and_a_removed_entry_is_found(world: World) -> None:
    (first,) = world.add(BoardRun(systems=("Alpha",)))
    (second,) = world.add(BoardRun(systems=("Alpha",), seed=8, date="2026-11-25"))
    assert second.entry.body.previous == first.head
    assert all(v.holds for v in verify(world))
    first.path.unlink()
    check, text = only_problem(world)
    assert check is Check.HISTORY and f"the entry before it, {first.head[:16]}, is gone" in text


def test_other_samples_and_other_keys_have_histories_of_their_own(world: World) -> None:
    world.add(BoardRun(systems=("Alpha",)))
    (other_samples,) = world.add(BoardRun(systems=("Alpha",), world="manifest-x"))
    other = make_key(world.root, "other")
    world.know("other")
    (other_key,) = world.add(BoardRun(systems=("Alpha",), seed=3), key=other)
    assert other_samples.entry.body.previous is None and other_key.entry.body.previous is None
    assert all(v.holds for v in verify(world))


def test_two_entries_that_follow_the_same_one_are_found(world: World) -> None:
    world.add(BoardRun(systems=("Alpha",)))
    (second,) = world.add(BoardRun(systems=("Alpha",), seed=8, date="2026-11-25"))
    kept = second.path.read_bytes()
    second.path.unlink()
    world.add(BoardRun(systems=("Alpha",), seed=9, date="2026-11-26"))
    second.path.write_bytes(kept)
    texts = [p.text for v in verify(world) for p in v.problems]
    assert len(texts) == 2 and all("follow the same entry" in text for text in texts)


def test_an_entry_older_than_the_one_before_it_is_found(world: World) -> None:
    world.add(BoardRun(systems=("Alpha",), date="2026-11-25"))
    world.add(BoardRun(systems=("Alpha",), seed=8, date="2026-11-22"))
    texts = [p.text for v in verify(world) for p in v.problems]
    assert len(texts) == 1 and "older than the entry before it" in texts[0]


def _one_clip_for_all(body: dict[str, Any]) -> None:
    for clip in body["system"]["clips"]:
        clip["sha256"] = body["system"]["clips"][0]["sha256"]


def _other_texts(body: dict[str, Any]) -> None:
    body["metrics"][0]["floors"] = []


@pytest.mark.parametrize(
    ("edit", "note"),
    [
        (_one_clip_for_all, "8 samples of 'Alpha' share a clip"),
        (_other_texts, "lipsync.mouth_audio@1 has other texts or floors"),
    ],
)
def test_what_a_signer_may_do_and_a_reviewer_should_see_is_noted(world: World, edit: Edit, note: str) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",)))
    assert verify(world)[0].notes == ()
    signed_again(world, stored, edit)
    (verdict,) = verify(world)
    assert verdict.holds and note in verdict.notes[0]


@pytest.mark.parametrize("day", ["2026-02-30", "9999-99-99", "٢٠٢٦-01-01"])
def test_an_entry_of_no_day_is_refused(world: World, day: str) -> None:
    (stored,) = world.add(BoardRun(systems=("Alpha",)))
    stored.path.write_bytes(stored.path.read_bytes().replace(b'"2026-11-22"', f'"{day}"'.encode()))
    check, text = only_problem(world)
    assert check is Check.FORMAT and "date" in text
