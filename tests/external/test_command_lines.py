"""Every system is called as its project documents: golden command lines and text inputs, accepted by its fake."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from external.world import FAKES, jobs, make, sample, shown, system
from uniavgen_bench.core.result import MissingError
from uniavgen_bench.core.sample import Task
from uniavgen_bench.systems.external.prepare import Prepared
from uniavgen_bench.systems.external.prompts import cell

A, J, JR = Task.AUDIO_DRIVEN, Task.JOINT, Task.JOINT_REF_AUDIO
IMAGE = "JOB/media/c0000_a_r0_image.png"
SOUND = "JOB/media/c0000_a_r0_condition_audio.wav"
LTX = {
    name: f"/w/{name}"
    for name in (
        "transformer_path", "dev_transformer_path", "distilled_lora", "text_encoder_path", "video_vae_path",
        "audio_vae_path", "spatial_upsampler_path",
    )
}  # fmt: skip
LTX_SHARED = (
    "--text-encoder-path /w/text_encoder_path --video-vae-path /w/video_vae_path --audio-vae-path /w/audio_vae_path "
    "--spatial-upsampler-path /w/spatial_upsampler_path"
)
HUNYUAN = "weights/ckpts/hunyuan-video-t2v-720p/transformers/mp_rank_00_model_states"

Case = tuple[str, Task, dict[str, Any], str]
CASES: dict[str, Case] = {
    "universe-1": ("universe-1", J, {}, (
        "ENV/torchrun --nnodes=1 --nproc_per_node=1 fastvideo/sample/sample_universe.py --model_path "
        "Wan-AI/Wan2.1-T2V-1.3B-Diffusers --ace_path ACE-Step/ACE-Step-v1-3.5B --transformer_path "
        "./checkpoints/UniVerse-1-base/ --num_frames 125 --height 256 --width 256 --num_inference_steps 35 "
        "--guidance_scale_vid 1.2 --guidance_scale_aud 5.0 --seed 1000 --cpu_offload --output_path JOB/out "
        f"--refimg_path {IMAGE} --prompt_path JOB/prompt.json")),
    "javisdit": ("javisdit", J, {"text_only": True}, (
        "ENV/python scripts/inference.py JOB/sample.py --num-frames 81 --resolution 480p --aspect-ratio 9:16 "
        "--model-path ./checkpoints/JavisDiT-v1.0-jav --prompt-path JOB/prompts.csv --save-dir JOB/out --verbose 2")),
    "omniavatar": ("omniavatar", A, {}, (
        "ENV/torchrun --standalone --nproc_per_node=1 scripts/inference.py --config configs/inference.yaml "
        "--input_file JOB/c0000_a_r0_TOKEN.txt --hp=seed=1000,num_steps=50,guidance_scale=4.5,silence_duration_s=0")),
    "omniavatar, eight devices": ("omniavatar", A, {"devices": list(range(8)), "size": "1.3B"}, (
        "ENV/torchrun --standalone --nproc_per_node=8 scripts/inference.py --config configs/inference_1.3B.yaml "
        "--input_file JOB/c0000_a_r0_TOKEN.txt --hp=seed=1000,num_steps=50,guidance_scale=4.5,silence_duration_s=0,"
        "sp_size=8")),
    "wan22-s2v": ("wan22-s2v", A, {}, (
        "ENV/python generate.py --task s2v-14B --size '1024*704' --ckpt_dir ./Wan2.2-S2V-14B/ --offload_model True "
        f"--convert_model_dtype --prompt 'A man talks, take a.' --image {IMAGE} --audio {SOUND} --base_seed 1000 "
        "--save_file JOB/out/clip.mp4")),
    "wan22-s2v, eight devices": ("wan22-s2v", A, {"devices": list(range(8)), "infer_frames": 84}, (
        "ENV/torchrun --nproc_per_node=8 generate.py --task s2v-14B --size '1024*704' --ckpt_dir ./Wan2.2-S2V-14B/ "
        "--dit_fsdp --t5_fsdp --ulysses_size 8 --convert_model_dtype --prompt 'A man talks, take a.' "
        f"--image {IMAGE} --audio {SOUND} --base_seed 1000 --infer_frames 84 --save_file JOB/out/clip.mp4")),
    "ltx-2, joint": ("ltx-2", J, LTX, (
        f"ENV/python -m ltx_pipelines.distilled --transformer-path /w/transformer_path {LTX_SHARED} --num-frames 121 "
        f"--seed 1000 --image {IMAGE} 0 1.0 --prompt 'A man talks, take a. The person says: \"Words of a.\"' "
        "--output-path JOB/out/clip.mp4")),
    "ltx-2, audio-driven": ("ltx-2", A, LTX, (
        "ENV/python -m ltx_pipelines.a2vid_two_stage --transformer-path /w/dev_transformer_path --distilled-lora "
        f"/w/distilled_lora 1.0 {LTX_SHARED} --num-frames 97 --seed 1000 --image {IMAGE} 0 1.0 --audio-path {SOUND} "
        "--prompt 'A man talks, take a.' --output-path JOB/out/clip.mp4")),
    "mova": ("mova", J, {}, (
        "ENV/torchrun --nproc_per_node=1 scripts/inference_single.py --ckpt_path MOVA-360p/ --cp_size 1 --height 352 "
        "--width 640 --num_frames 121 --prompt 'A man talks, take a. The person says, \"Words of a.\"' "
        f"--ref_path {IMAGE} --output_path JOB/out/clip.mp4 --seed 1000 --offload cpu")),
    "infinitetalk": ("infinitetalk", A, {}, (
        "ENV/python generate_infinitetalk.py --ckpt_dir weights/Wan2.1-I2V-14B-480P --wav2vec_dir "
        "weights/chinese-wav2vec2-base --infinitetalk_dir weights/InfiniteTalk/single/infinitetalk.safetensors "
        "--input_json JOB/input.json --size infinitetalk-480 --sample_steps 40 --mode streaming --motion_frame 9 "
        "--base_seed 1000 --audio_save_dir JOB/audio --save_file JOB/out/clip")),
    "multitalk": ("multitalk", A, {}, (
        "ENV/python generate_multitalk.py --ckpt_dir weights/Wan2.1-I2V-14B-480P --wav2vec_dir "
        "weights/chinese-wav2vec2-base --input_json JOB/input.json --size multitalk-480 --sample_steps 40 "
        "--mode streaming --base_seed 1000 --audio_save_dir JOB/audio --save_file JOB/out/clip")),
    "hunyuanvideo-avatar": ("hunyuanvideo-avatar", A, {}, (
        f"ENV/python hymm_sp/sample_gpu_poor.py --input JOB/rows.csv --ckpt {HUNYUAN}_fp8.pt --sample-n-frames 129 "
        "--seed 128 --image-size 704 --cfg-scale 7.5 --infer-steps 50 --use-deepcache 1 --flow-shift-eval-video 5.0 "
        "--save-path JOB/out --use-fp8")),
    "hunyuanvideo-avatar, eight devices": ("hunyuanvideo-avatar", A, {"devices": list(range(8))}, (
        "ENV/torchrun --nnodes=1 --nproc_per_node=8 hymm_sp/sample_batch.py --input JOB/rows.csv "
        f"--ckpt {HUNYUAN}.pt --sample-n-frames 129 --seed 128 --image-size 704 --cfg-scale 7.5 --infer-steps 50 "
        "--use-deepcache 1 --flow-shift-eval-video 5.0 --save-path JOB/out")),
    "talker-t2av": ("talker-t2av", JR, {"motion": str(FAKES / "talker-t2av" / "motion.pt")}, (
        "ENV/python infer.py --text 'Words of a.' --ref-audio JOB/media/c0000_a_r0_reference_audio.wav --ref-motion "
        f"{FAKES / 'talker-t2av' / 'motion.pt'} "
        "--ref-video JOB/media/c0000_a_r0_still.mp4 --gt-prefix-seconds 0 --output JOB/out/clip.mp4")),
    "musetalk": ("musetalk", A, {}, (
        "ENV/python -m scripts.inference --inference_config JOB/tasks.yaml --result_dir JOB/out --unet_model_path "
        "models/musetalkV15/unet.pth --unet_config models/musetalkV15/musetalk.json --version v15 --fps 25")),
    "sadtalker": ("sadtalker", A, {}, (
        f"ENV/python inference.py --driven_audio {SOUND} --source_image {IMAGE} --result_dir JOB/out --still "
        "--preprocess full --size 256")),
    "wav2lip": ("wav2lip", A, {"pads": [0, 20, 0, 0], "nosmooth": True}, (
        f"ENV/python inference.py --checkpoint_path checkpoints/wav2lip_gan.pth --face {IMAGE} --audio {SOUND} "
        "--outfile JOB/out/clip.mp4 --fps 25 --pads 0 20 0 0 --nosmooth")),
}  # fmt: skip

INPUTS: dict[str, tuple[str, Callable[[str], Any], Any]] = {
    "universe-1": ("prompt.json", json.loads, {
        "video_prompt": "A man talks, take a.", "audio_prompt": ["none"],
        "speech_prompt": {"speaker": "the person", "text": "Words of a."}}),
    "javisdit": ("prompts.csv", str.splitlines,
                 ["text", '"A man talks, take a. The person says: ""Words of a."""']),
    "omniavatar": ("c0000_a_r0_TOKEN.txt", str, f"A man talks, take a.@@{IMAGE}@@{SOUND}\n"),
    "infinitetalk": ("input.json", json.loads, {
        "prompt": "A man talks, take a.", "cond_video": IMAGE, "cond_audio": {"person1": SOUND}}),
    "multitalk": ("input.json", json.loads, {
        "prompt": "A man talks, take a.", "cond_image": IMAGE, "cond_audio": {"person1": SOUND}}),
    "hunyuanvideo-avatar": ("rows.csv", str.splitlines, [
        "videoid,image,audio,prompt,fps", f'c0000_a_r0,{IMAGE},{SOUND},"A man talks, take a.",25']),
    "musetalk": ("tasks.yaml", yaml.safe_load, {
        "task_0": {"video_path": IMAGE, "audio_path": SOUND, "result_name": "c0000_a_r0.mp4"}}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_command_line_is_as_documented(tmp_path: Path, case: str) -> None:
    name, task, options, expected = CASES[case]
    ((command, texts),) = shown(
        system(name, **options), [sample(tmp_path / "given", task=task, seconds=4.0)], tmp_path
    )
    assert command == expected
    if case in INPUTS:
        file, read, content = INPUTS[case]
        assert read(texts[file]) == content


RUN = [case for case in CASES if "," not in case or case.startswith(("ltx-2", "hunyuanvideo-avatar"))]


@pytest.mark.parametrize("case", RUN)
def test_its_fake_takes_the_command_and_the_clip_is_collected(tmp_path: Path, case: str) -> None:
    name, task, options, _ = CASES[case]
    made = make(system(name, **options), [sample(tmp_path / "given", task=task, seconds=3.5)], tmp_path)
    assert not made.missing, made.missing
    assert "nothing resampled, cut or padded" in made.facts[0]["media"]
    assert made.facts[0]["command"] and made.facts[0]["seconds"] >= 0


def test_seed_of_javisdit_stands_in_a_copy_of_its_configuration(tmp_path: Path) -> None:
    made_by = system("javisdit", text_only=True, seed=7)
    ((_, texts),) = shown(made_by, [sample(tmp_path / "given")], tmp_path)
    assert texts["sample.py"].splitlines() == [
        'resolution = "240p"',
        "fps = 16",
        "seed = 7",
        "batch_size = 1",
    ]


def test_variables_that_hunyuanvideo_avatar_needs_are_set(tmp_path: Path) -> None:
    made_by = system("hunyuanvideo-avatar")
    (prepared,) = made_by.shown(jobs([sample(tmp_path / "given", task=A)], tmp_path), tmp_path / "scratch")
    assert isinstance(prepared, Prepared)
    assert prepared.given == {"MODEL_BASE": "./weights", "PYTHONPATH": "./", "DISABLE_SP": "1"}


@pytest.mark.parametrize(
    "name",
    ["omniavatar", "hunyuanvideo-avatar", "infinitetalk", "multitalk", "wan22-s2v"],
)
def test_a_system_that_wants_a_prompt_gets_one_or_the_sample_a_reason(tmp_path: Path, name: str) -> None:
    bare = sample(tmp_path / "given", task=A, seconds=4.0, caption=None)
    (refused,) = system(name).shown(jobs([bare], tmp_path), tmp_path / "bare")
    assert isinstance(refused, dict) and "has no caption" in str(*refused.values())
    made_by = system(name, prompt="A person talks.")
    (prepared,) = made_by.shown(jobs([bare], tmp_path), tmp_path / "given a text")
    assert isinstance(prepared, Prepared)


@given(st.text(max_size=12))
def test_a_cell_comes_back_from_a_table_as_it_was(text: str) -> None:
    text = " ".join(text.split())
    try:
        cell(text, "text")
    except MissingError:
        return
    if text:
        table = f'a,b\n"x","{text.replace(chr(34), chr(34) * 2)}"\n'
        assert pd.read_csv(io.StringIO(table))["b"].tolist() == [text]


@pytest.mark.parametrize(
    ("name", "frames", "said"),
    [("ltx-2", 120, "8 n . 1: 113 or 121, got 120"), ("mova", 120, "4 n . 1: 117 or 121, got 120")],
)
def test_a_number_of_frames_that_it_cannot_make_is_refused(name: str, frames: int, said: str) -> None:
    assert system(name, num_frames=frames + 1)
    with pytest.raises(ValueError, match=said):
        system(name, num_frames=frames)


def test_a_prompt_of_too_many_words_is_answered_with_a_reason(tmp_path: Path) -> None:
    samples = [sample(tmp_path / "given", speech=" ".join(["word"] * count)) for count in (100, 250)]
    fits, refused = system("ltx-2", **LTX).shown(jobs(samples, tmp_path), tmp_path / "scratch")
    assert isinstance(fits, Prepared) and isinstance(refused, dict)
    assert "the prompt has 258 words, it takes 200 at most" in str(*refused.values())


@pytest.mark.parametrize(
    ("name", "options"), [("mova", {}), ("ltx-2", LTX), ("javisdit", {"text_only": True})]
)
def test_quotes_inside_quoted_words_become_single_and_it_is_noted(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    given = sample(tmp_path / "given", speech='He said "no".')
    (prepared,) = system(name, **options).shown(jobs([given], tmp_path), tmp_path / "scratch")
    assert isinstance(prepared, Prepared)
    texts = " ".join([*prepared.command, *(p.read_text() for p in prepared.batch.folder.glob("*.csv"))])
    assert "He said 'no'." in texts and 'said "no"' not in texts.replace('""', '"')
    assert "double quotes inside the words to speak" in " ".join(*prepared.batch.notes.values())


def test_javisdit_takes_prompts_without_speech_as_they_are(tmp_path: Path) -> None:
    samples = [
        sample(tmp_path / "given", "bench", caption="A dog barks.", speech=None).model_copy(
            update={"task": None}
        ),
        sample(tmp_path / "given", "bare", caption=None, speech=None),
    ]
    made_by = system("javisdit", text_only=True, batch=0)
    made_by.ready(samples)
    one, other = made_by.shown(jobs(samples, tmp_path), tmp_path / "scratch")
    assert isinstance(one, Prepared) and isinstance(other, dict)
    assert (one.batch.folder / "prompts.csv").read_text().splitlines() == ["text", "A dog barks."]
    assert "has no caption" in str(*other.values())


def test_another_version_of_javisdit_needs_its_own_weights() -> None:
    with pytest.raises(ValueError, match=r"names the weights of v1\.0: set it to those of v0\.1"):
        system("javisdit", text_only=True, version="v0.1")
    made_by = system("javisdit", text_only=True, version="v0.1", model_path="./checkpoints/JavisDiT-v0.1")
    assert made_by.external.weights(made_by.options) == ("./checkpoints/JavisDiT-v0.1",)
