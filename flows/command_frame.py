"""What every command has in common: the home, JSON or words, progress, errors, exit codes, signals.

Results go to standard output, everything else to standard error. Exit codes: 0 done, 1 a bug, 2 usage, 3 data refused,
4 verification failed, 5 access denied, 6 infrastructure unavailable; 130 and 143 after SIGINT and SIGTERM.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from hardline.flows import command_text
from hardline.infra import runtime as runtimes
from hardline.infra import settings, terminal
from hardline.infra.escaping import one_line
from hardline.tasks.core.errors import HardlineError, InfraError, UsageError, VerificationError

if TYPE_CHECKING:
    from types import FrameType

Home = Annotated[
    str | None,
    typer.Option("--home", metavar="DIR", help="The home; HARDLINE_HOME or ~/.hardline if not given."),
]
Json = Annotated[bool, typer.Option("--json", metavar="", help="Write the result as JSON.")]
_Wrong = typer.BadParameter.__mro__[2]  # click's ClickException, wherever typer keeps its click


class Unwritten(InfraError):
    """The command did what it was asked for, and could not say so."""


@dataclass(frozen=True)
class Session:
    """One call of the program.

    Attributes:
        home: The home asked for; None: the environment's or the default one.
        json: Whether the result is written as JSON.
        progress: Who is told how far it is.
    """

    home: str | None
    json: bool
    progress: terminal.Lines


@dataclass
class Asked:
    """What is known of a call so far, for who must say how it ended.

    Attributes:
        home: The last --home.
        json: Whether JSON was asked for; None: not parsed yet.
        failed: Keys of the JSON object that stands for an error.
    """

    home: str | None = None
    json: bool | None = None
    failed: Mapping[str, Any] = field(default_factory=dict)


class _PlainHelp:
    """Help that does not call its own option a `<bool>`."""

    def get_help_option(self, context: Any) -> Any:
        option = super().get_help_option(context)  # type: ignore[misc]
        if option is not None:
            option.metavar = ""
        return option


class Command(_PlainHelp, TyperCommand):
    """A command."""


class Group(_PlainHelp, TyperGroup):
    """A group of commands."""


def root(context: typer.Context, home: Home = None, as_json: Json = False) -> None:
    """Verified, encrypted, signed training data, and models hardened on nothing else."""
    asked = context.ensure_object(Asked)
    asked.home, asked.json = home, as_json or None


def command(
    app: typer.Typer,
    name: str,
    example: str,
    *,
    panel: str | None = None,
    opens: bool = True,
    failed: Mapping[str, Any] | None = None,
) -> Callable[[Callable[..., object]], Callable[..., object]]:
    """Make a command of a function of (session, options...) that returns a result.

    Args:
        app: Where it belongs.
        name: Of the command.
        example: One line that works, for the help.
        panel: The heading above it in the list of commands.
        opens: Whether the home is opened, and made the current runtime, before the function is called.
        failed: Keys of the JSON object that stands for an error.
    """

    def register(fn: Callable[..., object]) -> Callable[..., object]:
        def run(context: typer.Context, home: str | None, as_json: bool, **given: Any) -> None:
            asked = context.ensure_object(Asked)
            asked.home = asked.home if home is None else home
            asked.json = as_json or bool(asked.json)
            asked.failed = failed or {}
            with ExitStack() as stack:
                session = Session(asked.home, asked.json, stack.enter_context(terminal.watcher()))
                if opens:
                    opened = runtimes.open_runtime(session.home, progress=session.progress)
                    stack.enter_context(runtimes.use(opened))
                result = fn(session, **given)
            with command_text.called(_to_be_named(session.home)):
                write(result, session.json)

        parameters = [
            inspect.Parameter("context", inspect.Parameter.KEYWORD_ONLY, annotation=typer.Context),
            *list(inspect.signature(fn, eval_str=True).parameters.values())[1:],
            inspect.Parameter("home", inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Home),
            inspect.Parameter("as_json", inspect.Parameter.KEYWORD_ONLY, default=False, annotation=Json),
        ]
        parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
        run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        run.__doc__ = fn.__doc__
        run.failed = failed or {}  # type: ignore[attr-defined]  # for a call that is refused before it runs
        app.command(name, cls=Command, epilog=f"Example:  {example}", rich_help_panel=panel)(run)
        return fn

    return register


def write(result: object, as_json: bool) -> None:
    """The result, on standard output.

    Raises:
        Unwritten: It cannot be written.
        SystemExit: Its reader has seen enough.
    """
    if as_json or isinstance(result, dict):
        text = json.dumps(_plain(result), indent=2)  # ASCII: valid JSON whatever the terminal's encoding, and the names
    else:
        text = command_text.safe(command_text.text(result))
    try:
        sys.stdout.write(text.rstrip("\n") + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        terminal.silence(sys.stdout)
        raise SystemExit(128 + signal.SIGPIPE) from None
    except OSError as error:
        terminal.silence(sys.stdout)
        raise Unwritten(
            f"standard output: {error.strerror}; what was asked for is done",
            help="the same command again does nothing twice, and says the same",
        ) from None


def _to_be_named(home: str | None) -> str | None:
    """The home that the next command must name; None: it is the one that is taken without."""
    known = settings.Settings.from_environment(os.environ)
    if home is None or (known.home is not None and runtimes.root_of(home, known) == runtimes.root_of(None, known)):
        return None
    return home


def _plain(result: Any) -> Any:
    if hasattr(result, "to_json"):
        return result.to_json()
    return [_plain(item) for item in result] if isinstance(result, list | tuple) else result


def call(app: typer.Typer, arguments: Sequence[str]) -> int:
    """Run the program; returns its exit code."""
    asked = Asked()
    try:
        code = app(list(arguments) or ["--help"], prog_name="hardline", standalone_mode=False, obj=asked)
    except HardlineError as error:
        return refused(error, asked.json is True, asked.failed)
    except _Wrong as error:  # type: ignore[misc]
        return _misspelt(error, "--json" in arguments if asked.json is None else asked.json)
    except (KeyboardInterrupt, typer.Abort):
        code = 128 + signal.SIGINT
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except Exception as error:
        return _bug(error, asked.json is True)
    if code in (128 + signal.SIGINT, 128 + signal.SIGTERM):
        terminal.say("hardline: interrupted; the same command goes on from here")
    return int(code or 0)


def _misspelt(error: Any, as_json: bool) -> int:
    """Say what click found wrong before the command ran."""
    context = getattr(error, "ctx", None)
    failed = getattr(getattr(getattr(context, "command", None), "callback", None), "failed", {})
    path = getattr(context, "command_path", "hardline")
    said = UsageError(error.format_message() or "a command expected, got none", help=f"{path} --help")
    return refused(said, as_json, failed)


def refused(error: HardlineError, as_json: bool, failed: Mapping[str, Any] | None = None) -> int:
    """Say an error of ours in one line, and what helps in another; returns its exit code."""
    if as_json and not isinstance(error, Unwritten):
        step = {"step": error.step} if isinstance(error, VerificationError) else {}
        said = {
            "error": type(error).__name__,
            "message": error.message,
            "help": error.help,
            "exit_code": error.exit_code,
        }
        with suppress(Unwritten, SystemExit):  # the exit code still says it
            write({**(failed or {}), **step, **said}, as_json=True)
            return error.exit_code
    step_said = f"step {error.step}: " if isinstance(error, VerificationError) and error.step else ""
    lines = [f"hardline: {type(error).__name__}: {step_said}{one_line(error.message, 2000)}"]
    lines += [f"  {one_line(error.help, 1000)}"] if error.help else []
    terminal.say("\n".join(lines))
    return error.exit_code


def _bug(error: Exception, as_json: bool) -> int:
    """Where it happened, without the error's own text: what a library says may quote the data."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"  {place.filename}:{place.lineno} in {place.name}" for place in frames]
    terminal.say("\n".join(places))
    note = f"{type(error).__name__}: a bug of hardline; nothing was published by half"
    return refused(HardlineError(note, help="please report the lines above"), as_json)


def prepare() -> None:
    """What the process begins with: private files, three open channels, and a clean end at SIGTERM."""
    terminal.open_channels()
    settings.protect_process()
    signal.signal(signal.SIGTERM, _terminate)


def _terminate(number: int, _: FrameType | None) -> None:
    raise SystemExit(128 + number)
