"""The gate's verdict as JUnit XML, which every CI system reads: one testcase per gated field.

Two schemas are around, that of Ant's task and that of Jenkins; the elements used here are valid in both.
"""

from __future__ import annotations

import re
from datetime import datetime
from xml.etree import ElementTree

from uniavgen_bench.core.gate_files import GateField, GateOutcome, GateResult

SUITE = "uniavgen-bench gate"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_of(result: GateResult) -> bytes:
    """Render a verdict as JUnit XML: a failed field is a `failure` of the type of its outcome."""
    fields = result.fields
    failed = [f for f in fields if f.outcome is not GateOutcome.PASSED]
    suite, root = _suite(
        result.made, tests=len(fields), failures=len(failed), seconds=sum(f.seconds for f in fields)
    )
    properties = ElementTree.SubElement(suite, "properties")
    facts = {
        "suite": result.suite,
        "system": result.system,
        "baseline": result.baseline,
        "baseline_made": result.baseline_made,
        "alpha": f"{result.alpha:g}",
        "coverage": f"{result.coverage:g}",
        "version": result.version,
    }
    for name, value in facts.items():
        ElementTree.SubElement(properties, "property", name=name, value=_clean(value))
    for field in fields:
        _case(suite, field)
    _outputs(suite, "\n".join(f"{field.key}: {field.outcome.value}: {field.why}" for field in fields))
    return _bytes(root)


def junit_refusal(why: str, made: str) -> bytes:
    """Render a refusal: one testcase `comparable` with an error, so that no CI system takes it for a success."""
    suite, root = _suite(made, tests=1, errors=1)
    ElementTree.SubElement(suite, "properties")
    case = ElementTree.SubElement(suite, "testcase", classname=SUITE, name="comparable", time="0.000")
    ElementTree.SubElement(case, "error", message=_clean(why), type="not comparable").text = _clean(why)
    _outputs(suite, why)
    return _bytes(root)


def _suite(
    made: str, *, tests: int, failures: int = 0, errors: int = 0, seconds: float = 0.0
) -> tuple[ElementTree.Element, ElementTree.Element]:
    root = ElementTree.Element("testsuites")
    attributes = {
        "name": SUITE,
        "package": "uniavgen-bench",
        "id": "0",
        "hostname": "localhost",
        # Without time zone, as the schema wants it.
        "timestamp": datetime.fromisoformat(made).replace(tzinfo=None).isoformat(timespec="seconds"),
        "tests": str(tests),
        "failures": str(failures),
        "errors": str(errors),
        "skipped": "0",
        "time": f"{seconds:.3f}",
    }
    return ElementTree.SubElement(root, "testsuite", attributes), root


def _outputs(suite: ElementTree.Element, text: str) -> None:
    ElementTree.SubElement(suite, "system-out").text = _clean(text)
    ElementTree.SubElement(suite, "system-err")


def _case(suite: ElementTree.Element, field: GateField) -> None:
    seconds = f"{field.seconds:.3f}"
    case = ElementTree.SubElement(suite, "testcase", classname=field.metric, name=field.field, time=seconds)
    if field.outcome is not GateOutcome.PASSED:
        failure = ElementTree.SubElement(case, "failure", message=_clean(field.why), type=field.outcome.value)
        failure.text = _clean(field.why)


def _clean(text: str) -> str:
    return _NOT_XML.sub("\ufffd", text)


def _bytes(root: ElementTree.Element) -> bytes:
    ElementTree.indent(root)
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)) + b"\n"
