"""How the seeds of `corpus/` were made: `python -m tests.fuzz.make_corpus` writes them anew (encoders may differ)."""

from __future__ import annotations

import io
import json
import shutil
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import local_copies
import numpy as np
import yaml
from clip_factory import flash_and_beep, sound_only
from report.board_world import BoardRun, World
from report.fake_run import SYSTEMS, FakeRun, write_run
from report.gate_runs import noisy, write

from fuzz.corpus_status import statuses
from uniavgen_bench.core.entry_files import canonical
from uniavgen_bench.core.gate_files import write_baseline
from uniavgen_bench.report.gate_baseline import baseline_of, read_gate_run

CORPUS = Path(__file__).with_name("corpus")
REPOSITORY = Path(__file__).parents[2]


def suites(out: Path) -> None:
    for name in ("joint", "published", "external_example", "ablation_macfg", "smoke"):
        folder = out / name
        text = (REPOSITORY / "suites" / f"{name}.yaml").read_text(encoding="utf-8")
        data = yaml.safe_load(text.replace("path: null", "path: clips.csv"))
        for system in data["systems"]:
            options = system.get("options", {}) if isinstance(system, dict) else {}
            options.get("speech", {}).pop("voice", None)
            if "clips" in options:
                options["clips"] = "clips"
        if name == "published":
            data["compare"] = {
                "cluster": "identity",
                "correction": "holm",
                "alpha": 0.05,
                "fields": ["speech.wer.wer"],
            }
            data["gate"] = {"baseline": "baseline.json", "margins": {"speech.wer.wer": 0.03}}
            data["published"] = {
                "source": "A paper, table 1",
                "tables": [
                    {
                        "measure": "LSE-C",
                        "beside": "lipsync.lse.confidence",
                        "values": {"late-200-ms": 5.95, "shuffled-audio": 2.5},
                    }
                ],
            }
        local_copies.put(folder / "suite.yaml", yaml.safe_dump(data, sort_keys=False))
        if data["dataset"]["name"] == "manifest":
            local_copies.put(
                folder / "clips.csv",
                MANIFEST if name == "published" else MANIFEST.replace(",dubbing,", ",joint,"),
            )
            for clip in ("a", "b"):
                local_copies.put(folder / f"{clip}.mp4", b"\0\0\0\x18ftypisom")


MANIFEST = (
    "clip,system,sample,repeat,task,speech,speech_source,language,caption,image,reference_audio,fact.identity,published_lse_c\n"
    "a.mp4,one,s1,0,joint,Good morning.,authors,en,A man.,a.png,a.wav,anna,5.95\n"
    'b.mp4,two,s2,0,joint,Good evening.,authors,en,A man.,a.png,a.wav,anna,"[1.0, 2.0]"\n'
    "b.mp4,none (recording),s3,1,dubbing,Ça va?,unverified,fr,,,,ben,2.5\n"
)


def manifests(out: Path) -> None:
    local_copies.put(out / "csv" / "samples.csv", MANIFEST)
    local_copies.put(out / "tsv" / "samples.tsv", MANIFEST.replace('"[1.0, 2.0]"', "3").replace(",", "\t"))
    rows = [
        {
            "clip": "a.mp4",
            "system": "one",
            "sample": "s1",
            "speech": "Hello.",
            "image": "a.png",
            "published_lse_c": 5.95,
            "repeat": 0,
        },
        {
            "clip": "sub/b.mp4",
            "sample": "s2",
            "task": "a2v",
            "audio_path": "a.wav",
            "fact.identity": "ben",
            "lang": "EN",
            "note": ["x"],
        },
    ]
    local_copies.put(out / "jsonl" / "samples.jsonl", "".join(json.dumps(row) + "\n" for row in rows))
    for kind in ("csv", "tsv", "jsonl"):
        local_copies.put(out / kind / "a.png", local_copies.PICTURE)
        local_copies.put(out / kind / "a.wav", local_copies.SOUND)


def prompt_sets(out: Path) -> None:
    local_copies.uniavgen_csv(out / "uniavgen-csv")
    local_copies.verse_bench(out / "verse-bench", {"set1": 2, "set2": 1, "set3": 1})
    local_copies.javisbench(out / "javisbench")
    local_copies.t2av_compass(out / "t2av-compass")
    local_copies.vabench(out / "vabench")
    local_copies.mochabench(out / "mochabench")
    local_copies.avgen_bench(out / "avgen-bench")
    local_copies.images_csv(
        out / "images-csv",
        "image,prompt,speech,lang,ref_audio_path",
        "001.png,A man.,Hello.,en,voice.wav",
        "two.jpg,Says <S>Good day.<E> in rain <AUDCAP>rain<ENDAUDCAP>,,en,",
    )


def boards(out: Path) -> None:
    with tempfile.TemporaryDirectory() as made:
        world = World.make(Path(made))
        stored = world.add(BoardRun(samples=3))
        shutil.copytree(world.board.root / "keys", out / "board" / "keys")
        for entry in stored:
            local_copies.put(out / "board" / "entries" / entry.path.name, canonical(entry.entry))
        local_copies.put_json(
            out / "board" / "policy.json",
            {
                "schema_version": 1,
                "expired": [{"metric": "audio.dnsmos@0", "why": "It clipped."}],
                "weights": {"one": ["0" * 64]},
            },
        )


