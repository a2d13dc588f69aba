"""Speaks many texts with one load of F5-TTS; run by the Python of its environment, so it imports nothing of the suite.

`speak.py MODEL TEXTS.json`: TEXTS is a list of objects with the arguments of `F5TTS.infer`. A text that fails
is printed and left out.
"""

import json
import sys
import traceback


def main() -> None:
    """Speak text by text."""
    from f5_tts.api import F5TTS  # type: ignore[import-not-found]

    model, listed = sys.argv[1:3]
    with open(listed, encoding="utf-8") as stream:  # noqa: PTH123 - any Python 3 runs this
        texts = json.load(stream)
    speaker = F5TTS(model=model)
    for text in texts:
        try:
            speaker.infer(**text)
        except Exception:  # noqa: BLE001 - one text must not end the others
            traceback.print_exc()


if __name__ == "__main__":
    main()
