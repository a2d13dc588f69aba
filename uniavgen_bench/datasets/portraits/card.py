"""The dataset card: counted from the code, so that it cannot go out of date unseen.

Write it: `python -m uniavgen_bench.datasets.portraits.card docs/datasets/portraits.md`; a test compares the two.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from uniavgen_bench.core.atomic import write_atomic

from .face_state import CURVES, EMOTIONS
from .head_params import AGES, GENDERS
from .prosody import FULL
from .recipe import FIRST_IDENTITY, IDENTITIES, head_of
from .sentences import GRID_COUNT, GRID_SLOTS, SHARES, SPLITS, free_sentences
from .speech import SPEECH_RATE
from .timeline import EARLIEST, LATEST, LEAD, LEAST_TAIL, MOST_HURRY, VISEME_OF
from .truth import LANDMARKS

CARD = """\
# Dataset card: portraits

Procedural talking heads with ground truth: 3-D heads drawn by signed distances that speak synthetic speech. Mouth,
voice, identity and emotion of every frame are known, because they were chosen before the frame was drawn. Nothing is
downloaded and nothing is recorded: the clips are made on the machine that asks for them.

This page is written by `python -m uniavgen_bench.datasets.portraits.card docs/datasets/portraits.md`.

## Use

```yaml
dataset: {{name: portraits, split: test, samples: 24, task: joint, domain: both}}
```

Needs the extra `portraits` (`pip install 'uniavgen-bench[portraits]'`). Options: `split`, `samples`, `task`, `domain`
(plain, stylised, both), `size` (64 … 256 pixels), `fps`, `seconds`, `seed`, `sentences` (grid, free). Clips lie below
`UNIAVGEN_BENCH_HOME/portraits`; a damaged or half-written one is made again, and deleting them costs only time.

It is meant for testing metrics against known answers, for comparing systems that were trained on it, and for training
small models. It is **not** a stand-in for real people: never put its numbers into one table with those of real clips.

## Counts

| split | people | women / men | {ages} | free sentences | GRID sentences |
|---|---|---|{age_rule}|---|---|
{splits}

- People and sentences of the splits are disjoint for every seed: people by their numbers
  ({people_from}), sentences by a hash of their letters
  ({shares} of a hundred). The {words} words of GRID make {grid} sentences.
- Clips are drawn without end: a clip is a person, a domain, an emotion with an intensity, a sentence and a seed. Every
  24 clips in a row hold each combination of gender, domain and emotion once, and whoever returns has another emotion.
- Emotions: {emotions}. Intensity 0.6 … 1, for neutral 0.
- {frames} curves of the face, {landmarks} landmarks, {phones} phones and silence, 15 visemes.

## What a sample holds

Reference image (calm, another moment than any frame of the clip), caption, text to speak, reference audio (another
sentence of the voice, calm) with its text; by task the driving speech, the silent clip, or the clip's beginning. Facts:
identity, gender, age, emotion, intensity, domain, split.

