"""Hostile texts and files: one line, at once, and nothing outside of the given folder. Each was found by fuzzing."""

from __future__ import annotations

import json
import os
import struct
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from local_copies import avgen_bench, images_csv, javisbench, mochabench, t2av_compass, vabench, verse_bench
from report.fake_run import write_run

from reference_model.codecs.named_weights import read_pth
from reference_model.params import read_params
from uniavgen_bench.core.errors import LONGEST, BenchError, InputError
from uniavgen_bench.core.located import MAX_NODES, parse_yaml, read_text
from uniavgen_bench.core.redaction import environment_of_tools, told_command
from uniavgen_bench.core.registry import DATASETS, Registry
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.run_files import ClipRecord, RunDirectory
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.datasets.dataset import DatasetPlugin
from uniavgen_bench.datasets.manifest import ManifestOptions, load_manifest
from uniavgen_bench.report.computed import read_computed
from uniavgen_bench.report.leaderboard.board import Board
from uniavgen_bench.report.links import relative_url
from uniavgen_bench.systems.given import reference_picture
from uniavgen_bench.weights.archive import FetchError, extract_member
from uniavgen_bench.weights.manifest import Source, WeightFile

LAYERS = "b0: &b0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"b{i}: &b{i} [{', '.join([f'*b{i - 1}'] * 9)}]\n" for i in range(1, 12)
)


def refused(text: str) -> str:
    started = time.process_time()
    with pytest.raises(InputError) as caught:
        parse_yaml(text, "suite.yaml")
    assert time.process_time() - started < 10
    message = str(caught.value)
    assert message.startswith("suite.yaml") and message.isprintable()
    return message


def test_aliases_that_stand_for_billions_of_values_are_refused() -> None:
    assert f"more than {MAX_NODES:,} values" in refused(LAYERS)


@pytest.mark.parametrize(
    "text",
    ["[" * 20_000, "[" * 20_000 + "]" * 20_000, "{a: " * 5_000 + "1" + "}" * 5_000, "- " * 5_000 + "x"],
)
def test_nesting_without_end_is_refused(text: str) -> None:
    assert "nest" in refused(text) or "expected" in refused(text)


@pytest.mark.parametrize(
    "value",
    ["!!bool maybe", "!!int ''", "!!float ''", "!!timestamp x", "!!binary YWJj", "!!int x", "&a [*a]"],
)
def test_a_tag_that_does_not_fit_is_one_line_with_its_line(value: str) -> None:
    assert refused(f"a: 1\nb: {value}\n").startswith("suite.yaml:2: ")


def test_a_yaml_text_larger_than_its_parser_reads_in_time_is_refused() -> None:
    assert "larger than 256 KiB" in refused("a: b\n" * 200_000)


def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "suite.yaml")
    with pytest.raises(InputError, match="is a pipe or device, not a file"):
        read_text(tmp_path / "suite.yaml")
    with pytest.raises(InputError, match="is a pipe or device, not a file"):
        read_text(Path("/dev/zero"))


def test_a_pipe_in_the_place_of_a_picture_is_a_reason_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("/dev/zero")
    for name in ("a.png", "b.png"):
        with pytest.raises(MissingError, match="is no regular file"):
            reference_picture(Sample(id="s", image=tmp_path / name))


def test_a_picture_larger_than_any_is_no_picture(tmp_path: Path) -> None:
    header = b"IHDR" + struct.pack(">IIBBBBB", 2**31 - 1, 1, 8, 2, 0, 0, 0)
    path = tmp_path / "a.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    )
    with pytest.raises(MissingError, match=r"a\.png is no picture"):
        reference_picture(Sample(id="s", image=path))


