"""Fake of MeiGen-AI's generate_infinitetalk.py."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
import meigen_fake

meigen_fake.run("infinitetalk", "cond_video")
