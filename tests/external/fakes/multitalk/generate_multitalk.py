"""Fake of MeiGen-AI's generate_multitalk.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import meigen_fake

meigen_fake.run("multitalk", "cond_image")
