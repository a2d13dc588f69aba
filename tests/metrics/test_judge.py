"""The judged metrics against a judge on loopback, good, malformed, slow or failing; the key stays in its header."""

from __future__ import annotations

import io
import json
import logging
import wave
from base64 import b64decode
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judge_server import EMOTION, TIMBRE, JudgeServer, Said, gemini, openai, serving

from uniavgen_bench.analysis.artefacts import (
    Crops,
    Faces,
    Frames,
    Speaker,
    SpeakerChoice,
    Speech,
    Track,
    VoiceActivity,
)
from uniavgen_bench.core.errors import InputError
from uniavgen_bench.core.result import REASON_TEXT, Measurement, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.store import Store
from uniavgen_bench.judges.answers import parse
from uniavgen_bench.judges.judge import JudgeError
from uniavgen_bench.judges.rubric import load_rubric
from uniavgen_bench.judges.settings import JudgeSettings, judge_settings
from uniavgen_bench.media.probe import ClipFacts
from uniavgen_bench.metrics.judge_emotion import METRIC as EMOTION_METRIC
from uniavgen_bench.metrics.judge_emotion import EmotionAnswer
from uniavgen_bench.metrics.judge_question import FROM_THE_FACE
from uniavgen_bench.metrics.judge_timbre import METRIC as TIMBRE_METRIC
from uniavgen_bench.metrics.judge_timbre import TimbreAnswer
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.runner.score_clip import score_clip, score_key

KEY = "sk-Very-Secret-0123456789"
SAMPLE = Sample(id="clip-7", caption="never sent", speech="never sent")


class Weights:
    """No weights are needed."""

    def path(self, name: str) -> Path:
        raise MissingError(Reason.WEIGHTS)

    def sha256(self, name: str) -> str:
        return "0" * 64


MODELS = SimpleNamespace(weights=Weights(), device="cpu", threads=1)


def clip(sound: str = "b" * 64, *, frames: int = 50, seconds: float = 2.0, spoken: bool = True) -> Any:
    times = np.arange(frames) / 25
    track = Track(
        np.arange(frames),
        np.zeros((frames, 4), np.float32),
        np.ones(frames, np.float32),
        np.zeros((frames, 468, 3), np.float32),
        np.ones(frames, np.float32),
    )
    segments = np.array([[0.1, seconds]]) if spoken else np.zeros((0, 2))
    samples = np.sin(np.arange(round(16_000 * seconds)) / 20).astype(np.float32)
    return SimpleNamespace(
        facts=ClipFacts("f" * 64, "a" * 64, sound, seconds, seconds, 25.0, 256, 256, "h264", "aac", 16_000),
        frames=Frames(times, 256, 256, np.array([[0, frames - 1]])),
        faces=Faces((track,)),
        crops=Crops(
            256, (tuple(f"jpeg {i}".encode() for i in range(frames)),), (np.ones((frames, 3), np.float32),)
        ),
        speech=Speech(samples, 16_000, 0.0, 16_000, 1),
        voice_activity=VoiceActivity(segments, np.ones(1, np.float32), 0.03, 0.0),
        speaker=Speaker(0, SpeakerChoice.ONLY_FACE, (1.0,)),
    )


