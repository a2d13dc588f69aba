"""An ablation becomes systems: one for every cell of the design, made from one system by other options."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from uniavgen_bench.core.comparison import AblationBlock, Level, level_text
from uniavgen_bench.core.errors import InputError, Where, unknown_name
from uniavgen_bench.core.located import Located, parse_yaml
from uniavgen_bench.core.sample import Role
from uniavgen_bench.core.spec import Frozen
from uniavgen_bench.runner.configured import ConfiguredSystem

MOST_CELLS = 256
"""A design with more cells than this is a mistake: every cell makes all clips again."""

Cell = dict[str, int]


@dataclass(frozen=True)
class Asked:
    """An ablation and where it was asked for: `located` is the suite's block, or None for the command line."""

    block: AblationBlock
    located: Located | None = None

    def where(self, *location: str | int) -> Where:
        """Return the place of a key of the block: file and line, or the option of the command line."""
        if self.located is not None:
            return self.located.where(location)
        option = {"of": "--of", "design": "--design"}.get(str(location[0]), "--factor")
        return Where(option, key=str(location[1]) if len(location) > 1 else None)


@dataclass(frozen=True)
class FactorOptions:
    """What the command line says of an ablation: `--factor NAME=LEVEL,LEVEL` (repeated), `--of`, `--design`."""

    factors: tuple[str, ...] = ()
    of: str | None = None
    design: str | None = None


def asked_ablation(
    options: FactorOptions, suite: Asked | None, systems: Sequence[ConfiguredSystem]
) -> Asked | None:
    """Return the ablation that the command line asks for, else the suite's.

    Without `--of` it is of the suite's, or of the first system that the run makes and that is no control.

    Raises:
        InputError: a factor that cannot be read, an unknown design, or no system whose options could be varied.
    """
    factors, of, design = options.factors, options.of, options.design
    if not factors and of is None and design is None:
        return suite
    if not factors and suite is None:
        option = "--of" if of is not None else "--design"
        raise InputError("there is no ablation", where=Where(option), way_out="add --factor NAME=LEVEL,LEVEL")
    if design not in (None, "one_at_a_time", "full"):
        raise unknown_name("design", str(design), ["one_at_a_time", "full"], where=Where("--design"))
    levels = _read_factors(factors) or (suite.block.factors if suite else {})
    chosen = of or (suite.block.of if suite else None) or _first_made(systems)
    kept = suite.block.design if suite else "one_at_a_time"
    try:
        block = AblationBlock.model_validate({"of": chosen, "factors": levels, "design": design or kept})
    except ValidationError as error:
        problem = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputError(problem, where=Where("--factor")) from None
    return Asked(block)


def _read_factors(factors: Sequence[str]) -> dict[str, tuple[Level, ...]]:
    found: dict[str, tuple[Level, ...]] = {}
    for text in factors:
        name, equals, values = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise InputError(
                f"{text!r} is not NAME=LEVEL,LEVEL", where=Where("--factor"),
                way_out="for example --factor milliseconds=0,80,200",
            )  # fmt: skip
        if name in found:
            raise InputError("the factor is given twice", where=Where("--factor", key=name))
        found[name] = tuple(_read_level(name, value.strip()) for value in values.split(","))
    return found


def _read_level(name: str, text: str) -> Level:
    value = parse_yaml(text, f"--factor {name}").data if text else None
    if not isinstance(value, str | bool | int | float):
        raise InputError(f"{text!r} is no level", where=Where("--factor", key=name))
    return value


def _first_made(systems: Sequence[ConfiguredSystem]) -> str:
    made = [s.info.id for s in systems if s.info.role is Role.SYSTEM and not s.plugin.finished]
    if made:
        return made[0]
    others = ", ".join(s.info.id for s in systems if not s.plugin.finished)
    raise InputError(
        "the suite makes no clips of a system whose options could be varied",
        where=Where("--factor"),
        way_out=f"name a control with --of: {others}" if others else "add such a system to it",
    )


def cells(block: AblationBlock) -> list[Cell]:
    """Return the cells of the design, the reference first: the number of every factor's level.

    `one_at_a_time`: the reference, then each other level of each factor alone. `full`: every combination.
    """
    if block.design == "full":
        numbers = [range(len(levels)) for levels in block.factors.values()]
        return [dict(zip(block.factors, chosen, strict=True)) for chosen in itertools.product(*numbers)]
    reference = dict.fromkeys(block.factors, 0)
    alone = [{**reference, name: i} for name, levels in block.factors.items() for i in range(1, len(levels))]
    return [reference, *alone]


def cell_id(of: str, levels: Mapping[str, str]) -> str:
    """Return the name of a cell: `of[factor=level,factor=level]`."""
    return f"{of}[{','.join(f'{name}={text}' for name, text in levels.items())}]"


