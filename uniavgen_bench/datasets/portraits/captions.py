"""A sentence that describes a clip: who, drawn how, with which feeling, where."""

from __future__ import annotations

from collections.abc import Mapping

from .exact_math import Draws
from .face_state import Emotion
from .head_params import Age, Domain, Gender, HeadParams
from .palette import Colour

HAIR_NAMES: Mapping[str, Colour] = {
    "black": (0.10, 0.08, 0.08), "dark brown": (0.22, 0.14, 0.09), "brown": (0.36, 0.22, 0.13),
    "light brown": (0.55, 0.38, 0.22), "blond": (0.80, 0.64, 0.38), "red": (0.58, 0.24, 0.11),
    "grey": (0.62, 0.62, 0.62), "white": (0.88, 0.86, 0.84), "pink": (0.92, 0.46, 0.62), "blue": (0.30, 0.50, 0.88),
    "turquoise": (0.24, 0.66, 0.62), "purple": (0.56, 0.38, 0.82), "golden": (0.92, 0.72, 0.28),
    "orange": (0.88, 0.40, 0.24), "green": (0.46, 0.70, 0.36), "dark blue": (0.30, 0.30, 0.44),
    "chestnut": (0.44, 0.16, 0.11),
}  # fmt: skip
CLOTH_NAMES: Mapping[str, Colour] = {
    "dark blue": (0.18, 0.23, 0.36), "red": (0.76, 0.32, 0.27), "yellow": (0.86, 0.67, 0.31),
    "teal": (0.24, 0.46, 0.46), "cream": (0.88, 0.86, 0.82), "green": (0.46, 0.56, 0.40), "plum": (0.52, 0.32, 0.44),
    "black": (0.22, 0.22, 0.25), "light blue": (0.56, 0.70, 0.80), "pink": (0.90, 0.68, 0.62),
    "purple": (0.36, 0.30, 0.52),
}  # fmt: skip
STYLES: Mapping[str, str] = {
    "bald": "a shaven head", "buzz": "very short {} hair", "crop": "short {} hair",
    "side_part": "{} hair parted at the side",
    "quiff": "{} hair combed up", "spiky": "spiky {} hair", "curly": "curly {} hair", "afro": "a round {} afro",
    "bob": "a {} bob", "long": "long {} hair", "wavy": "wavy {} hair", "bun": "{} hair in a bun",
    "ponytail": "a {} ponytail", "pigtails": "{} pigtails", "receding": "thin {} hair", "headscarf": "a headscarf",
}  # fmt: skip
BEARDS: Mapping[str, str] = {
    "stubble": "stubble", "moustache": "a moustache", "goatee": "a goatee", "full": "a full beard",
}  # fmt: skip
GARMENTS: Mapping[str, str] = {
    "crew": "shirt", "v_neck": "v-neck shirt", "collar": "shirt with a collar", "turtleneck": "turtleneck",
    "hoodie": "hoodie", "jacket": "jacket",
}  # fmt: skip
PLACES: Mapping[str, str] = {
    "gradient": "in front of a plain wall", "bokeh": "in front of blurred lights", "room": "in a room",
    "window": "by a window", "sky": "under the open sky", "shelves": "in front of a bookshelf",
}  # fmt: skip
PEOPLE: Mapping[tuple[Gender, Age], str] = {
    ("female", "child"): "a girl", ("male", "child"): "a boy",
    ("female", "young"): "a young woman", ("male", "young"): "a young man",
    ("female", "adult"): "a middle-aged woman", ("male", "adult"): "a middle-aged man",
    ("female", "old"): "an old woman", ("male", "old"): "an old man",
}  # fmt: skip
MANNERS: Mapping[Emotion, tuple[str, str]] = {
    "neutral": ("in a calm voice", "in a calm voice"),
    "happy": ("with a slight smile, in a cheerful voice", "beaming with joy"),
    "sad": ("with a hint of sadness", "in a slow and very sad voice"),
    "angry": ("sounding annoyed", "in an angry, loud voice"),
    "surprised": ("sounding somewhat surprised", "in great surprise"),
    "fearful": ("sounding worried", "in a trembling, fearful voice"),
}
SHOTS: Mapping[Domain, tuple[str, ...]] = {
    "plain": ("A close-up video of", "A video portrait of", "A head-and-shoulders shot of"),
    "stylised": ("An anime-style close-up of", "A cartoon portrait of", "An animated drawing of"),
}


def caption(head: HeadParams, domain: Domain, emotion: Emotion, intensity: float, draw: Draws) -> str:
    """Describe a clip. `head` is the person as drawn in the domain; what is said never stands in the caption."""
    shots = SHOTS[domain]
    shot = shots[int(draw.uniform(0, len(shots)))]
    features = [STYLES[head.hair_style].format(nearest_name(head.hair_colour, HAIR_NAMES))]
    if head.beard != "none":
        features.append(BEARDS[head.beard])
    if head.glasses != "none":
        features.append("glasses")
    if head.earrings:
        features.append("earrings")
    looks = features[0] if len(features) == 1 else f"{', '.join(features[:-1])} and {features[-1]}"
    cloth = nearest_name(head.cloth, CLOTH_NAMES)
    manner = MANNERS[emotion][intensity > 0.75]
    return (
        f"{shot} {PEOPLE[head.gender, head.age]} with {looks}, wearing a {cloth} {GARMENTS[head.garment]}, "
        f"speaking to the camera {PLACES[head.backdrop]}, {manner}."
    )


def nearest_name(colour: Colour, names: Mapping[str, Colour]) -> str:
    """Return the name whose colour is nearest."""
    return min(names, key=lambda name: sum((a - b) ** 2 for a, b in zip(names[name], colour, strict=True)))
