"""uniavgen-bench: numbers that can be trusted for joint audio-video generation of talking people."""

__version__ = "0.1.0.dev0"
