"""The size of a clip beside what was asked: exact sizes are compared, and nothing else is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from external.world import make, sample, system
from uniavgen_bench.core.sample import Task
from uniavgen_bench.media.probe import ClipFacts
from uniavgen_bench.systems.external.mova import MovaOptions
from uniavgen_bench.systems.external.plugin import ExternalSystem
from uniavgen_bench.systems.external.sizes import size_departure, stated_sizes
from uniavgen_bench.systems.external.wav2lip import Wav2LipOptions

FACTS = ClipFacts("0", "0", "0", 2.0, 2.0, 25.0, 512, 512, "h264", "aac", 16_000)


def of(width: int | None, height: int | None) -> ClipFacts:
    return replace(FACTS, width=width, height=height)


@pytest.mark.parametrize(
    ("stated", "sizes"),
    [
        ("512x512", ((512, 512),)),
        ("nearest of 400x720, 720x720, 720x400, cropped", ((400, 720), (720, 720), (720, 400))),
        ("1024x1536 unless told otherwise", ()),
        ("short side 736", ()),
        ("of the image", ()),
        ("not stated", ()),
    ],
)
def test_only_a_statement_that_is_nothing_but_sizes_is_compared(
    stated: str, sizes: tuple[tuple[int, int], ...]
) -> None:
    assert stated_sizes(stated) == sizes


def test_stated_sizes_hold_either_way_round(tmp_path: Path) -> None:
    given = sample(tmp_path)
    assert size_departure(given, of(854, 480), "480x854", None) == ""
    assert size_departure(given, of(480, 854), "480x854", None) == ""
    said = size_departure(given, of(848, 480), "480x854", None)
    assert said == "848x480, not the size that its authors state (480x854)"


def test_a_size_that_was_asked_for_comes_before_what_is_stated(tmp_path: Path) -> None:
    given, options = sample(tmp_path), MovaOptions(height=352, width=640)
    assert size_departure(given, of(640, 352), "512x512", options) == ""
    assert size_departure(given, of(352, 640), "512x512", options) == "352x640, not the 640x352 asked for"


def test_a_clip_is_compared_with_the_image_or_the_video_that_it_was_made_of(tmp_path: Path) -> None:
    driven = sample(tmp_path, task=Task.AUDIO_DRIVEN)
    assert size_departure(driven, of(128, 96), "of the image", Wav2LipOptions()) == ""
    assert size_departure(driven, of(127, 96), "of the image", Wav2LipOptions()) == "", (
        "encoders want even sides"
    )
    assert (
        size_departure(driven, of(96, 128), "of the image", None) == "96x128, not the 128x96 that was given"
    )
    assert size_departure(driven, of(64, 48), "of the image", Wav2LipOptions(resize_factor=2)) == ""
    dubbed = sample(tmp_path, task=Task.DUBBING)
    assert size_departure(dubbed, of(32, 32), "of the video", None) == ""
    assert size_departure(dubbed, of(128, 96), "of the video", None) == "128x96, not the 32x32 that was given"


def test_what_cannot_be_compared_is_not_called_a_departure(tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    broken = sample(tmp_path, image=tmp_path / "broken.png")
    assert size_departure(broken, of(64, 64), "of the image", None) == ""
    assert size_departure(broken, of(None, None), "512x512", None) == ""
    assert size_departure(broken, of(64, 64), "area of the image", None) == ""


def test_a_chosen_resolution_is_not_held_against_the_stated_size(tmp_path: Path) -> None:
    given = sample(tmp_path)
    default, chosen = (made.options for made in (javisdit(), javisdit(resolution="720p")))
    assert size_departure(given, of(1280, 720), "480x854", default) != ""
    assert size_departure(given, of(1280, 720), "480x854", chosen) == ""


def javisdit(**options: object) -> ExternalSystem:
    return system("javisdit", text_only=True, **options)


def test_what_was_delivered_lies_beside_the_clip_as_values(tmp_path: Path) -> None:
    made = make(javisdit(), [sample(tmp_path / "given")], tmp_path)
    facts = made.facts[0]
    delivered = facts["delivered"]
    assert (delivered["width"], delivered["height"], delivered["fps"]) == (64, 64, 16.0)
    assert (delivered["video_codec"], delivered["audio_rate"]) == ("h264", 16_000)
    assert delivered["level_db"] == pytest.approx(-17.0, abs=0.5)
    assert facts["departures"] == ["64x64, not the size that its authors state (480x854)"]
    assert facts["departures"][0] in facts["media"]
