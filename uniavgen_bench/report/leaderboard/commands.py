"""`uniavgen-bench leaderboard key new | add | verify | build`: what it prints, and its exit status."""

from __future__ import annotations

import json as jsonlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from uniavgen_bench.core.errors import InputError

if TYPE_CHECKING:
    from uniavgen_bench.core.entry_files import EntryLink
    from uniavgen_bench.report.leaderboard.recompute import Again, ClipSource, Scorer
    from uniavgen_bench.report.leaderboard.verify import Verdict

DEFAULT_BOARD = Path("reports/leaderboard")

Key = Annotated[
    Path | None,
    typer.Option(envvar="UNIAVGEN_BENCH_KEY", help="Private key file (leaderboard key new FILE makes one)."),
]
BoardFolder = Annotated[Path, typer.Option("--board", help="Folder of the board.")]
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def leaderboard_app(scorer: Callable[[], Scorer]) -> typer.Typer:
    """Return the commands; `scorer` gives what computes scores again, and is only called when it is needed."""
    app = typer.Typer(
        no_args_is_help=True, help="Signed results that everybody can check, and their web page."
    )
    keys = typer.Typer(no_args_is_help=True, help="Ed25519 keys that sign entries.")
    app.add_typer(keys, name="key")
    keys.command("new")(key_new)
    app.command("add")(add)
    app.command("verify")(_with_scorer_verify(scorer))
    app.command("build")(_with_scorer_build(scorer))
    return app


def key_new(file: Annotated[Path, typer.Argument(help="Where the private key goes; FILE.pub gets the public one.")],
) -> None:  # fmt: skip
    """Make a key pair. Nobody but you can read the private file; an existing file is never overwritten.

    Example: uniavgen-bench leaderboard key new ~/.config/uniavgen-bench/my-lab
    """
    from uniavgen_bench.report.leaderboard.keys import new_key

    public = new_key(file.expanduser())
    typer.echo(f"private key  {file} (keep it; who has it can publish in your name)")
    typer.echo(f"public key   {public} (goes to the board as keys/NAME.pub)")