def expand(asked: Asked, systems: Sequence[ConfiguredSystem]) -> tuple[ConfiguredSystem, ...]:
    """Return the systems with a system for every cell of the design, each knowing its levels.

    A cell with the options of a system of the suite is that system, so nothing is made twice; the others follow the
    system that they are made from.

    Raises:
        InputError: an unknown system, factor or level, a level that the option refuses, two levels that are the same,
            or a design that is too large; the message names file, line and key, and the nearest name.
    """
    block = asked.block
    _not_too_many(asked)
    plain = _system(asked, systems)
    levels = {
        name: [_Level(asked, plain, name, i) for i in range(len(values))]
        for name, values in block.factors.items()
    }
    named = {s.info.id: s for s in systems}
    texts_of: dict[str, dict[str, str]] = {}
    for cell in cells(block):
        texts = {name: level_text(block.factors[name][i]) for name, i in cell.items()}
        chosen = {name: levels[name][i] for name, i in cell.items()}
        options = _checked(plain, [level.patch for level in chosen.values()], asked.where("factors"))
        known = next((s for s in named.values() if _same(s, plain, options)), None)
        if known is None:
            # Named after what is not as in the plain system; all of it where every level alone changes nothing.
            changed = {name: texts[name] for name, level in chosen.items() if level.options != plain.options}
            name = cell_id(plain.info.id, changed or texts)
            if name in named:
                raise InputError(f"a cell and a system are both called {name!r}", where=asked.where("of"))
            update = {"id": name, "label": "", "options": options.model_dump(mode="json")}
            known = ConfiguredSystem(plain.info.model_copy(update=update), plain.plugin, options, varied=True)
        elif known.info.id in texts_of:
            raise InputError(
                f"{_shown(texts_of[known.info.id])} and {_shown(texts)} give {plain.info.id!r} the same options",
                where=asked.where("factors"),
            )
        texts_of[known.info.id] = texts
        named[known.info.id] = replace(known, info=known.info.model_copy(update={"factors": texts}))
    added = [system for system in named.values() if system.varied]
    listed: list[ConfiguredSystem] = []
    for system in systems:
        listed += [named[system.info.id], *(added if system.info.id == plain.info.id else [])]
    return tuple(listed)


def _not_too_many(asked: Asked) -> None:
    counts = [len(levels) for levels in asked.block.factors.values()]
    number = 1 + sum(n - 1 for n in counts)
    if asked.block.design == "full":
        number = 1
        for count in counts:
            number *= count
    if number > MOST_CELLS:
        raise InputError(
            f"the design has {number} cells, {MOST_CELLS} at most",
            where=asked.where("factors"),
            way_out="design one_at_a_time needs fewer",
        )


def _system(asked: Asked, systems: Sequence[ConfiguredSystem]) -> ConfiguredSystem:
    of = asked.block.of
    plain = next((s for s in systems if s.info.id == of), None)
    if plain is None:
        made = [s.info.id for s in systems if not s.plugin.finished]
        raise unknown_name("system that the run makes", of, made, where=asked.where("of"))
    if plain.plugin.finished:
        raise InputError(
            f"{of} has finished clips: there is nothing to vary",
            where=asked.where("of"),
            way_out="name a system that the run makes",
        )
    return plain


class _Level:
    """A level of a factor: the options that it sets, and the plain system's options with them alone."""

    def __init__(self, asked: Asked, plain: ConfiguredSystem, name: str, index: int) -> None:
        level = asked.block.factors[name][index]
        where = asked.where("factors", name, index)
        declared = plain.plugin.factors.get(name)
        if declared is not None:
            text = level_text(level)
            if text not in declared:
                raise unknown_name(f"level of {name}", text, declared, where=where)
            self.patch = dict(declared[text])
            self.options = _checked(plain, [self.patch], where)
            return
        known = [*plain.plugin.factors, *_paths(plain.info.options)]
        if name not in known:
            raise unknown_name(f"factor of {plain.info.id}", name, known, where=asked.where("factors", name))
        self.patch = _at(name, level)
        try:
            self.options = _checked(plain, [self.patch], where)
        except InputError:
            if not isinstance(level, bool):
                raise
            # YAML reads the words `on` and `off` as truth values, and an option may want the word.
            self.patch = _at(name, level_text(level))
            self.options = _checked(plain, [self.patch], where)


def _at(path: str, value: Level) -> dict[str, Any]:
    """Return options in which only the one with a dotted name is set."""
    *above, last = path.split(".")
    patch: dict[str, Any] = {last: value}
    for part in reversed(above):
        patch = {part: patch}
    return patch


def _paths(options: Mapping[str, Any], above: str = "") -> list[str]:
    """Return the dotted names of all options, also inside mappings."""
    found: list[str] = []
    for name, value in options.items():
        inner = _paths(value, f"{above}{name}.") if isinstance(value, dict) else []
        found += inner or [f"{above}{name}"]
    return found


def _checked(plain: ConfiguredSystem, patches: Sequence[Mapping[str, Any]], where: Where) -> Frozen:
    """Return the plain system's options with patches laid over them."""
    data: dict[str, Any] = plain.options.model_dump(mode="json")
    for patch in patches:
        data = _over(data, patch)
    try:
        return plain.plugin.options.model_validate(data)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        option = ".".join(str(part) for part in problem["loc"])
        named = f"{option}: " if option not in (where.key or "").split(".") else ""
        raise InputError(f"{named}{problem['msg']}, got {problem['input']!r}", where=where) from None


def _over(data: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return a mapping with another laid over it, at every depth."""
    result = dict(data)
    for key, value in patch.items():
        below = result.get(key)
        result[key] = _over(below, value) if isinstance(below, dict) and isinstance(value, Mapping) else value
    return result


def _same(system: ConfiguredSystem, plain: ConfiguredSystem, options: Frozen) -> bool:
    return (
        system.info.use == plain.info.use
        and system.info.role is plain.info.role
        and system.options == options
    )


def _shown(texts: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={text}" for name, text in texts.items())