@pytest.fixture(autouse=True)
def own_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in JudgeSettings.model_fields:
        monkeypatch.delenv(f"UNIAVGEN_BENCH_JUDGE_{name.upper()}", raising=False)
    monkeypatch.setenv("UNIAVGEN_BENCH_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch):
    def configure(server: JudgeServer | None = None, **values: str) -> None:
        chosen = {"model": "fake", "key": KEY, "wait": "0.01", "timeout": "5"}
        for name, value in {**chosen, **({"url": server.url} if server else {}), **values}.items():
            monkeypatch.setenv(f"UNIAVGEN_BENCH_JUDGE_{name.upper()}", value)

    return configure


def graded(score: Any) -> dict[str, Any]:
    return openai({**TIMBRE, "score": score})


def measured(metric: Metric = TIMBRE_METRIC, **of: Any) -> Measurement:
    return metric.measure(clip(**of), SAMPLE, MODELS)


def refusal(metric: Metric = TIMBRE_METRIC, **of: Any) -> MissingError:
    with pytest.raises(MissingError) as caught:
        measured(metric, **of)
    return caught.value


def test_three_answers_give_their_mean_their_spread_and_their_cost(use) -> None:
    with serving(graded(0.5), graded(0.75), graded(1)) as server:
        use(server)
        result = measured()
    assert len(server.asked) == 3
    assert {name: s.value for name, s in result.scores.items()} == pytest.approx(
        {"score": 0.75, "retest_sd": 0.25, "tokens_in": 3000, "tokens_out": 150}
    )
    assert result.evidence.texts["model's own name"] == "fake-2026-01-01"
    assert "a generation apart" in result.evidence.texts["answer 1"]


def test_the_request_holds_rubric_pictures_sound_and_nothing_else(use) -> None:
    with serving(openai(EMOTION)) as server:
        use(server)
        assert measured(EMOTION_METRIC, frames=100, seconds=4.0).scores["score"] == Score(0.5)
    request = server.asked[0]
    assert request.path == "/v1/chat/completions"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.body["model"] == "fake"
    parts = request.body["messages"][0]["content"]
    assert parts[0]["text"] == load_rubric("emotion_v1").text
    pictures = [p["image_url"]["url"] for p in parts if p["type"] == "image_url"]
    assert [b64decode(p.removeprefix("data:image/jpeg;base64,")) for p in pictures] == [
        f"jpeg {i}".encode() for i in (6, 18, 31, 43, 56, 68, 81, 93)
    ]
    (sound,) = [p["input_audio"] for p in parts if p["type"] == "input_audio"]
    with wave.open(io.BytesIO(b64decode(sound["data"]))) as read:
        assert (read.getframerate(), read.getnchannels(), read.getnframes()) == (16_000, 1, 64_000)
    text = json.dumps(request.body)
    assert "never sent" not in text
    assert "clip-7" not in text


def test_gemini_is_asked_in_its_own_words_and_its_thinking_counts(use) -> None:
    with serving(gemini(TIMBRE)) as server:
        use(server, api="gemini", model="gemini-x")
        result = measured()
    request = server.asked[0]
    assert request.path == "/v1/models/gemini-x:generateContent"
    assert request.headers["X-Goog-Api-Key".title()] == KEY
    assert [p["inlineData"]["mimeType"] for p in request.body["contents"][0]["parts"] if "inlineData" in p] == [
        *["image/jpeg"] * 8, "audio/wav",
    ]  # fmt: skip
    assert result.scores["tokens_out"] == Score(3 * 240)
    assert result.scores["score"] == Score(0.75)


def long_clip(seconds: float, seen_from: float, heard_from: float = 0.0) -> Any:
    """Return a clip whose face is seen from a moment on, and whose sound tells its time: value = s / 100."""
    whole = clip(frames=round(25 * seconds), seconds=seconds)
    (track,), skipped = whole.faces.tracks, round(25 * seen_from)
    seen = replace(track, frames=track.frames[skipped:])
    whole.faces = Faces((seen,))
    whole.crops = Crops(256, (whole.crops.jpegs[0][skipped:],), (whole.crops.regions[0][skipped:],))
    told = (np.arange(round(16_000 * (seconds - heard_from))) / 16_000 + heard_from) / 100
    whole.speech = Speech(told.astype(np.float32), 16_000, heard_from, 16_000, 1)
    return whole


def sent(server: JudgeServer) -> tuple[list[float], np.ndarray]:
    """Return the pictures' times in s, and for each sample of the sound its time in s."""
    parts = server.asked[0].body["messages"][0]["content"]
    times = [float(p["text"].split()[2]) for p in parts if p["type"] == "text" and "Picture" in p["text"]]
    (sound,) = [p["input_audio"]["data"] for p in parts if p["type"] == "input_audio"]
    with wave.open(io.BytesIO(b64decode(sound))) as read:
        samples = np.frombuffer(read.readframes(read.getnframes()), "<i2")
    return times, samples / 32767 * 100


@pytest.mark.parametrize(
    "seconds, seen_from, heard_from, begin, end",
    [
        (40.0, 0.0, 0.0, 0.0, 30.0),
        (70.0, 40.0, 0.0, 40.0, 70.0),
        (80.0, 40.0, 1.5, 40.0, 70.0),
        (50.0, 35.0, 0.0, 35.0, 50.0),
        (20.0, 12.0, 0.0, 0.0, 20.0),
        (30.0, 0.0, 0.0, 0.0, 30.0),
    ],
)
def test_pictures_and_sound_are_of_the_same_half_minute(
    use, seconds: float, seen_from: float, heard_from: float, begin: float, end: float
) -> None:
    with serving(openai(TIMBRE)) as server:
        use(server)
        TIMBRE_METRIC.measure(long_clip(seconds, seen_from, heard_from), SAMPLE, MODELS)
    times, heard = sent(server)
    assert len(times) == 8
    assert max(begin, seen_from) <= min(times) and max(times) < end
    assert min(times) < seen_from + 2.5 and max(times) > min(end, seconds) - 2.5
    assert heard[0] == pytest.approx(begin, abs=0.01) and heard[-1] == pytest.approx(end, abs=0.01)
    assert len(heard) == round(16_000 * (end - begin))


def test_a_long_clip_in_whose_half_minute_nobody_speaks_is_not_sent(use) -> None:
    silent = long_clip(70.0, 40.0)
    silent.voice_activity = VoiceActivity(np.array([[1.0, 39.0]]), np.ones(1, np.float32), 0.03, 0.0)
    with serving(openai(TIMBRE)) as server:
        use(server)
        with pytest.raises(MissingError) as caught:
            TIMBRE_METRIC.measure(silent, SAMPLE, MODELS)
    assert caught.value.missing.reason is Reason.NO_SPEECH and not server.asked


def test_only_a_long_clips_answers_are_asked_for_anew_since_the_part_that_is_shown_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(
        "uniavgen_bench.metrics.judge_metric.ask_repeatedly",
        lambda rubric, kind, shown, *rest: asked.append(shown) or [],
    )
    for seconds in (30.0, 31.0):
        with pytest.raises(ValueError, match="finite"), pytest.warns(RuntimeWarning):
            measured(seconds=seconds)  # no answer has no mean
    assert asked == [["a" * 64, "b" * 64, 8, 30.0], ["a" * 64, "b" * 64, 8, 30.0, FROM_THE_FACE]]


def test_a_second_run_costs_nothing_and_needs_no_key(use, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(graded(0.25), graded(0.5), graded(0.75), graded(1.0)) as server:
        use(server)
        first = measured()
        monkeypatch.delenv("UNIAVGEN_BENCH_JUDGE_KEY")
        assert measured() == first
        assert len(server.asked) == 3
        assert refusal(sound="c" * 64).missing.reason is Reason.NO_JUDGE  # another sound is another question


def test_an_answer_that_was_paid_is_kept_when_a_later_one_fails(use) -> None:
    with serving(graded(0.5), Said({}, 400), graded(0.75)) as server:
        use(server)
        assert refusal().missing.reason is Reason.FAILED
        assert measured().scores["score"].value == pytest.approx((0.5 + 0.75 + 0.75) / 3)
        assert len(server.asked) == 4


@pytest.mark.parametrize(
    "damage", [b"", b"{", b'{"text": "[]", "model": "", "tokens_in": 1, "tokens_out": 1}']
)
def test_a_damaged_answer_is_asked_again(use, own_home: Path, damage: bytes) -> None:
    with serving(openai(TIMBRE)) as server:
        use(server)
        measured()
        store = Store(own_home / "judge")
        for file in [p for p in (own_home / "judge").rglob("*") if p.is_file()]:
            store.put(file.parent.name + file.name, damage)
        measured()
        assert len(server.asked) == 6


BAD = {
    "no JSON": "I would say 0.8",
    "a list": [TIMBRE],
    "a key too many": {**TIMBRE, "confidence": 1},
    "a key too few": {k: v for k, v in TIMBRE.items() if k != "voice_age"},
    "a number in words": {**TIMBRE, "score": "0.75"},
    "true": {**TIMBRE, "score": True},
    "above one": {**TIMBRE, "score": 1.2},
    "not a number": json.dumps(TIMBRE).replace("0.75", "NaN"),
    "an unknown word": {**TIMBRE, "face_gender": "woman"},
    "words around it": f"Sure! {json.dumps(TIMBRE)}",
    "a novel": {**TIMBRE, "reason": "x" * 700},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_an_answer_outside_the_schema_is_asked_for_again(use, bad: Any) -> None:
    with serving(openai(bad), openai(TIMBRE)) as server:
        use(server)
        result = measured()
    assert len(server.asked) == 4
    assert result.scores["score"] == Score(0.75)
    assert result.scores["tokens_in"] == Score(4000)  # the bad answer was paid for as well


def test_a_judge_that_never_fits_the_schema_gives_no_score(use) -> None:
    with serving(openai({**TIMBRE, "score": 7})) as server:
        use(server, attempts="3")
        missing = refusal().missing
    assert missing.reason is Reason.FAILED
    assert "score: Input should be less than or equal to 1" in missing.detail
    assert "after 3 attempts" in missing.detail
    assert len(server.asked) == 3


def test_one_code_fence_around_an_answer_is_taken_off() -> None:
    assert parse(f"```json\n{json.dumps(TIMBRE)}\n```", TimbreAnswer).score == 0.75
    with pytest.raises(JudgeError):
        parse(f"```json\n{json.dumps(TIMBRE)}\n``` and more", TimbreAnswer)


@settings(deadline=None)
@given(st.text(max_size=80))
def test_text_is_never_read_as_a_grade(text: str) -> None:
    with pytest.raises(JudgeError):
        parse(text, EmotionAnswer)


@settings(deadline=None)
@given(st.floats(0, 1))
def test_every_grade_of_the_scale_is_read_as_it_is(score: float) -> None:
    assert parse(json.dumps({**EMOTION, "score": score}), EmotionAnswer).score == score


def test_the_rubrics_name_exactly_the_keys_of_their_schemas() -> None:
    for name, kind, example in (("timbre_v1", TimbreAnswer, TIMBRE), ("emotion_v1", EmotionAnswer, EMOTION)):
        last = load_rubric(name).text.strip().splitlines()[-1]
        assert all(f'"{field}":' in last for field in kind.model_fields)
        assert set(example) == set(kind.model_fields)
        for field in kind.model_fields.values():
            for word in getattr(field.annotation, "__args__", ()):
                assert f'"{word}"' in last


def test_too_many_requests_wait_as_long_as_the_server_asks(use, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("uniavgen_bench.judges.answers.time.sleep", waits.append)
    busy = [
        Said({}, 429, {"Retry-After": "7"}),
        Said({}, 429),
        Said({}, 503),
        Said({}, 429, {"Retry-After": "9999"}),
    ]
    with serving(*busy, openai(TIMBRE)) as server:
        use(server, attempts="5", wait="1")
        measured()
    assert waits == [7.0, 2.0, 4.0, 60.0]
    assert len(server.asked) == 7


@pytest.mark.parametrize(
    ("status", "said"),
    [(400, "Bad Request"), (401, "refuses the key"), (403, "refuses the key"), (404, "Not Found")],
)
def test_a_refusal_is_not_repeated(use, status: int, said: str) -> None:
    with serving(Said({"error": f"bad key {KEY}"}, status)) as server:
        use(server)
        missing = refusal().missing
    assert missing.reason is Reason.FAILED
    assert said in missing.detail
    assert len(server.asked) == 1


def test_redirects_are_not_followed(use) -> None:
    with serving(openai(TIMBRE)) as other, serving(Said({}, 307, {"Location": f"{other.url}/x"})) as server:
        use(server)
        assert "HTTP 307" in refusal().missing.detail
    assert not other.asked


@pytest.mark.parametrize("slow", [Said(openai(TIMBRE), after=3.0), Said(openai(TIMBRE), drip=0.05)])
def test_a_slow_judge_is_left_at_the_deadline(use, slow: Said) -> None:
    with serving(slow) as server:
        use(server, timeout="0.3", attempts="2")
        missing = refusal().missing
    assert missing.reason is Reason.FAILED
    assert "no answer within 0.3 s, after 2 attempts" in missing.detail


@pytest.mark.parametrize(
    "body", ["<html>", '{"choices": []}', '{"choices": [{"message": {"content": null}}]}', "[]"]
)
def test_a_reply_without_a_message_gives_no_score(use, body: str) -> None:
    with serving(Said(body)) as server:
        use(server, attempts="2")
        assert refusal().missing.reason is Reason.FAILED
    assert len(server.asked) == 2


def test_a_judge_on_this_machine_is_asked_past_any_proxy(use, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(openai(TIMBRE)) as server:
        use(server, attempts="1")
        assert measured().scores["score"] == Score(0.75)


def test_nobody_listening_is_told(use) -> None:
    with serving(openai(TIMBRE)) as server:
        pass
    use(server, attempts="1")
    assert "no connection" in refusal().missing.detail


def test_an_endpoint_that_counts_no_tokens_gives_a_score_and_a_reason(use) -> None:
    with serving(openai(TIMBRE, usage=False)) as server:
        use(server)
        result = measured()
    assert result.scores["score"] == Score(0.75)
    assert result.scores["tokens_in"].reason is Reason.NOT_MEASURABLE


def test_without_a_judge_the_reason_says_so_and_nothing_is_kept(use, tmp_path: Path) -> None:
    assert refusal().missing.reason is Reason.NO_JUDGE
    assert "UNIAVGEN_BENCH_JUDGE_MODEL" in refusal().missing.detail
    assert Reason.NO_JUDGE in REASON_TEXT
    store = Store(tmp_path / "scores")
    scored = score_clip(TIMBRE_METRIC, clip(), SAMPLE, MODELS, store)
    assert {s.reason for s in scored.scores.values()} == {Reason.NO_JUDGE}
    assert not (tmp_path / "scores").exists()
    use(key="")
    assert "UNIAVGEN_BENCH_JUDGE_KEY" in refusal().missing.detail


def test_silence_is_not_sent(use) -> None:
    with serving(openai(TIMBRE)) as server:
        use(server)
        assert refusal(spoken=False).missing.reason is Reason.NO_SPEECH
    assert not server.asked


def test_another_judge_or_rubric_is_another_address(use, monkeypatch: pytest.MonkeyPatch) -> None:
    def address(metric: Metric = TIMBRE_METRIC) -> str:
        return score_key(metric, clip(), SAMPLE, MODELS)

    use()
    first = address()
    use(model="other")
    assert address() != first
    use(model="fake", key="sk-other", url="https://example.com/v1")
    assert address() == first  # who pays, and through which door, changes no number
    use(api="gemini")
    assert address() != first
    use(api="openai")
    changed = replace(load_rubric("timbre_v1"), sha256="f" * 64)
    monkeypatch.setattr("uniavgen_bench.metrics.judge_metric.load_rubric", lambda name: changed)
    assert address() != first


def test_the_key_is_nowhere_but_in_its_header(
    use, own_home: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = {**TIMBRE, "reason": f"my key is {KEY}"}
    said: list[str] = []
    with serving(openai(echo), openai(echo), openai(echo), Said({"error": KEY}, 401), Said(KEY)) as server:
        use(server, attempts="1")
        store = Store(tmp_path / "scores")
        scored = score_clip(TIMBRE_METRIC, clip(), SAMPLE, MODELS, store)
        assert isinstance(scored.scores["score"], Score)
        assert "[key]" in scored.evidence.texts["answer 1"]
        failed = [score_clip(TIMBRE_METRIC, clip(c * 64), SAMPLE, MODELS, store) for c in "cd"]
        assert all(s.scores["score"].reason is Reason.FAILED for s in failed)
        said += [repr(scored), repr(failed), repr(TIMBRE_METRIC.parameters), repr(judge_settings())]
        said.append(judge_settings().model_dump_json())
        for request in server.asked:
            assert KEY not in json.dumps(request.body) + request.path
    out = capfd.readouterr()
    said += [caplog.text, out.out, out.err]
    said += [p.read_bytes().decode("latin-1") for p in tmp_path.rglob("*") if p.is_file()]
    assert len(said) > 8
    assert not any(KEY in text for text in said)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("key", f"{KEY}\nHost: evil"), ("key", f"{KEY}é"), ("url", f"https://user:{KEY}@example.com"),
        ("url", f"https://example.com/?key={KEY}"), ("url", f"http://example.com/{KEY}"), ("url", f"{KEY}"),
        ("url", f"http://[{KEY}"), ("timeout", f"{KEY}"), ("attempts", "0"), ("api", "opnai"),
    ],
)  # fmt: skip
def test_a_bad_setting_is_one_line_that_does_not_repeat_it(use, name: str, value: str) -> None:
    use(**{name: value})
    with pytest.raises(InputError) as caught:
        _ = TIMBRE_METRIC.parameters
    assert KEY not in str(caught.value)
    assert "\n" not in str(caught.value)
    if name != "api":
        assert f"UNIAVGEN_BENCH_JUDGE_{name.upper()}" in str(caught.value)
    else:
        assert "openai" in str(caught.value)


@pytest.mark.parametrize("url", ["https://example.com/v1/", "http://localhost:8000/v1", "http://[::1]:1/v1"])
def test_safe_addresses_are_taken(use, url: str) -> None:
    use(url=url)
    assert judge_settings().url == url.rstrip("/")