def add(
    run: Annotated[Path, typer.Argument(help="A finished run directory.")],
    system: Annotated[
        list[str] | None,
        typer.Option("--system", help="Only this system; repeatable. Default: all but controls."),
    ] = None,
    key: Key = None,
    to: Annotated[Path, typer.Option("--to", help="Folder of the board.")] = DEFAULT_BOARD,
    submitter: Annotated[str | None, typer.Option(help="Name to be shown; default: the key's name.")] = None,
    link: Annotated[
        list[str] | None, typer.Option(metavar="TITLE=URL", help="An https address to be shown; repeatable.")
    ] = None,
    json: Json = False,
) -> None:
    """Write a signed entry of every system of a run; the run's controls go along.

    Examples:

        uniavgen-bench leaderboard add runs/joint --key my-lab --link report=https://example.org/joint

        uniavgen-bench leaderboard add runs/joint --system uniavgen-nano --key my-lab
    """
    from uniavgen_bench.report.leaderboard.add import Submitter, add_run
    from uniavgen_bench.report.leaderboard.board import Board
    from uniavgen_bench.report.leaderboard.keys import read_key
    from uniavgen_bench.report.leaderboard.verify import entry_title

    if key is None:
        raise InputError(
            "an entry is signed: --key is required", way_out="uniavgen-bench leaderboard key new FILE"
        )
    board = Board(to)
    signing = read_key(key.expanduser(), board.keys)
    links = tuple(_link(text) for text in link or ())
    made = add_run(run, board, signing, Submitter(submitter or signing.name, links), system or ())
    if json:
        rows = [{"path": str(s.path), "head": s.head, "system": s.entry.body.system.id} for s in made]
        typer.echo(jsonlib.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for stored in made:
            typer.echo(f"{stored.path}  {_one_line(entry_title(stored.entry))}")
    if signing.name not in board.keys:
        where = to / "keys" / f"{signing.name}.pub"
        typer.echo(f"note: the board does not know your key yet: put {key}.pub there as {where}", err=True)


def _link(text: str) -> EntryLink:
    from pydantic import ValidationError

    from uniavgen_bench.core.entry_files import EntryLink
    from uniavgen_bench.core.run_files import first_problem

    title, equals, url = text.partition("=")
    if not equals:
        raise InputError(
            f"--link {text!r} is not TITLE=URL", way_out="for example paper=https://example.org/paper"
        )
    try:
        return EntryLink(title=title, url=url)
    except ValidationError as error:
        raise InputError(f"--link {title!r}: {first_problem(error)}") from None


def _with_scorer_verify(scorer: Callable[[], Scorer]) -> Callable[..., None]:
    def verify(
        entries: Annotated[
            list[Path] | None,
            typer.Argument(metavar="[ENTRY]...", help="Entry files; default: all of the board."),
        ] = None,
        board: BoardFolder = DEFAULT_BOARD,
        clips: Annotated[
            Path | None, typer.Option(help="Run directory or folder of clips: compare their hashes as well.")
        ] = None,
        sample: Annotated[
            int,
            typer.Option(min=0, help="With --clips: compute this many answers (a metric of a clip) again."),
        ] = 0,
        seed: Annotated[int, typer.Option(min=0, help="Which answers are drawn.")] = 0,
        tolerance: Annotated[
            float, typer.Option(min=0, max=1, help="Largest relative difference of a score computed again.")
        ] = 1e-3,
        json: Json = False,
    ) -> None:
        """Check entries: schema, signature, key, hash chain, history, coverage, aggregates, protocols, weights.

        Exit status 1: something is wrong with an entry; 2: the command cannot be carried out.

        Examples:

            uniavgen-bench leaderboard verify

            uniavgen-bench leaderboard verify my-entry.json --clips runs/joint --sample 20
        """
        from uniavgen_bench.report.leaderboard.board import Board
        from uniavgen_bench.report.leaderboard.recompute import Again, ClipSource
        from uniavgen_bench.report.leaderboard.verify import verify_board

        if sample and clips is None:
            raise InputError("--sample needs the clips", way_out="add --clips with the run directory")
        found = verify_board(Board(board), entries or (), scorer().declared())
        again = Again(sample, seed, tolerance)
        lines: dict[Path, str] = {}
        if clips is not None:
            source, by = ClipSource(clips), scorer() if sample else None
            found = [_with_clips(verdict, source, by, again, lines) for verdict in found]
        _show(found, lines, json=json)
        if not all(verdict.holds for verdict in found):
            raise typer.Exit(1)

    return verify


def _with_clips(
    verdict: Verdict, source: ClipSource, scorer: Scorer | None, again: Again, lines: dict[Path, str]
) -> Verdict:
    from uniavgen_bench.report.leaderboard.recompute import recheck

    if verdict.stored is None or not verdict.holds:
        return verdict
    done = recheck(verdict.stored.entry.body, source, scorer, again)
    lines[verdict.path] = f"; {done.clips} clips are the ones scored, {done.answers} answers computed again"
    return replace(
        verdict,
        problems=(*verdict.problems, *done.problems),
        notes=(*verdict.notes, *done.notes),
    )


def _show(verdicts: Sequence[Verdict], lines: Mapping[Path, str], *, json: bool) -> None:
    from uniavgen_bench.report.leaderboard.verify import entry_title

    if json:
        rows = [
            {
                "path": str(v.path),
                "holds": v.holds,
                "problems": [{"check": p.check.value, "text": p.text} for p in v.problems],
                "notes": list(v.notes),
            }
            for v in verdicts
        ]
        typer.echo(jsonlib.dumps(rows, indent=2, ensure_ascii=False))
        return
    for verdict in verdicts:
        if verdict.holds and verdict.stored is not None:
            title = _one_line(entry_title(verdict.stored.entry))
            typer.echo(f"holds  {verdict.path.name}: {title}{lines.get(verdict.path, '')}")
        for problem in verdict.problems:
            typer.echo(f"FAILS  {verdict.path.name}: {_one_line(problem.text)}")
        for note in verdict.notes:
            typer.echo(f"note   {verdict.path.name}: {_one_line(note)}")
    if not verdicts:
        typer.echo("the board has no entry")


def _one_line(text: str) -> str:
    """Return a text of an entry for the terminal: on one line, and without characters that could steer it."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _with_scorer_build(scorer: Callable[[], Scorer]) -> Callable[..., None]:
    def build(
        out: Annotated[
            Path | None, typer.Option(help="Folder of the pages; default: site in the board.")
        ] = None,
        board: BoardFolder = DEFAULT_BOARD,
        json: Json = False,
    ) -> None:
        """Write the board's web pages: static, readable from disk, no network. Entries are verified first.

        Exit status 1: an entry does not hold, so nothing is written.

        Example: uniavgen-bench leaderboard build --out public
        """
        from uniavgen_bench.report.leaderboard.board import Board
        from uniavgen_bench.report.leaderboard.site import build_site
        from uniavgen_bench.report.leaderboard.verify import verify_board

        opened = Board(board)
        found = verify_board(opened, (), scorer().declared())
        wrong = [verdict for verdict in found if not (verdict.holds or verdict.expired_only)]
        if wrong:
            _show(wrong, {}, json=json)
            raise typer.Exit(1)
        page = build_site(opened, [v.stored for v in found if v.stored is not None], out or board / "site")
        typer.echo(jsonlib.dumps({"page": str(page), "entries": len(found)}) if json else f"page  {page}")

    return build
