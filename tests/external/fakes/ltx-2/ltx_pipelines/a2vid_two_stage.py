"""Fake of ltx_pipelines.a2vid_two_stage."""

from ltx_pipelines.options import checked, parser

made = parser()
made.add_argument("--distilled-lora", nargs="+", required=True)
made.add_argument("--audio-path", required=True)
options = checked(made.parse_args())
import fake_media  # noqa: E402

assert fake_media.length(options.audio_path) <= options.num_frames / 24 + 0.01
words = (options.prompt, str(options.seed))
fake_media.clip(options.output_path, *words, seconds=options.num_frames / 24, fps=24, rate=24_000)
