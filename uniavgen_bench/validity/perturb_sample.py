"""Changes of what is asked of a clip, and speech spoken again by the portrait world in another voice or mood."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from uniavgen_bench.core.result import MissingError, Reason
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.media.mux import replace_audio
from uniavgen_bench.validity.perturb import Perturbation, StudyClip, sound_of

FAR_EMOTION = {
    "neutral": "angry", "happy": "sad", "sad": "angry", "angry": "sad", "surprised": "sad", "fearful": "sad",
}  # fmt: skip
"""For every emotion one that sounds unlike it: aroused for calm, calm for aroused, angry for sad."""
INTENSITY = 1.0
ROUNDS = 4
PACES = (0.6, 1.9)
CLOSE = 0.02
"""Share by which the words may take longer or shorter than in the clip."""


@dataclass(frozen=True)
class Asked(Perturbation):
    """The clip stays; the text, the reference, the emotion asked for, or the whole sample is that of another clip."""

    what: Literal["text", "reference", "emotion", "sample"]
    needs_other: ClassVar[bool] = True
    changes_media: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """`wrong-text` and so on."""
        return f"wrong-{self.what}"

    def may_take(self, clip: StudyClip, other: StudyClip) -> bool:
        """Tell whether the other clip's is not this one's."""
        mine, theirs = clip.sample, other.sample
        match self.what:
            case "text":
                return None not in (mine.speech, theirs.speech) and mine.speech != theirs.speech
            case "emotion":
                pair = (mine.facts.get("emotion"), theirs.facts.get("emotion"))
                return None not in pair and pair[0] != pair[1]
            case "reference":
                same = {mine.reference_audio, mine.image} & {theirs.reference_audio, theirs.image} - {None}
                return other.cluster != clip.cluster and not same
        return other.cluster != clip.cluster

    def asked(self, clip: StudyClip, other: StudyClip | None) -> Sample:
        """Return the sample with what belongs to the other clip."""
        assert other is not None
        mine, theirs = clip.sample, other.sample
        match self.what:
            case "text":
                return mine.model_copy(
                    update={"speech": theirs.speech, "speech_verified": theirs.speech_verified}
                )
            case "emotion":
                return mine.model_copy(update={"facts": mine.facts | {"emotion": theirs.facts["emotion"]}})
            case "reference":
                names = ("image", "reference_audio", "reference_text", "condition_audio")
                return mine.model_copy(update={name: getattr(theirs, name) for name in names})
        return theirs.model_copy(update={"id": mine.id, "task": mine.task})


@dataclass(frozen=True)
class UnknownLanguage(Perturbation):
    """The sample says that a language is spoken that no recogniser knows (`tlh`, Klingon)."""

    changes_media: ClassVar[bool] = False

    @property
    def name(self) -> str:
        """`unknown-language`."""
        return "unknown-language"

    def asked(self, clip: StudyClip, other: StudyClip | None) -> Sample:
        """Return the sample in that language."""
        return clip.sample.model_copy(update={"language": "tlh"})


@dataclass(frozen=True)
class SpokenAgain(Perturbation):
    """The same words at the same time by the same person, as before or in another emotion; only the portrait world."""

    emotion: Literal["same", "other"] = "same"

    @property
    def name(self) -> str:
        """`spoken-again`, or `swapped-emotion`."""
        return "spoken-again" if self.emotion == "same" else "swapped-emotion"

    def suits(self, clip: StudyClip) -> bool:
        """Tell whether the portrait world made it."""
        return clip.world and "truth" in clip.sample.facts

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the clip with its words spoken again."""
        _write_spoken(clip, clip, out, emotion=self.emotion)


@dataclass(frozen=True)
class SpokenByOther(Perturbation):
    """The same words at the same time in the same emotion by the person of another clip; only the portrait world."""

    gender: Literal["same", "other"] = "same"
    needs_other: ClassVar[bool] = True

    @property
    def name(self) -> str:
        """`swapped-voice`, or `swapped-voice-gender`."""
        return "swapped-voice" if self.gender == "same" else "swapped-voice-gender"

    def suits(self, clip: StudyClip) -> bool:
        """Tell whether the portrait world made it."""
        return clip.world and "truth" in clip.sample.facts

    def may_take(self, clip: StudyClip, other: StudyClip) -> bool:
        """Tell whether the other person is of the world and of the gender that is asked for."""
        genders = clip.sample.facts.get("gender"), other.sample.facts.get("gender")
        another = other.cluster != clip.cluster and self.suits(other)
        return another and (genders[0] == genders[1]) == (self.gender == "same")

    def write(self, clip: StudyClip, other: StudyClip | None, out: Path) -> None:
        """Write the clip with its words in the other's voice."""
        assert other is not None
        _write_spoken(clip, other, out)


def _write_spoken(
    clip: StudyClip, speaker: StudyClip, out: Path, *, emotion: Literal["same", "other"] = "same"
) -> None:
    """Let a person say a clip's words again, at a pace at which they take as long, and lay them under its picture."""
    from uniavgen_bench.datasets.portraits.dataset import truth_of
    from uniavgen_bench.datasets.portraits.recipe import head_of
    from uniavgen_bench.datasets.portraits.speech import SPEECH_RATE, say
    from uniavgen_bench.datasets.portraits.voices import voice_of

    sound, rate = sound_of(clip.path)
    if rate != SPEECH_RATE:
        raise MissingError(Reason.NOT_MEASURABLE, "the clip's sound has another rate than the world's")
    facts = truth_of(clip.sample).facts
    voice = voice_of(head_of(truth_of(speaker.sample).facts.identity))
    mood = (facts.emotion, facts.intensity) if emotion == "same" else (FAR_EMOTION[facts.emotion], INTENSITY)
    hurry, wanted = facts.hurry, facts.speech_end - facts.speech_start
    speech = say(facts.speech, voice, *mood, hurry=hurry)
    for _ in range(ROUNDS):
        ratio = speech.phones[-1].start / wanted
        if abs(ratio - 1.0) < CLOSE:
            break
        hurry = min(max(hurry * ratio, PACES[0]), PACES[1])
        speech = say(facts.speech, voice, *mood, hurry=hurry)
    line = np.zeros(sound.shape[-1], np.float32)
    first = round(facts.speech_start * rate)
    fits = speech.samples[: len(line) - first].astype(np.float32) / np.float32(32768)
    line[first : first + len(fits)] = fits
    replace_audio(clip.path, line, rate, 0.0, out)
