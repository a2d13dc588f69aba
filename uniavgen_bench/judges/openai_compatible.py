"""Judges behind OpenAI's chat completions: OpenAI itself, and the many servers that speak the same."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

from uniavgen_bench.judges.http_json import post_json
from uniavgen_bench.judges.judge import Judge, JudgeError, Question, Reply
from uniavgen_bench.judges.settings import JudgeSettings

URL = "https://api.openai.com/v1"


def content(question: Question) -> list[dict[str, Any]]:
    """Return the parts of the one message: rubric, each picture after its time, sound."""
    parts: list[dict[str, Any]] = [{"type": "text", "text": question.rubric}]
    for picture in question.pictures:
        data = f"data:image/jpeg;base64,{b64encode(picture.jpeg).decode()}"
        parts.append({"type": "text", "text": f"Picture at {picture.time:.2f} s:"})
        parts.append({"type": "image_url", "image_url": {"url": data}})
    parts.append({"type": "text", "text": "Sound:"})
    parts.append(
        {"type": "input_audio", "input_audio": {"data": b64encode(question.wav).decode(), "format": "wav"}}
    )
    return parts


def ask(question: Question, settings: JudgeSettings) -> Reply:
    """Ask once; raises `JudgeError`."""
    assert settings.key is not None
    body = {
        "model": settings.model,
        "messages": [{"role": "user", "content": content(question)}],
        "response_format": {"type": "json_object"},
    }
    headers = {"Authorization": f"Bearer {settings.key.get_secret_value()}"}
    said = post_json(f"{settings.url or URL}/chat/completions", body, headers, settings)
    try:
        message = said["choices"][0]["message"]
        text = message["content"]
        refusal = message.get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError):
        raise JudgeError("the endpoint's reply holds no message", again=True) from None
    if not isinstance(text, str):
        raise JudgeError("the model refuses" if refusal else "the model's message holds no text", again=True)
    usage = said.get("usage")
    return Reply(
        text, str(said.get("model", "")), count(usage, "prompt_tokens"), count(usage, "completion_tokens")
    )


def count(usage: Any, *names: str) -> int | None:
    """Return the sum of counts of tokens, or None where the first is not told."""
    if not isinstance(usage, dict):
        return None
    values = [usage.get(name) for name in names]
    numbers = [v for v in values if isinstance(v, int) and not isinstance(v, bool) and v >= 0]
    return sum(numbers) if numbers and values[0] in numbers else None


JUDGE = Judge("openai", "OpenAI's chat completions, with pictures and sound in the message", URL, ask)
