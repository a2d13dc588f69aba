"""What one identity looks like: the parameters of a head, and how they are drawn from a seed."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Literal, get_args

from uniavgen_bench.datasets.portraits.exact_math import Draws
from uniavgen_bench.datasets.portraits.palette import (
    BACKDROPS,
    CLOTH_COLOURS,
    GREY_HAIR,
    HAIR_COLOURS,
    IRIS_COLOURS,
    SKIN_TONES,
    VIVID_HAIR,
    VIVID_IRIS,
    Colour,
    blend,
)

Domain = Literal["plain", "stylised"]
Gender = Literal["female", "male"]
Age = Literal["child", "young", "adult", "old"]
HairStyle = Literal[
    "bald", "buzz", "crop", "side_part", "quiff", "spiky", "curly", "afro", "bob", "long", "wavy", "bun",
    "ponytail", "pigtails", "receding", "headscarf",
]  # fmt: skip
Beard = Literal["none", "stubble", "moustache", "goatee", "full"]
Glasses = Literal["none", "round", "square", "half_rim"]
Garment = Literal["crew", "v_neck", "collar", "turtleneck", "hoodie", "jacket"]
Backdrop = Literal["gradient", "bokeh", "room", "window", "sky", "shelves"]

DOMAINS: tuple[Domain, ...] = get_args(Domain)
GENDERS: tuple[Gender, ...] = get_args(Gender)
AGES: tuple[Age, ...] = get_args(Age)
HAIR_STYLES: tuple[HairStyle, ...] = get_args(HairStyle)
BEARDS: tuple[Beard, ...] = get_args(Beard)
GARMENTS: tuple[Garment, ...] = get_args(Garment)
BACKDROP_KINDS: tuple[Backdrop, ...] = get_args(Backdrop)

# How often a style is worn, by gender and by whether the wearer is a child, grown or old.
STYLES_WORN: dict[tuple[Gender, str], dict[HairStyle, float]] = {
    ("female", "child"): {"pigtails": 3, "bob": 2, "ponytail": 2, "long": 1.5, "curly": 1, "bun": 0.7},
    ("female", "grown"): {
        "long": 3, "wavy": 3, "bob": 2.5, "bun": 2, "ponytail": 2, "curly": 1.2, "afro": 1, "headscarf": 0.7,
    },
    ("female", "old"): {"bob": 3, "bun": 3, "curly": 2, "wavy": 1, "headscarf": 0.6},
    ("male", "child"): {"crop": 3, "side_part": 2, "spiky": 1.5, "curly": 1.5, "buzz": 1},
    ("male", "grown"): {
        "side_part": 3, "crop": 2.5, "quiff": 2.5, "spiky": 1.6, "curly": 1.8, "buzz": 1.2, "afro": 1.2,
        "bald": 0.6,
    },
    ("male", "old"): {"receding": 3, "side_part": 2, "crop": 1.5, "bald": 1.5, "buzz": 0.8},
}  # fmt: skip


@dataclass(frozen=True)
class HeadParams:
    """One identity; lengths are factors on an adult mean head, colours are sRGB in 0 … 1."""

    seed: int
    gender: Gender
    age: Age
    skin: Colour
    blush: float
    freckles: float
    wrinkles: float
    width: float
    length: float
    jaw_width: float
    jaw_square: float
    chin: float
    cheeks: float
    forehead: float
    neck: float
    shoulders: float
    nose_width: float
    nose_length: float
    nose_height: float
    ear_size: float
    eye_size: float
    eye_spacing: float
    eye_height: float
    eye_tilt: float
    eye_round: float
    iris: Colour
    lashes: float
    lips_full: float
    lips_width: float
    lip_colour: Colour
    brow_thick: float
    brow_height: float
    brow_arch: float
    brow_colour: Colour
    hair_style: HairStyle
    hair_colour: Colour
    hair_tint: Colour
    parting: float
    beard: Beard
    glasses: Glasses
    glasses_colour: Colour
    earrings: bool
    garment: Garment
    cloth: Colour
    cloth_second: Colour
    stripes: bool
    backdrop: Backdrop
    backdrop_colours: tuple[Colour, Colour, Colour]
    light_side: float
    light_height: float
    light_warmth: float
    zoom: float


def sample_head(seed: int, *, gender: Gender | None = None, age: Age | None = None) -> HeadParams:
    """Draw an identity from its seed; the seed alone fixes everything, also the gender and age when not given."""
    draw = Draws(seed, "person")
    drawn_gender = draw.pick({"female": 1.0, "male": 1.0})
    ages: dict[Age, float] = {"child": 0.16, "young": 0.34, "adult": 0.32, "old": 0.18}
    drawn_age = draw.pick(ages)
    gender = gender or ("female" if drawn_gender == "female" else "male")
    return dressed(features(seed, gender, age or drawn_age), Draws(seed, "dress"))


def features(seed: int, gender: Gender, age: Age) -> HeadParams:
    """Draw face, skin and eyes; hair, clothes and surroundings are still the plainest."""
    draw = Draws(seed, "face")
    female, child, old = gender == "female", age == "child", age == "old"
    soft = 1.0 if child else 0.65 if female else 0.0
    skin = blend(*draw.pick(dict.fromkeys(itertools.pairwise(SKIN_TONES), 1.0)), draw.uniform())
    dark = 1.0 - (skin[0] + skin[1] + skin[2]) / 3.0
    # The darker the skin, the more red lips need to stand out from it.
    lip_base = blend(skin, (0.74, 0.22, 0.26), (0.60 if female else 0.52) + 0.30 * dark)
    made_up = female and not child and draw.chance(0.6)
    lip_paint = draw.pick({(0.74, 0.18, 0.24): 1.0, (0.82, 0.36, 0.40): 2.0, (0.66, 0.22, 0.34): 1.0})
    iris = draw.pick({name: weight for name, weight in IRIS_COLOURS.items() if dark < 0.5 or weight > 1.5})
    return HeadParams(
        seed=seed,
        gender=gender,
        age=age,
        skin=skin,
        blush=draw.uniform(0.35, 0.7) + 0.25 * soft,
        freckles=draw.uniform(0.3, 1.0) if dark < 0.35 and draw.chance(0.25) else 0.0,
        wrinkles={"child": 0.0, "young": 0.0, "adult": 0.22, "old": 1.0}[age] * draw.uniform(0.75, 1.0),
        width=draw.bell(0.98 if female else 1.0, 0.05) + (0.02 if child else 0.0),
        length=draw.bell(1.0, 0.05) - (0.13 if child else 0.0),
        jaw_width=draw.bell(1.0 - 0.12 * soft, 0.09),
        jaw_square=max(0.0, draw.bell(0.48 - 0.55 * soft, 0.42)),
        chin=draw.bell(1.0 - 0.18 * soft, 0.14),
        cheeks=draw.bell(0.85 + 0.35 * soft + (0.45 if child else 0.0), 0.25) - (0.25 if old else 0.0),
        forehead=draw.bell(1.0, 0.05) + (0.07 if child else 0.0),
        neck=draw.bell({True: 0.72, False: 0.95}[female], 0.06) - (0.18 if child else 0.0),
        shoulders=draw.bell(0.86 if female else 1.02, 0.05) - (0.24 if child else 0.0),
        nose_width=draw.bell(1.02 - 0.14 * soft + 0.22 * dark, 0.14),
        nose_length=min(draw.bell(1.0 - 0.2 * soft, 0.1) + (0.08 if old else -0.10 if child else 0.0), 1.0),
        nose_height=draw.bell(1.0 - 0.22 * soft, 0.2),
        ear_size=draw.bell(1.0 + (0.12 if old else 0.0), 0.12),
        eye_size=draw.bell(1.02 + 0.10 * soft, 0.06) + (0.19 if child else 0.0) - (0.06 if old else 0.0),
        eye_spacing=draw.bell(1.0, 0.05),
        eye_height=draw.bell(0.0, 0.02) - (0.11 if child else 0.0),
        eye_tilt=draw.bell(0.10 if female else 0.04, 0.10) - (0.07 if old else 0.0),
        eye_round=draw.bell(1.0 + 0.08 * soft, 0.12),
        iris=iris,
        lashes=draw.uniform(0.75, 1.0) if female else draw.uniform(0.1, 0.3),
        lips_full=draw.bell(0.92 + (0.26 if female else 0.0) + 0.35 * dark, 0.18) - (0.14 if old else 0.0),
        lips_width=draw.bell(1.0, 0.07) - (0.08 if child else 0.0),
        lip_colour=blend(lip_base, lip_paint, 0.65) if made_up else lip_base,
        brow_thick=draw.bell(0.75 if female else 1.2, 0.2) - (0.15 if child else 0.0),
        brow_height=draw.bell(0.02 if female else -0.01, 0.02),
        brow_arch=draw.bell(0.9 if female else 0.45, 0.35),
        brow_colour=(0.2, 0.15, 0.12),
        hair_style="bald",
        hair_colour=(0.2, 0.15, 0.12),
        hair_tint=(0.3, 0.2, 0.15),
        parting=0.0,
        beard="none",
        glasses="none",
        glasses_colour=(0.1, 0.1, 0.1),
        earrings=False,
        garment="crew",
        cloth=(0.3, 0.4, 0.5),
        cloth_second=(0.8, 0.8, 0.8),
        stripes=False,
        backdrop="gradient",
        backdrop_colours=BACKDROPS[0],
        light_side=0.5,
        light_height=0.6,
        light_warmth=0.5,
        zoom=1.0,
    )


def dressed(head: HeadParams, draw: Draws) -> HeadParams:
    """Draw hair, beard, glasses, clothes, background and light for a face."""
    stage = head.age if head.age in ("child", "old") else "grown"
    style = draw.pick(STYLES_WORN[head.gender, stage])
    dark = 1.0 - (head.skin[0] + head.skin[1] + head.skin[2]) / 3.0
    if style == "afro" and dark < 0.4:
        style = "wavy"
    natural = draw.pick(
        {colour: weight for colour, weight in HAIR_COLOURS.items() if dark < 0.45 or weight >= 3}
    )
    grey = (
        draw.uniform(0.65, 1.0)
        if head.age == "old"
        else draw.uniform(0.0, 0.25)
        if head.age == "adult"
        else 0.0
    )
    hair = blend(natural, draw.pick(dict.fromkeys(GREY_HAIR, 1.0)), grey)
    cloth = draw.pick(dict.fromkeys(CLOTH_COLOURS, 1.0))
    beards: dict[Beard, float] = {"none": 5, "stubble": 2.4, "moustache": 0.8, "goatee": 0.8, "full": 1.5}
    bearded = head.gender == "male" and head.age in ("adult", "old")
    young_beards: dict[Beard, float] = {"none": 5, "stubble": 2, "full": 0.5}
    beard: Beard = draw.pick(beards if bearded else young_beards)
    if head.gender == "female" or head.age == "child":
        beard = "none"
    wears_glasses = draw.chance({"child": 0.12, "young": 0.2, "adult": 0.25, "old": 0.4}[head.age])
    frames: dict[Glasses, float] = {"round": 1, "square": 1, "half_rim": 0.7}
    glasses = draw.pick(frames)
    garments: dict[Garment, float] = {
        "crew": 2,
        "v_neck": 1.4,
        "collar": 1.4,
        "turtleneck": 1,
        "hoodie": 1,
        "jacket": 1,
    }
    if head.age == "child":
        garments = {"crew": 2, "hoodie": 1.5, "collar": 0.6}
    kinds: dict[Backdrop, float] = {
        "gradient": 2,
        "bokeh": 2,
        "room": 1.2,
        "window": 1.2,
        "sky": 1,
        "shelves": 1,
    }
    side = draw.uniform(0.3, 0.75)
    return replace(
        head,
        hair_style=style,
        hair_colour=hair,
        hair_tint=blend(hair, (1.0, 0.86, 0.62), draw.uniform(0.22, 0.4)),
        brow_colour=blend(blend(natural, hair, 0.7), (0.12, 0.08, 0.07), 0.35),
        parting=draw.pick({-0.3: 1.0, 0.3: 1.0, 0.12: 0.5}),
        beard=beard,
        glasses=glasses if wears_glasses else "none",
        glasses_colour=draw.pick(
            {
                (0.10, 0.09, 0.10): 2.0,
                (0.42, 0.24, 0.12): 1.0,
                (0.55, 0.14, 0.18): 0.6,
                (0.16, 0.25, 0.45): 0.6,
                (0.70, 0.58, 0.32): 0.8,
            }
        ),
        earrings=head.gender == "female" and head.age != "child" and draw.chance(0.4),
        garment=draw.pick(garments),
        cloth=cloth,
        cloth_second=draw.pick(dict.fromkeys((known for known in CLOTH_COLOURS if known != cloth), 1.0)),
        stripes=draw.chance(0.2),
        backdrop=draw.pick(kinds),
        backdrop_colours=draw.pick(dict.fromkeys(BACKDROPS, 1.0)),
        light_side=side if draw.chance(0.5) else -side,
        light_height=draw.uniform(0.45, 0.75),
        light_warmth=draw.uniform(0.2, 0.9),
        zoom=draw.uniform(0.96, 1.04),
    )


def stylised(head: HeadParams) -> HeadParams:
    """Turn an identity into its drawn form: big eyes, small nose, narrow chin, vivid hair; who it is stays."""
    draw = Draws(head.seed, "stylised")
    vivid = draw.pick(dict.fromkeys(VIVID_HAIR, 1.0))
    hair = blend(
        vivid, head.hair_colour, 0.75 if head.age == "old" else 0.5 if head.beard != "none" else 0.15
    )
    iris = blend(draw.pick(dict.fromkeys(VIVID_IRIS, 1.0)), head.iris, 0.3)
    return replace(
        head,
        eye_size=head.eye_size * 1.24,
        eye_round=head.eye_round * 1.22,
        eye_spacing=head.eye_spacing * 1.05,
        eye_height=head.eye_height - 0.03,
        nose_width=head.nose_width * 0.72,
        nose_length=head.nose_length * 0.9,
        nose_height=head.nose_height * 0.75,
        jaw_width=head.jaw_width * 0.93,
        chin=head.chin * 0.8,
        lips_full=head.lips_full * 0.92,
        neck=head.neck * 0.88,
        iris=iris,
        hair_colour=hair,
        hair_tint=blend(hair, (1.0, 1.0, 1.0), 0.42),
        brow_colour=blend(hair, (0.15, 0.08, 0.12), 0.55),
        lashes=max(head.lashes, 0.55),
    )
