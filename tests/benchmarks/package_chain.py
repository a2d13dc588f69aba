"""Each package's own pipeline on the same clips, one after the other. Runs in an environment that has the packages.

`python package_chain.py JOB.json` prints JSON: for each package seconds and processor seconds (its children's, such as
ffmpeg's, as well) per round, or the reason why it did not run. Nothing of uniavgen_bench is imported. The networks are
loaded before the clock starts; every package decodes the clip by itself, as its users do.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Callable
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np

Run = Callable[[dict], object]


def processor_seconds() -> float:
    """Return the processor time of this process and of its finished children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def sound_of(path: str) -> np.ndarray:
    """Decode the sound to 16 kHz mono, by ffmpeg, as every one of the packages leaves it to its user."""
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/sound.wav"
        subprocess.run(
            ["ffmpeg", "-v", "error", "-i", path, "-ac", "1", "-ar", "16000", "-acodec", "pcm_s16le", file],
            check=True,
        )
        with wave.open(file) as sound:
            data = sound.readframes(sound.getnframes())
    return np.frombuffer(data, np.int16).astype(np.float32) / 32768


def syncnet_python(job: dict) -> Run:
    """The whole pipeline, with S3FD's network run on every frame; random weights find no face, so boxes are given."""
    import torch
    from syncnet_python.detectors.s3fd import S3FD
    from syncnet_python.detectors.s3fd.nets import S3FDNet
    from syncnet_python.syncnet_pipeline import PipelineConfig, SyncNetInstance, SyncNetPipeline
    from syncnet_python.SyncNetModel import S

    torch.manual_seed(0)

    class Detector(S3FD):
        boxes: list
        first: int
        asked: int

        def detect_faces(self, image, conf_th=0.8, scales=(1,)):
            super().detect_faces(image, conf_th=conf_th, scales=scales)
            self.asked += 1
            at = self.asked - self.first
            return np.array([[*self.boxes[at], 0.99]]) if 0 <= at < len(self.boxes) else np.empty((0, 5))

    pipeline = object.__new__(SyncNetPipeline)
    pipeline.cfg, pipeline.device = PipelineConfig(), "cpu"
    pipeline.s3fd = Detector(S3FDNet(device="cpu"), device="cpu")
    model = S()
    model.load_state_dict(torch.load(job["syncnet"], weights_only=True))
    pipeline.syncnet = SyncNetInstance(net=model.eval(), device="cpu")

    def run(clip: dict) -> object:
        pipeline.s3fd.boxes, pipeline.s3fd.first, pipeline.s3fd.asked = clip["boxes"], clip["first"], -1
        offsets, *_ = pipeline.inference(clip["path"])
        if len(offsets) != 1:
            raise RuntimeError(f"{len(offsets)} tracks instead of one")
        return offsets

    return run


def resemblyzer(job: dict) -> Run:
    """Embeddings of the clip's and of the reference's sound."""
    from resemblyzer import VoiceEncoder, preprocess_wav

    encoder = VoiceEncoder("cpu", verbose=False)

    def run(clip: dict) -> object:
        one, other = (
            encoder.embed_utterance(preprocess_wav(sound_of(p))) for p in (clip["path"], clip["reference"])
        )
        return float(one @ other)

    return run


def faster_whisper(job: dict) -> Run:
    """The transcript by the same network as the suite's, with the package's defaults and its voice detector."""
    from faster_whisper import WhisperModel

    model = WhisperModel(job["whisper"], device="cpu", compute_type="int8", cpu_threads=1)

    def run(clip: dict) -> object:
        segments, _ = model.transcribe(clip["path"], language="en", vad_filter=True, word_timestamps=True)
        return " ".join(s.text for s in segments)

    return run


def speechmos_dnsmos(job: dict) -> Run:
    """DNSMOS of the clip's sound."""
    from speechmos import dnsmos

    return lambda clip: dnsmos.run(sound_of(clip["path"]), sr=16_000)


def deepface(job: dict) -> Run:
    """A face with landmarks and identity in every frame: dlib's detector and network, the ones without downloads."""
    import cv2
    from deepface import DeepFace

    def run(clip: dict) -> object:
        reader, found = cv2.VideoCapture(clip["path"]), 0
        while (read := reader.read())[0]:
            found += len(
                DeepFace.represent(
                    read[1], model_name="Dlib", detector_backend="dlib", enforce_detection=False
                )
            )
        return found

    return run


CHAIN: dict[str, Callable[[dict], Run]] = {
    "resemblyzer": resemblyzer,
    "faster-whisper": faster_whisper,
    "speechmos": speechmos_dnsmos,
    "syncnet-python": syncnet_python,
    "deepface": deepface,
}
WARMED = {"resemblyzer", "faster-whisper", "speechmos"}
"""Their first clip compiles and imports for seconds; that of the others is lost in minutes of work."""


def main(job: dict) -> dict[str, dict[str, object]]:
    """Run the chain on the clip of a job, each package `rounds` times."""
    answer: dict[str, dict[str, object]] = {}
    for name, load in CHAIN.items():
        try:
            run = load(job)
            if name in WARMED:
                run(job["clip"])
            times = []
            for _ in range(job["rounds"]):
                started, used = time.perf_counter(), processor_seconds()
                run(job["clip"])
                times.append((time.perf_counter() - started, processor_seconds() - used))
            answer[name] = {"wall": [t[0] for t in times], "cpu": [t[1] for t in times]}
        except Exception as error:
            answer[name] = {"absent": f"{type(error).__name__}: {error}"[:300]}
        print(name, answer[name], file=sys.stderr, flush=True)
    return answer


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    logging.disable(logging.CRITICAL)
    import torch

    torch.set_num_threads(1)
    with redirect_stdout(sys.stderr):
        result = main(json.loads(Path(sys.argv[1]).read_text()))
    print(json.dumps(result))
