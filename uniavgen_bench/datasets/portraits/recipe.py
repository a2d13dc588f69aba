"""What each clip of the dataset is made of: person, domain, emotion, sentences, format; drawn from a seed alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

from uniavgen_bench.core.errors import InputError

from .exact_math import Draws, mix64
from .face_state import EMOTIONS, Emotion
from .head_params import Age, Domain, Gender, HeadParams, sample_head
from .sentences import Grammar, Split, draw_sentence

DomainChoice = Literal["plain", "stylised", "both"]
DOMAIN_CHOICES: tuple[DomainChoice, ...] = get_args(DomainChoice)

FIRST_IDENTITY: dict[Split, int] = {"train": 1_000_000, "val": 2_000_000, "test": 3_000_000}
IDENTITIES: dict[Split, int] = {"train": 400, "val": 48, "test": 48}
"""People of a split: fixed and disjoint, whatever the seed of a dataset is. Each fourth is a plain woman, a stylised
woman, a plain man, a stylised man, where both domains are asked for."""
AGE_SHARES: dict[Age | None, float] = {"child": 0.06, "young": 0.37, "adult": 0.37, "old": 0.20}

LATENT_STRIDE = 4
"""Clips have 4 n + 1 frames: video codecs of current generators take no other number."""


@dataclass(frozen=True)
class Format:
    """Picture and time of a clip: `size` pixels square, `frames` at `fps`."""

    size: int
    fps: int
    frames: int

    @property
    def seconds(self) -> float:
        """Length of picture and sound in s."""
        return self.frames / self.fps


def format_of(size: int, fps: int, seconds: float) -> Format:
    """Return the format nearest to a length in s that has 4 n + 1 frames."""
    return Format(size, fps, LATENT_STRIDE * max(1, round((seconds * fps - 1) / LATENT_STRIDE)) + 1)


@dataclass(frozen=True)
class Recipe:
    """All that fixes a clip: equal recipes give equal bytes."""

    split: Split
    number: int
    identity: int
    domain: Domain
    emotion: Emotion
    intensity: float
    grammar: Grammar
    form: Format
    seed: int

    @property
    def name(self) -> str:
        """The sample's id."""
        return f"{self.split}-{self.number:04d}"


def gender_of(identity: int) -> Gender:
    """Return the gender of an identity: two women, two men, and so on."""
    return "female" if (identity // 2) % 2 == 0 else "male"


@cache
def head_of(identity: int) -> HeadParams:
    """Return what a person of the dataset looks like."""
    draw = Draws(identity, "age")
    draw.uniform()
    return sample_head(mix64(identity) >> 16, gender=gender_of(identity), age=draw.pick(AGE_SHARES))


def draw_recipes(
    split: Split, count: int, domain: DomainChoice, grammar: Grammar, form: Format, seed: int
) -> tuple[Recipe, ...]:
    """Draw the recipes of a dataset; the first n of a longer one are those of a shorter one.

    Genders, emotions, and domains where both are asked for, are equally frequent, and every 24 samples hold each
    combination once. Nobody returns before everybody has had a turn.

    Raises:
        InputError: fewer than one sample.
    """
    if count < 1:
        raise InputError("samples must be at least 1")
    strata = _strata(split, domain, seed)
    made = []
    for i in range(count):
        people = strata[i % len(strata)]
        identity = people[(i // len(strata)) % len(people)]
        drawn: Domain = "plain" if identity % 2 == 0 else "stylised"
        size = len(strata) * len(people)
        # A round of a multiple of 24 would bring everybody back with the emotion of the last time.
        emotion = EMOTIONS[(i // 4 + i + (i // size if size % 24 == 0 else 0)) % len(EMOTIONS)]
        own = mix64(mix64(seed) ^ (identity << 24) ^ i)
        intensity = 0.0 if emotion == "neutral" else round(Draws(own, "intensity").uniform(0.6, 1.0), 2)
        chosen = drawn if domain == "both" else domain
        made.append(Recipe(split, i, identity, chosen, emotion, intensity, grammar, form, own))
    return tuple(made)


def _strata(split: Split, domain: DomainChoice, seed: int) -> list[list[int]]:
    """Return the people of a split in groups to draw from in turn, each in an order of its own."""
    first, count = FIRST_IDENTITY[split], IDENTITIES[split]
    everybody = range(first, first + count)
    parities = (0, 1) if domain == "both" else (None,)
    groups = []
    for gender in ("female", "male"):
        for parity in parities:
            people = [n for n in everybody if gender_of(n) == gender and parity in (None, n % 2)]
            groups.append(_shuffled(people, Draws(seed, f"order {split} {gender} {parity}")))
    return groups


def _shuffled(people: list[int], draw: Draws) -> list[int]:
    order = list(people)
    for i in range(len(order) - 1, 0, -1):
        j = int(draw.uniform(0, i + 1))
        order[i], order[j] = order[j], order[i]
    return order


def sentence_draws(recipe: Recipe, attempt: int) -> str:
    """Draw the sentence of a clip; further attempts are for those that do not fit its length."""
    most = max(5, int(recipe.form.seconds * 2.6)) if attempt < 3 else 5
    return draw_sentence(
        Draws(recipe.seed, f"speech {attempt}"), recipe.grammar, recipe.split, most_words=most
    )


def reference_sentence(recipe: Recipe, spoken: str) -> str:
    """Draw another sentence of the same split, for the reference audio."""
    draw = Draws(recipe.seed, "reference")
    while True:
        sentence = draw_sentence(draw, recipe.grammar, recipe.split)
        # A speaker encoder wants more than a second of voice.
        if sentence != spoken and len(sentence.split()) >= 6:
            return sentence


def at_rest(recipe: Recipe) -> Recipe:
    """Return the recipe without its emotion."""
    return replace(recipe, emotion="neutral", intensity=0.0)
