"""Judges behind Google's Gemini interface (`generateContent`)."""

from __future__ import annotations

from base64 import b64encode
from typing import Any
from urllib.parse import quote

from uniavgen_bench.judges.http_json import post_json
from uniavgen_bench.judges.judge import Judge, JudgeError, Question, Reply
from uniavgen_bench.judges.openai_compatible import count
from uniavgen_bench.judges.settings import JudgeSettings

URL = "https://generativelanguage.googleapis.com/v1beta"


def parts(question: Question) -> list[dict[str, Any]]:
    """Return the parts of the one message: rubric, each picture after its time, sound."""
    listed: list[dict[str, Any]] = [{"text": question.rubric}]
    for picture in question.pictures:
        listed += [{"text": f"Picture at {picture.time:.2f} s:"}, _inline("image/jpeg", picture.jpeg)]
    return [*listed, {"text": "Sound:"}, _inline("audio/wav", question.wav)]


def _inline(kind: str, data: bytes) -> dict[str, Any]:
    return {"inlineData": {"mimeType": kind, "data": b64encode(data).decode()}}


def ask(question: Question, settings: JudgeSettings) -> Reply:
    """Ask once; raises `JudgeError`. The key travels in a header: addresses end up in logs."""
    assert settings.key is not None and settings.model is not None
    body = {
        "contents": [{"role": "user", "parts": parts(question)}],
        "generationConfig": {"responseMimeType": "application/json"},
    }
    model = quote(settings.model.removeprefix("models/"), safe="")
    headers = {"x-goog-api-key": settings.key.get_secret_value()}
    said = post_json(f"{settings.url or URL}/models/{model}:generateContent", body, headers, settings)
    try:
        if not said.get("candidates") and said.get("promptFeedback", {}).get("blockReason"):
            raise JudgeError("the endpoint blocks the question", again=False)
        listed = said["candidates"][0]["content"]["parts"]
        text = "".join(part["text"] for part in listed if "text" in part and not part.get("thought"))
    except (KeyError, IndexError, TypeError, AttributeError):
        raise JudgeError("the endpoint's reply holds no message", again=True) from None
    usage = said.get("usageMetadata")
    return Reply(
        text,
        str(said.get("modelVersion", "")),
        count(usage, "promptTokenCount"),
        # A model's thinking is billed as output.
        count(usage, "candidatesTokenCount", "thoughtsTokenCount"),
    )


JUDGE = Judge("gemini", "Google's Gemini interface, with pictures and sound in the message", URL, ask)