Beside it lies the truth: `truth.json` (phones with start, end, stress and visemes; speech's start and end; the facts)
and `truth.safetensors` (per frame: face mask, landmarks, opening and width of the mouth over the distance between the
eyes, pose, all curves of the face, the phone spoken at the frame's moment).

## How it is made

- **Faces.** Drawn from a seed: shape, skin, hair, glasses, clothes, background, light. `plain` is shaded like a
  rendered film, `stylised` drawn with big eyes and vivid hair. Arithmetic that IEEE 754 rounds in one way only gives
  equal pictures on every machine.
- **Voices.** eSpeak NG, American English, with formants, bandwidths, pitch, rate, brightness, breath and a little room
  drawn from the same seed, in ranges that go with the gender and age of the face; flutter, which is random, is off.
  {rate} Hz, 16 bits.
- **Emotion** moves the face by action units and the voice together; at full intensity:

| emotion | pitch | range | rate | loudness, dB | brightness, dB | tremor |
|---|---|---|---|---|---|---|
{prosody}

- **Mouth.** Phone times of the synthesiser, one or two visemes a phone, dominance functions for co-articulation; lips
  move {lead:.0f} ms before they are heard, which puts the best agreement of mouth and loudness at no shift.
- **Time.** Speech starts between {earliest:.1f} and {latest:.1f} s, so that no system can know when without listening,
  and ends at least {tail:.2f} s before the clip. A sentence that is too long is spoken up to {hurry:g} times faster
  (`hurry` in the truth says by how much), or another one is drawn.
- Files: H.264 at crf 12 with lossless sound (FLAC), 32-bit wav, PNG.

## Measured

On 120 clips of the split `test`, 60 in each domain with all 48 people and all emotions, read back from H.264
(`python tests/benchmarks/portraits_lips.py 60` gives the table):

| lip opening by landmarks against the truth, mean r per clip | plain | stylised |
|---|---|---|
| all | 0.93 | 0.93 |
| least of six emotions (happy; sad) | 0.90 | 0.90 |
| child / young / adult / old | 0.93 / 0.94 / 0.91 / 0.93 | 0.84 / 0.94 / 0.92 / 0.93 |
| beard or moustache (3 clips), none (57) | 0.83, 0.93 | 0.89, 0.93 |
| worst clip | 0.77 | 0.75 |
| frames in which the face was followed, faces a clip | 100 %, 1 | 100 %, 1 |

The landmarks see a smaller opening than there is, least of all in old and in bearded men: correlations hold, sizes do
not. Single clips may be worse: of the 24 that the suites take, 23 lie at 0.90 or above, and `test-0002`, a sad old man
with a moustache, at 0.61.

One core draws about 50 frames a second at 128 pixels (`pytest tests/benchmarks/bench_portraits.py`); a clip of 2 s
takes about 0.94 s of processor time and each new person 0.25 s, so 1,000 clips of 400 people take about 9 min on two
cores.

Voices, on 96 clips of the split `test` (`python tests/benchmarks/portraits_voices.py 96`): Resemblyzer tells a person's
other sentence from other people's with AUC 0.979 (0.961 among people of the same gender); the gender that pitch gives
agrees with the face's in 0.989 of 92 grown-ups' clips and 0.969 of all.

## Limits

- Children's voices hardly tell boys from girls, as in life: a judge of gender by pitch takes boys for girls.
- The synthesiser is intelligible but robotic. Open-vocabulary recognisers hear free sentences much better than GRID's,
  whose words do not predict each other: give word error rates of ground truth beside those of a system.
- One accent, one face model, frontal views, one speaker, no noise.
- Emotion in the voice follows published directions, in sizes that we chose; nobody rated it.

## Licence

Code and everything drawn from it: Apache-2.0, as the project. The speech is output of eSpeak NG (GPL-3.0, an optional
library that is loaded at run time, see ADR 0004); the licence of a program does not cover what it speaks. Sentences
were written for this project; GRID's grammar is a fact from Cooke et al. 2006. No person is depicted.
"""


def card() -> str:
    """Return the card as Markdown."""
    rows = []
    for split in SPLITS:
        heads = [head_of(FIRST_IDENTITY[split] + n) for n in range(IDENTITIES[split])]
        genders, ages = Counter(h.gender for h in heads), Counter(h.age for h in heads)
        counts = " / ".join(str(genders[g]) for g in GENDERS)
        ages_cells = " | ".join(str(ages[a]) for a in AGES)
        share = GRID_COUNT * SHARES[split] // 100
        rows.append(
            f"| {split} | {len(heads)} | {counts} | {ages_cells} | {len(free_sentences(split))} | about {share} |"
        )
    prosody = [
        f"| {name} | {p.pitch:g} | {p.range:g} | {p.rate:g} | {p.loudness:+g} | {p.brightness:+g} | {p.tremor:g} |"
        for name, p in FULL.items()
    ]
    return CARD.format(
        ages=" | ".join(AGES),
        age_rule="|".join("---" for _ in AGES),
        splits="\n".join(rows),
        people_from=", ".join(f"{s} from {FIRST_IDENTITY[s]}" for s in SPLITS),
        shares=", ".join(f"{s} {SHARES[s]}" for s in SPLITS),
        grid=f"{GRID_COUNT:,}",
        words=len({word for slot in GRID_SLOTS for word in slot}),
        emotions=", ".join(EMOTIONS),
        frames=len(CURVES),
        landmarks=len(LANDMARKS),
        phones=len(VISEME_OF) - 1,
        rate=f"{SPEECH_RATE:,}",
        prosody="\n".join(prosody),
        earliest=EARLIEST,
        latest=LATEST,
        tail=LEAST_TAIL,
        hurry=MOST_HURRY,
        lead=1000 * LEAD,
    )


def main() -> None:
    """Write the card to the path that is given, or to standard output."""
    if len(sys.argv) > 1:
        write_atomic(Path(sys.argv[1]), card().encode())
    else:
        sys.stdout.write(card())


if __name__ == "__main__":
    main()
