"""What the pages say about differences: no more and no less than the stored results."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.fake_run import METRICS, FakeRun, write_run
from report.pages import parse
from uniavgen_bench.core.comparison import CompareBlock, Estimate, PairedResult, RunStats, Verdict
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.run_files import RunDirectory
from uniavgen_bench.core.spec import Direction
from uniavgen_bench.core.validity_files import read_validity
from uniavgen_bench.report.build import build_report
from uniavgen_bench.report.forest import Scale, ticks
from uniavgen_bench.report.pair_verdicts import sentences
from uniavgen_bench.report.place import sentence
from uniavgen_bench.report.render import breakable
from uniavgen_bench.report.run_data import read_run
from uniavgen_bench.report.verdicts import contrast, contrasts, held_back, p_text, worst


@pytest.fixture(scope="module")
def stats(judged: Path) -> RunStats:
    found = RunDirectory(judged.parent).stats()
    assert found is not None
    return found


def test_every_comparison_is_a_sentence_with_difference_interval_p_and_coverage(
    judged: Path, stats: RunStats
) -> None:
    data = read_run(judged.parent)
    text = parse(judged / "index.html").text
    told = [r for r in stats.paired if r.verdict is not Verdict.NOT_COMPARABLE]
    assert len(told) > 15
    for c in (c for spec in METRICS for c in contrasts(data, spec.name) if c.result in told):
        result = c.result
        assert c.sentence in text
        assert c.difference in text
        assert p_text(result.p_adjusted) in c.sentence
        assert f"{result.pairs} of {result.attempted} samples" in c.sentence
        if result.verdict is Verdict.NOT_SEEN:
            assert c.detectable in c.sentence
            assert "would have been seen with 80 % power" in c.sentence


def test_first_sentences_name_what_is_better_worse_and_unseen(judged: Path, stats: RunStats) -> None:
    page = parse(judged / "index.html").text
    head = page[: page.index("What is better than what")]
    for system in ("Ovi", "UniVerse-1", "F5-TTS → OmniAvatar"):
        mine = [r for r in stats.paired if r.system == system]
        said = head[head.index(f"{system} beside UniAVGen:") :]
        words = {
            Verdict.BETTER: "better in",
            Verdict.WORSE: "worse in",
            Verdict.NOT_SEEN: "no difference seen in",
        }
        for verdict, word in words.items():
            assert (word in said.split("beside", 2)[1]) == any(r.verdict is verdict for r in mine), (
                system,
                verdict,
            )
    assert f"Holm’s correction over {stats.family} tests" in page


def test_intervals_do_not_speak_where_a_paired_test_did(judged: Path) -> None:
    text = parse(judged / "index.html").text
    assert "does not settle their order" not in text
    assert "Best mean" not in text


def test_marks_and_ranks_stand_in_the_table(judged: Path, stats: RunStats) -> None:
    html = (judged / "index.html").read_text(encoding="utf-8")
    table = html[html.index('id="score-table"') : html.index("</table>", html.index('id="score-table"'))]
    for kind in Verdict:
        cells = len(re.findall(rf'<span class="verdict {kind.value.replace("_", "-")}"', table))
        assert cells == sum(r.verdict is kind for r in stats.paired), kind
    assert len(re.findall(r"rank \d", table)) == len(stats.ranks)


def test_a_run_without_statistics_shows_means_and_says_so(tmp_path: Path) -> None:
    page = parse(build_report(write_run(tmp_path, FakeRun(samples=6, media=False, evidence=False))))
    assert "Differences were not tested in this run" in page.text
    assert "Mean confidence" in page.text
    assert "What is better than what" not in page.text


def test_all_pairs_have_counts_in_the_table_and_ranks_in_the_plots(tmp_path: Path) -> None:
    plan = FakeRun(samples=12, media=False, evidence=False, stats=True)
    page = parse(build_report(write_run(tmp_path, plan)))
    assert re.search(r"better than \d, worse than \d of 5 others", page.text)
    assert re.search(r"rank \d–\d of 4", page.text)


def test_all_pairs_say_first_who_is_better_than_whom(tmp_path: Path) -> None:
    root = write_run(tmp_path, FakeRun(samples=30, media=False, evidence=False, hostile=False, stats=True))
    stats = RunDirectory(root).stats()
    assert stats is not None
    page = parse(build_report(root)).text
    head = page[: page.index("What is better than what")]
    controls = {"ground-truth", "shuffled-audio"}
    wins = [r for r in stats.paired if r.verdict in (Verdict.BETTER, Verdict.WORSE)]
    wins = [r for r in wins if not controls & {r.system, r.baseline}]
    assert wins
    for result in wins:
        winner, loser = (
            (result.system, result.baseline)
            if result.verdict is Verdict.BETTER
            else (result.baseline, result.system)
        )
        assert re.search(
            rf"{re.escape(winner)} is better than [^.(]*{re.escape(loser)} by", head.replace("0.", "0,")
        )
    assert "shuffled-audio" not in head
    assert re.search(
        r"No difference seen in \d of 6 pairs; .* would have been seen with 80 % power before correction",
        head,
    )


def test_a_difference_that_missing_samples_hold_back_says_so(judged: Path) -> None:
    data = read_run(judged.parent)
    why = "p is 0.001 over the pairs alone, but UniAVGen lacks 3 samples"
    result = paired(Verdict.NOT_SEEN, Direction.HIGHER, 0.3).model_copy(update={"why": why})
    assert why in contrast(data, result, CompareBlock(baseline="Ovi")).sentence
    assert held_back(result)
    assert not held_back(paired(Verdict.NOT_SEEN, Direction.HIGHER, 0.3))


def test_the_ablation_has_every_effect_and_interaction(judged: Path) -> None:
    found = RunDirectory(judged.parent).ablation()
    assert found is not None
    html = (judged / "index.html").read_text(encoding="utf-8")
    matrix = html[html.index('class="effects"') : html.index('class="fields interactions"')]
    assert len(re.findall(r'<td class="[a-z-]+"', matrix)) == len(found.effects) == 3 * len(METRICS)
    assert len(re.findall(r"<td>interaction = ", html)) == len(found.interactions)
    seen = sum(i.p_adjusted is not None and i.p_adjusted <= 0.05 for i in found.interactions)
    assert html.count('<tr class="seen">') == seen > 0


def test_validity_stands_beside_the_metric_and_in_full_on_the_page_of_methods(judged: Path) -> None:
    index, method = parse(judged / "index.html"), parse(judged / "method.html")
    assert "1 of 1 check held" in index.text
    assert "0 of 1 check held" in index.text
    assert "tells shifted sound from sound in place" in method.text
    assert "0.93 [0.88, 0.97], 40 clips" in method.text
    ids = {a["id"] for _, a in method.elements if "id" in a}
    links = [a["href"] for a in index.all("a") if "badge" in a.get("class", "")]
    assert links
    assert all(link.partition("#")[2] in ids for link in links)


@pytest.mark.parametrize(("name", "words"), [("stats.json", "block")])
def test_damaged_files_are_one_clear_line(tmp_path: Path, name: str, words: str) -> None:
    root = write_run(tmp_path, FakeRun(samples=1, media=False, evidence=False))
    (root / name).write_text('{"metrics": 7, "block": 7}')
    with pytest.raises(InputError, match=words) as caught:
        build_report(root)
    assert "\n" not in str(caught.value)
    assert read_validity(tmp_path / "none.json") is None


def test_failures_are_listed_by_system_and_reason_with_links(judged: Path) -> None:
    records = [r for r in RunDirectory(judged.parent).clips() if r.problem]
    assert len(records) == 2
    page, index = parse(judged / "failures.html"), parse(judged / "index.html")
    for record in records:
        reason, _, detail = record.problem.partition(": ")
        assert detail in page.text
        assert reason.replace("_", " ") in index.text[index.text.index("What failed") :]
    links = [a["href"] for a in page.all("a") if a["href"].startswith("clips/")]
    assert links
    assert all((judged / link).is_file() for link in links)


def paired(verdict: Verdict, direction: Direction, value: float) -> PairedResult:
    return PairedResult(
        metric="a.b@1", field="x", unit="", direction=direction, headline=True, system="UniAVGen", baseline="Ovi",
        attempted=10, pairs=8, only_system=1, only_baseline=1, neither=0, clusters=8, mean_system=1 + value,
        mean_baseline=1.0, difference=Estimate(value=value, low=value - 0.1, high=value + 0.1), p_adjusted=0.0001,
        detectable=0.2, verdict=verdict,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        (Verdict.BETTER, "UniAVGen is better than Ovi: 1.30 against 1.00, difference +0.30"),
        (Verdict.WORSE, "UniAVGen is worse than Ovi"),
        (Verdict.DIFFERENT, "UniAVGen is different from Ovi"),
        (Verdict.NOT_SEEN, "No difference was seen between UniAVGen and Ovi"),
        (Verdict.NOT_COMPARABLE, "UniAVGen and Ovi cannot be compared: 8 of 10 samples have both"),
    ],
)
def test_each_verdict_has_its_sentence(judged: Path, verdict: Verdict, words: str) -> None:
    data = read_run(judged.parent)
    found = contrast(data, paired(verdict, Direction.HIGHER, 0.3), CompareBlock(baseline="Ovi"))
    assert found.sentence.startswith(words)
    if verdict in (Verdict.BETTER, Verdict.WORSE):
        assert "p < 0.001" in found.sentence
        assert "2 samples have a number from one of the two only" in found.sentence


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_are_few_round_and_within_the_drawing(low: float, span: float) -> None:
    scale = Scale(low, low + span)
    found = ticks(scale)
    assert len(found) <= 9
    assert all(-0.01 <= at <= 100.01 for at, _ in found)
    assert [at for at, _ in found] == sorted(at for at, _ in found)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 30))
def test_a_place_never_says_that_the_same_is_better(below: int, equal: int, above: int) -> None:
    others = below + equal + above
    if others:
        said = sentence("better than", below, equal, others)
        assert ("the same as" in said) == (equal > 0)
        assert (f"{others} others") in said


@given(st.floats(0, 1))
def test_no_p_is_zero(p: float) -> None:
    assert not re.fullmatch(r"p = 0\.0+", p_text(p))


def test_names_break_between_their_parts_and_nowhere_else() -> None:
    assert str(breakable("nano[share=0.25]")) == "nano<wbr>[share=<wbr>0.25]"
    assert str(breakable("lipsync.lse")) == "lipsync.<wbr>lse"
    assert str(breakable("offset_ms")) == "offset_<wbr>ms"
    assert str(breakable("<b>_x")) == "&lt;b&gt;_<wbr>x"


def test_results_of_metrics_that_the_run_does_not_hold_are_no_fault(tmp_path: Path) -> None:
    root = write_run(tmp_path, FakeRun(samples=4, media=False, evidence=False, stats=True, ablation=True))
    text = (root / "stats.json").read_text(encoding="utf-8").replace("video.motion@1", "gone.metric@1")
    (root / "stats.json").write_text(text, encoding="utf-8")
    ablation = json.loads((root / "ablation.json").read_text(encoding="utf-8"))
    for effect in ablation["effects"]:
        effect["result"]["metric"] = effect["result"]["metric"].replace("video.motion@1", "gone.metric@1")
    (root / "ablation.json").write_text(json.dumps(ablation), encoding="utf-8")
    assert build_report(root).is_file()


def test_a_single_pair_is_named_where_nothing_was_seen(judged: Path) -> None:
    only = contrast(read_run(judged.parent), paired(Verdict.NOT_SEEN, Direction.HIGHER, 0.01), CompareBlock())
    (said,) = sentences([only], CompareBlock())
    assert said.startswith(f"no difference seen between {only.who} and {only.other}")
    assert "1 of 1" not in said


def test_what_would_have_been_seen_is_qualified_where_one_system_lacks_samples(judged: Path) -> None:
    data, block = read_run(judged.parent), CompareBlock(baseline="Ovi")
    result = paired(Verdict.NOT_SEEN, Direction.HIGHER, 0.3)
    complete = result.model_copy(update={"only_system": 0, "only_baseline": 0})
    for each, said in ((result, True), (complete, False)):
        told = contrast(data, each, block)
        assert ("were nothing missing" in told.sentence) is said
        assert ("were nothing missing" in sentences([told], block)[0]) is said


@pytest.mark.parametrize(
    ("test", "words"),
    [("wilcoxon", "worst rank of"), ("paired_permutation", "worst value that its field allows")],
)
def test_what_a_missing_value_counts_as_is_that_of_the_test(stats: RunStats, test: str, words: str) -> None:
    block = stats.block.model_copy(update={"test": test})
    assert words in worst(stats.model_copy(update={"block": block}))


def test_too_few_samples_for_any_verdict_are_neither_missing_nor_power(judged: Path) -> None:
    why = "6 samples and 80 tests allow no corrected p below 1"
    result = paired(Verdict.NOT_SEEN, Direction.HIGHER, 0.3).model_copy(update={"why": why})
    only = contrast(read_run(judged.parent), result, CompareBlock())
    assert not held_back(result)
    assert sentences([only], CompareBlock()) == (f"nothing could be seen: {why}.",)
