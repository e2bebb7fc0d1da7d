"""Clean and robust accuracy of each net, side by side, as a PNG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def plot(metrics: Mapping[str, Mapping[str, Any]]) -> bytes:
    """Bars with their 95 % intervals.

    Args:
        metrics: Net to its report, as `evaluation` makes it.

    Returns:
        A PNG without a date or a version, so that equal metrics have equal bytes.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # on demand: half a second; pyplot's state stays alone
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.0, 3.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    nets = list(metrics)
    for number, (what, colour) in enumerate((("clean", "#8da0b3"), ("robust", "#1f4e79"))):
        places = [position + 0.38 * (number - 0.5) for position in range(len(nets))]
        shares = [100 * metrics[net][what] / metrics[net]["rows"] for net in nets]
        ends = [[100 * float(end) for end in metrics[net]["interval"][what]] for net in nets]
        below = [max(0.0, share - low) for share, (low, _) in zip(shares, ends, strict=True)]
        above = [max(0.0, high - share) for share, (_, high) in zip(shares, ends, strict=True)]
        bars = axes.bar(places, shares, 0.36, yerr=[below, above], capsize=4, color=colour, label=what)
        axes.bar_label(bars, labels=[f"{share:.1f}" for share in shares], label_type="center", color="white")
    axes.set_xticks(range(len(nets)), nets)
    axes.set_ylim(0, 105)
    axes.set_ylabel("rows right (%), 95 % interval")
    axes.legend(loc="lower right")
    target = io.BytesIO()
    figure.savefig(target, format="png", metadata={"Software": None})
    return target.getvalue()
