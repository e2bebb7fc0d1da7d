"""The one decorator of the nine verbs: who acts, with what, and how an orchestrator runs it.

A verb is a plain function of an act and references. Called outside an orchestrator it simply runs. Called inside a
Prefect flow run it runs as a task of that flow: nothing persisted, nothing cached, retried only when something was
`Unavailable`. Prefect is never imported here unless a flow run of it is under way.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, ParamSpec, Protocol, TypeVar

from hardline.infra import runtime as runtimes
from hardline.tasks.core.act import Act
from hardline.tasks.core.errors import HardlineError, Unavailable

if TYPE_CHECKING:
    from prefect import Task

P = ParamSpec("P")
R = TypeVar("R")

RETRY_SECONDS: Final = [1.0, 5.0, 20.0]


class Unexpected(HardlineError):
    """A step failed in a way that nobody foresaw.

    It stands in for the error itself where texts are stored: what a library says may quote the data.
    """


class Stage(Generic[P, R]):
    """A verb: call it with references."""

    def __init__(
        self, fn: Callable[Concatenate[Act, P], R], role: str, title: str, show: Callable[[Act, R], None] | None
    ) -> None:
        self.fn = fn
        self.role = role
        self.__name__ = self.step = fn.__name__
        self.__doc__ = fn.__doc__
        self.__module__ = fn.__module__
        signature = inspect.signature(fn)
        self.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])
        self._title = title
        self._show = show

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Do the step, as a Prefect task if a flow run is under way.

        Raises:
            HardlineError: As the step's core function says.
        """
        if in_flow_run():
            return self.task(*args, **kwargs)
        return self.fn(Act(runtimes.current(), self.step, self.role), *args, **kwargs)

    @cached_property
    def task(self) -> Task[P, R]:
        """The same as a Prefect task."""
        from prefect import Task
        from prefect.cache_policies import NO_CACHE

        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            return self._in_task(*args, **kwargs)

        run.__name__ = run.__qualname__ = self.step
        run.__doc__ = self.__doc__
        run.__module__ = self.__module__
        run.__signature__ = self.__signature__  # type: ignore[attr-defined]
        return Task(
            run,
            name=self.step,
            task_run_name=self._title,
            tags={f"role:{self.role}"},
            persist_result=False,
            cache_policy=NO_CACHE,
            retries=len(RETRY_SECONDS),
            retry_delay_seconds=RETRY_SECONDS,
            retry_condition_fn=_unavailable,
        )

    def _in_task(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Run the step so that whatever Prefect stores of it, errors included, is free of data."""
        from hardline.infra.prefect.progress import RunLog

        runtime = runtimes.current()
        act = Act(replace(runtime, progress=RunLog(runtime.progress)), self.step, self.role)
        try:
            result = self.fn(act, *args, **kwargs)
        except HardlineError:
            raise
        except Exception as error:
            failed = Unexpected(
                f"{self.step}: {type(error).__name__} at {_place(error)}", help="please report this bug"
            )
        else:
            self._show_on_page(act, result)
            return result
        raise failed  # outside the handler: the error it stands in for is not chained to it

    def _show_on_page(self, act: Act, result: R) -> None:
        """The run's page is a courtesy; what the step did stands in the log already."""
        if self._show is None:
            return
        try:
            self._show(act, result)
        except Exception as error:
            act.say(f"{self.step}: no artifact for the run's page ({type(error).__name__})")


def stage(role: str, title: str, show: Callable[[Act, Any], None] | None = None) -> _Maker:
    """Make a verb of a function of (act, references...).

    Args:
        role: Whose keys it uses.
        title: The task run's name, a format string over the references.
        show: Puts Prefect artifacts on the run's page after success; it may fail without harm.
    """

    def make(fn: Callable[Concatenate[Act, P], R], /) -> Stage[P, R]:
        return Stage(fn, role, title, show)

    return make


class _Maker(Protocol):
    """What `stage` gives: it makes a verb of any function whose first argument is an act."""

    def __call__(self, fn: Callable[Concatenate[Act, P], R], /) -> Stage[P, R]: ...


def in_flow_run() -> bool:
    """Whether this code is called by a Prefect flow run."""
    context = sys.modules.get("prefect.context")
    return context is not None and context.FlowRunContext.get() is not None


def _unavailable(task: Any, task_run: Any, state: Any) -> bool:
    """Retry nothing but what may be there later."""
    return isinstance(state.data, Unavailable)


def _place(error: BaseException) -> str:
    """The innermost line of code that the error passed; a name and a number, no text of it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "an unknown line" if trace is None else f"{trace.tb_frame.f_globals.get('__name__')}:{trace.tb_lineno}"
