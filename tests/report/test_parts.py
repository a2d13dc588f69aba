"""The parts of the pages: links, data, curves, places, transcripts."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from uniavgen_bench.core.run_files import CurveData
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.report.curves import MOST_POINTS, is_over_lag, thin
from uniavgen_bench.report.links import file_name, relative_url, with_sources, without_paths
from uniavgen_bench.report.place import WIDTH, distribution, place
from uniavgen_bench.report.render import asset, json_data
from uniavgen_bench.report.transcript import compare


@given(st.recursive(st.text() | st.integers(-9, 9) | st.none(), lambda inner: st.lists(inner, max_size=3)))
def test_data_come_back_whole_and_cannot_end_their_element(value: object) -> None:
    text = str(json_data(value))
    assert json.loads(text) == value
    assert not set("<>&") & set(text)


def test_numbers_that_are_not_finite_become_null() -> None:
    assert str(json_data({"x": [float("nan"), float("inf"), 1.5]})) == '{"x":[null,null,1.5]}'


@given(st.text(max_size=60), st.integers(0, 2))
def test_a_url_of_the_run_never_has_a_scheme_or_a_root(path: str, up: int) -> None:
    url = relative_url(path, up=up)
    if url is not None:
        assert not url.startswith("/")
        assert not set(':?#"<>\\ ') & set(url)


def test_a_url_names_the_file_whatever_its_name() -> None:
    assert relative_url("clips/a b/ü#1?.mp4", up=2) == "../../clips/a%20b/%C3%BC%231%3F.mp4"
    assert relative_url("/etc/passwd", up=1) is None
    assert relative_url("C:\\x.mp4", up=1) is None
    assert relative_url("", up=1) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cannot open /home/me/data/x.mp4: gone", "cannot open …/x.mp4: gone"),
        ("run --out=/tmp/a/b --n 3/4", "run --out=…/b --n 3/4"),
        (r"C:\Users\me\x.mp4 is bad", "…/x.mp4 is bad"),
        ("see https://example.org/a/b/c.html", "see https://example.org/a/b/c.html"),
        ("1/2 and clips/a/b.mp4", "1/2 and clips/a/b.mp4"),
        ("pypi:a==1:b/c/d.pt", "pypi:a==1:b/c/d.pt"),
        ("failed:/home/me/data/x.mp4", "failed:…/x.mp4"),
        ("file:///home/me/data/x.mp4", "file://…/x.mp4"),
        ("hf://org/repo/x.bin at s3://bucket/a/b", "hf://org/repo/x.bin at s3://bucket/a/b"),
    ],
)
def test_machine_paths_are_cut_and_all_else_stays(text: str, expected: str) -> None:
    assert without_paths(text) == expected


def test_only_web_addresses_become_links() -> None:
    html = str(with_sources('a https://x.org/p?a=1&b="2" <b>javascript:alert(1)</b>'))
    assert html.count("<a ") == 1
    assert 'href="https://x.org/p?a=1&amp;b="' in html
    assert "javascript:alert(1)&lt;/b&gt;" in html
    assert "<b>" not in html


def test_file_names_of_both_worlds() -> None:
    assert file_name("/a/b/c.mp4") == file_name(r"D:\b\c.mp4") == "c.mp4"


@given(st.integers(0, 20_000), st.integers(0, 99))
def test_thin_curves_keep_their_ends_of_scale(size: int, seed: int) -> None:
    y = np.random.default_rng(seed).normal(size=size)
    t = np.arange(size) / 100
    less_t, less_y = thin(t, y)
    assert len(less_t) == len(less_y) <= MOST_POINTS
    assert np.all(np.diff(less_t) >= 0)
    if size:
        assert less_y.max() == y.max()
        assert less_y.min() == y.min()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("correlation by lag", True), ("lag_curve", True), ("distance against delay", True), ("flag", False)],
)
def test_curves_over_lag_are_known_by_name(name: str, expected: bool) -> None:
    assert is_over_lag(CurveData(name=name, unit="", t=[], y=[])) is expected


@pytest.mark.parametrize(
    ("direction", "value", "sentence"),
    [
        (Direction.HIGHER, 4.0, "better than 75 % of 4 others"),
        (Direction.LOWER, 4.0, "better than 25 % of 4 others"),
        (Direction.ZERO, -1.0, "nearer to zero than 75 % of 4 others"),
        (Direction.NONE, 5.0, "higher than 100 % of 4 others"),
    ],
)
def test_place_counts_the_others(direction: Direction, value: float, sentence: str) -> None:
    values = np.array([1.0, 2.0, 3.0, 4.0, 5.0, np.nan])
    if direction is Direction.ZERO:
        values = np.array([-1.0, 0.0, 2.0, 3.0, -4.0])
    found = place(value, distribution(values, direction), member=True)
    assert found is not None
    assert found.sentence == sentence


@given(st.lists(st.floats(-1e3, 1e3), min_size=5, max_size=30), st.data(), st.sampled_from(Direction))
def test_places_lie_within_the_drawing(
    values: list[float], data: st.DataObject, direction: Direction
) -> None:
    value = data.draw(st.sampled_from(values))
    found = place(value, distribution(np.array(values), direction), member=True)
    assert found is not None
    assert 0 <= found.low <= found.middle <= found.high <= WIDTH
    assert 0 <= found.at <= WIDTH


def test_too_few_others_have_no_place() -> None:
    assert place(1.0, distribution(np.arange(4.0), Direction.HIGHER), member=True) is None


def test_transcripts_are_compared_without_case_and_punctuation() -> None:
    pieces = compare("She sells, sea shells!", "she sells see shells now")
    assert [(p.kind, p.meant, p.said) for p in pieces] == [
        ("equal", "She sells,", "she sells"),
        ("substitute", "sea", "see"),
        ("equal", "shells!", "shells"),
        ("insert", "", "now"),
    ]


@pytest.mark.parametrize(
    ("reference", "hypothesis", "kinds"),
    [("", "", []), ("a b", "", ["delete"]), ("", "a b", ["insert"]), ("…", "!", [])],
)
def test_empty_transcripts_are_no_error(reference: str, hypothesis: str, kinds: list[str]) -> None:
    assert [piece.kind for piece in compare(reference, hypothesis)] == kinds


@given(st.lists(st.sampled_from(["a", "b", "c", "d"])), st.lists(st.sampled_from(["a", "b", "c", "d"])))
def test_pieces_hold_all_words_of_both_sides(meant: list[str], said: list[str]) -> None:
    pieces = compare(" ".join(meant), " ".join(said))
    assert " ".join(p.meant for p in pieces if p.meant).split() == meant
    assert " ".join(p.said for p in pieces if p.said).split() == said


def test_importing_the_report_does_not_import_what_is_heavy() -> None:
    code = (
        "import sys, uniavgen_bench.report.build, uniavgen_bench.stats.table;"
        "print([m for m in ('plotly', 'torch', 'cv2', 'scipy.stats', 'jiwer') if m in sys.modules])"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"


def tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6});", block))


def contrast(one: str, other: str) -> float:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_in_both_schemes(scheme: str) -> None:
    css = asset("report.css").decode()
    light, dark = css.split("@media (prefers-color-scheme: dark)")[:2]
    colours = tokens(light) if scheme == "light" else tokens(light) | tokens(dark.split("*, *::before")[0])
    for ground in ("paper", "card"):
        for text in ("ink", "soft", "accent", "warn", "good", "mark"):
            assert contrast(colours[text], colours[ground]) >= 4.5, f"{text} on {ground}"
        assert contrast(colours["floor"], colours[ground]) >= 3, "a graphic needs 3:1"
    pairs = (("ink", "warn-soft"), ("warn", "warn-soft"), ("soft", "warn-soft"), ("ink", "good-soft"))
    for text, ground in (*pairs, ("good", "good-soft"), ("soft", "good-soft"), ("ink", "accent-soft")):
        assert contrast(colours[text], colours[ground]) >= 4.5, f"{text} on {ground}"
    assert contrast(colours["paper"], colours["accent"]) >= 4.5  # a pressed button
