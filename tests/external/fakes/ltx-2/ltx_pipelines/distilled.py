"""Fake of ltx_pipelines.distilled."""

from ltx_pipelines.options import checked, parser

options = checked(parser().parse_args())
import fake_media  # noqa: E402

words = (options.prompt, str(options.seed))
fake_media.clip(options.output_path, *words, seconds=options.num_frames / 24, fps=24, rate=24_000)