@pytest.mark.parametrize(
    ("name", "make", "table"),
    [
        ("javisbench", javisbench, "JavisBench.csv"),
        ("mochabench", mochabench, "benchmark/benchmark.csv"),
        ("vabench", vabench, "mapping/final_idx_to_prompt.csv"),
        ("verse-bench", verse_bench, "set1/00000.json"),
        ("verse-bench", verse_bench, "set2/00000.wav"),
        ("t2av-compass", t2av_compass, "t2av-compass/Data/prompts.json"),
        ("avgen-bench", avgen_bench, "prompts/ads.json"),
        ("images-csv", images_csv, "prompts.csv"),
    ],
)
def test_a_table_of_a_prompt_set_that_is_a_link_out_of_it_is_not_read(
    tmp_path: Path, name: str, make: Callable[[Path], Path], table: str
) -> None:
    root = tmp_path / "set"
    make(root)
    plugin = Registry(DATASETS, "dataset", DatasetPlugin).load(name)
    plugin.load(plugin.options.model_validate({"path": root}))
    (root / table).rename(tmp_path / "elsewhere")
    (root / table).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a link that leads out of"):
        plugin.load(plugin.options.model_validate({"path": root}))


@pytest.mark.parametrize(("name", "there"), [("truth", False), ("truth", True), ("source", True)])
def test_a_fact_that_names_a_file_outside_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, there: bool
) -> None:
    root, private = tmp_path / "set", tmp_path / "private" / "truth.json"
    root.mkdir()
    private.parent.mkdir()
    if there:
        private.write_text("{}")
    (root / "s.csv").write_text(f"sample,fact.{name}\na,{private}\n")
    with pytest.raises(InputError, match=rf"s\.csv:2: fact\.{name}: .* names a file outside of"):
        load_manifest(ManifestOptions(path=root / "s.csv"))
    monkeypatch.chdir(root)
    (root / "s.csv").write_text("sample,fact.truth\na,../private/truth.json\n")
    with pytest.raises(InputError, match="names a file outside of"):
        load_manifest(ManifestOptions(path=root / "s.csv"))
    (root / "truth.json").write_text("{}")
    (root / "s.csv").write_text(f"sample,fact.{name},note\na,{root / 'truth.json'},/no/such/file\n")
    (sample,) = load_manifest(ManifestOptions(path=root / "s.csv")).samples
    assert sample.facts == {name: str(root / "truth.json"), "note": "/no/such/file"}


def test_a_fact_of_a_prompt_set_names_no_file_outside(tmp_path: Path) -> None:
    root = t2av_compass(tmp_path) / "t2av-compass"
    table = root / "Data" / "prompts.json"
    rows = json.loads(table.read_text())
    rows[0]["audio_spatial_composition"] = "/proc/self/environ"
    table.write_text(json.dumps(rows))
    plugin = Registry(DATASETS, "dataset", DatasetPlugin).load("t2av-compass")
    with pytest.raises(InputError, match="'/proc/self/environ' names a file outside of"):
        plugin.load(plugin.options.model_validate({"path": root}))