def runs(out: Path) -> None:
    write_run(out / "small", FakeRun(samples=2, systems=SYSTEMS[:2], media=False))
    with tempfile.TemporaryDirectory() as made:
        root = write(Path(made) / "run", noisy(1, size=6))
        run = read_gate_run(root)
        target = out.parent / "baseline" / "one" / "baseline.json"
        write_baseline(target, baseline_of(run, run.manifest.systems[0].id))
    check = {
        "name": "shift of 80 ms",
        "passed": True,
        "value": -79.5,
        "low": -82.0,
        "high": -77.0,
        "unit": "ms",
        "clips": 40,
        "expected": "-80 ms",
    }
    metric = {
        "metric": "lipsync.mouth_audio@1",
        "standing": "holds",
        "verdict": "It sees a shift.",
        "checks": [check],
        "computed": {"code": 1, "params": {"band": [80, 8000.0]}},
        "weights": {"one": "0" * 64},
    }
    local_copies.put_json(
        out.parent / "validity" / "one" / "validity.json",
        {
            "schema_version": 1,
            "version": "0.1.0",
            "command": "validate",
            "made": "2026-11-22",
            "clips": {"portraits": "40"},
            "metrics": [metric],
        },
    )


def media(out: Path) -> None:
    small = {"seconds": 0.4, "at": (0.2,), "size": (48, 32), "grain": 8}
    for kind in ("mp4-aac", "webm-opus", "mkv-flac", "mpg-mp2", "ts-aac", "avi-mp3", "mov-pcm", "mp4-mp3"):
        (out / kind).mkdir(parents=True, exist_ok=True)
        made = flash_and_beep(out / kind, kind, **small).path
        made.rename(made.with_name(f"clip{made.suffix}"))
    for suffix in (".wav", ".flac", ".mp3", ".ogg", ".m4a"):
        folder = out / suffix[1:]
        folder.mkdir(parents=True, exist_ok=True)
        made = sound_only(folder, suffix=suffix, rate=8_000 if suffix in (".wav", ".flac") else 16_000).path
        made.rename(folder / f"clip{suffix}")


def pictures(out: Path) -> None:
    import cv2

    picture = np.random.default_rng(0).integers(0, 255, (24, 32, 3), np.uint8)
    for ending in ("png", "jpg", "webp", "bmp", "tiff"):
        (out / ending).mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(out / ending / f"picture.{ending}"), picture)


def weights(out: Path) -> None:
    import torch
    from safetensors.numpy import save_file

    from reference_model.codecs.nano_video import NanoVideoCodec, NanoVideoParams, save_nano_video
    from uniavgen_bench.analysis.artefact_files import encode
    from uniavgen_bench.analysis.artefacts import Crops, Frames, Speech

    torch.manual_seed(0)
    codec = NanoVideoCodec(NanoVideoParams(latent=2, fine=8, coarse=8, group=8))
    save_nano_video(codec, out / "nano-video" / "video_codec.safetensors")
    (out / "checkpoint").mkdir(parents=True, exist_ok=True)
    save_file(
        {"a.weight": np.ones((2, 3), np.float32), "b": np.zeros(4, np.float16)},
        str(out / "checkpoint" / "model.safetensors"),
    )
    local_copies.put_json(
        out / "checkpoint" / "model.safetensors.index.json",
        {"weight_map": {"a.weight": "model.safetensors", "b": "model.safetensors"}},
    )
    torch.save({"a.weight": torch.ones(2, 3)}, local_copies.put(out / "pth" / "model.pth", b""))
    artefacts = {
        "frames": Frames(np.arange(4) / 25, 64, 48, np.asarray([[0, 3]])),
        "speech": Speech(np.zeros(160, np.float32), 16_000, 0.0, 48_000, 2),
        "crops": Crops(16, ((b"one", b"two"),), (np.zeros((2, 3), np.float32),)),
    }
    for name, value in artefacts.items():
        local_copies.put(out.parent / "artefact" / name / "artefact.bin", encode(value))


def archives(out: Path) -> None:
    content = b"first network" * 50
    wheel, sdist = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("pack/one.onnx", content)
        zipped.writestr("../evil", b"x")
    with tarfile.open(fileobj=sdist, mode="w:gz") as tarred:
        info = tarfile.TarInfo("pack/one.onnx")
        info.size = len(content)
        tarred.addfile(info, io.BytesIO(content))
    local_copies.put(out / "wheel" / "pack.whl", wheel.getvalue())
    local_copies.put(out / "sdist" / "pack.tar.gz", sdist.getvalue())


def answers(out: Path) -> None:
    answer = {"score": 0.7, "reason": "The voice fits the face."}
    local_copies.put_json(
        out / "openai" / "reply.json",
        {
            "model": "m",
            "choices": [{"message": {"content": json.dumps(answer)}}],
            "usage": {"prompt_tokens": 12, "completion_tokens": 3},
        },
    )
    local_copies.put_json(
        out / "gemini" / "reply.json",
        {
            "modelVersion": "m",
            "candidates": [{"content": {"parts": [{"text": json.dumps(answer)}]}}],
            "usageMetadata": {"promptTokenCount": 12},
        },
    )


def trainings(out: Path) -> None:
    local_copies.put_json(
        out / "shards" / "index.json",
        {
            "shards": [{"file": "shard-0.safetensors", "clips": 2, "sha256": "0" * 64}],
            "frames": 8,
            "fps": 16,
            "size": 64,
            "sample_rate": 16000,
        },
    )
    from reference_model.params import nano, write_params

    (out / "params").mkdir(parents=True, exist_ok=True)
    write_params(nano(), out / "params" / "params.json")


def main() -> None:
    shutil.rmtree(CORPUS, ignore_errors=True)
    for name, make in {
        "suite": suites,
        "manifest": manifests,
        "prompt_set": prompt_sets,
        "board": boards,
        "run": runs,
        "status": statuses,
        "media": media,
        "picture": pictures,
        "weights": weights,
        "archive": archives,
        "judge": answers,
        "training": trainings,
    }.items():
        make(CORPUS / name)


if __name__ == "__main__":
    main()