def test_a_manifest_of_a_run_that_names_a_metric_twice_is_damaged(tmp_path: Path) -> None:
    run = write_run(tmp_path)
    manifest = json.loads((run / "manifest.json").read_text())
    manifest["metrics"].append(manifest["metrics"][0])
    (run / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(InputError, match=r"manifest\.json is damaged: .* stands twice"):
        RunDirectory(run).manifest()


def test_a_task_of_other_words_is_a_fact_and_names_no_file_outside(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("sample,task\na,/proc/self/environ\n")
    with pytest.raises(InputError, match=r"s\.csv:2: task: '/proc/self/environ' names a file outside of"):
        load_manifest(ManifestOptions(path=tmp_path / "s.csv"))


def test_weights_archives_and_params_that_are_no_such_file_are_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.pth").write_bytes(b"PK\x03\x04" + b"\0" * 40 + b"PK\x05\x06" + b"\xff" * 18)
    with pytest.raises(ValueError, match="is damaged"):
        read_pth(tmp_path / "model.pth")
    file = WeightFile(file="a", sha256="0" * 64, bytes=1, sources=(Source(at="pypi:pack==1.0:a"),))
    for device in ("pipe", "zero"):
        path = tmp_path / device
        os.mkfifo(path) if device == "pipe" else path.symlink_to("/dev/zero")
        with pytest.raises(FetchError, match="is no regular file"):
            extract_member(path, "a", file, tmp_path / "out")
        with pytest.raises(ValueError, match="is no regular file"):
            read_params(path)


def test_a_pipe_among_the_entries_keys_or_lock_is_refused_at_once(tmp_path: Path) -> None:
    for name in ("entries/a.json", "keys/a.pub", "suite.lock.yaml"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        os.mkfifo(tmp_path / name)
    board = Board(tmp_path)
    with pytest.raises(InputError, match="pipe"):
        board.read(tmp_path / "entries" / "a.json")
    with pytest.raises(InputError, match="pipe"):
        _ = board.keys
    assert read_computed(tmp_path) == {}


def test_a_lock_of_aliases_is_refused(tmp_path: Path) -> None:
    (tmp_path / "suite.lock.yaml").write_text(f"{LAYERS}computed: {{m: {{params: {{a: *b11}}}}}}\n")
    with pytest.raises(InputError, match="values, aliases followed"):
        read_computed(tmp_path)


def test_an_entry_that_is_a_link_to_itself_is_left_to_verify(tmp_path: Path) -> None:
    (tmp_path / "entries").mkdir()
    (tmp_path / "entries" / "a.json").symlink_to("a.json")
    assert Board(tmp_path).readable() == []


@pytest.mark.parametrize("evidence", ["../secret.json", "/etc/passwd", "out/secret.json", "loop", "a\0b"])
def test_evidence_outside_of_the_run_is_not_read(tmp_path: Path, evidence: str) -> None:
    (tmp_path / "secret.json").write_text('[{"metric": "m"}]')
    run = tmp_path / "run"
    run.mkdir()
    (run / "out").symlink_to(tmp_path)
    (run / "loop").symlink_to("loop")
    record = ClipRecord(system="s", sample=Sample(id="a"), source="s", evidence=evidence)
    with pytest.raises(InputError, match=r"leads out of the run|cannot be a path"):
        RunDirectory(run).evidence(record)


@pytest.mark.parametrize("path", ["../x.mp4", "a/../../x.mp4", "/x.mp4", "C:\\x.mp4"])
def test_no_link_of_a_page_leads_out_of_the_run(path: str) -> None:
    assert relative_url(path, up=1) is None


@pytest.mark.parametrize(
    "text", ["\x1b[2J\x1b]0;title\x07", "a\nb", "\u202egpj.exe", "\u2028", "\0", "\udc80"]
)
def test_a_message_is_one_line_that_steers_no_terminal(text: str) -> None:
    for error in (BenchError(f"is {text}"), InputError(f"is {text}", way_out=f"not {text}")):
        assert str(error).isprintable()


def test_a_message_keeps_beginning_and_end_of_what_is_too_long() -> None:
    message = str(InputError(f"got {'x' * 100_000}", way_out="give less"))
    assert len(message) <= LONGEST and message.startswith("got xxx") and message.endswith("(give less)")


def test_a_command_is_kept_without_its_secrets() -> None:
    token = "hf_" + "MadeUpForThisTest0123"
    words = [
        "uniavgen-bench",
        "run",
        "s.yaml",
        "--set",
        "systems.0.options.env.DB_PASS=letmein",
        "--api-key",
        "abcd",
        f"x={token}",
    ]
    told = told_command([*words, "--set", "dataset.path=a.csv"])
    assert "letmein" not in told and "abcd" not in told and token not in told
    assert told.startswith(
        "uniavgen-bench run s.yaml --set systems.0.options.env.DB_PASS=[secret] --api-key [secret] x="
    )
    assert told.endswith("--set dataset.path=a.csv")


def test_tools_of_the_system_get_no_secrets() -> None:
    given = {"PATH": "/bin", "HF_TOKEN": "x", "UNIAVGEN_BENCH_JUDGE_KEY": "y", "LANG": "C", "PIP_CERT": "z"}
    given["UNIAVGEN_BENCH_STORE"] = "webhdfs://me:letmein@host/x"
    assert environment_of_tools(given) == {"PATH": "/bin", "LANG": "C", "PIP_CERT": "z"}
