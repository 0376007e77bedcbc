"""How it was measured: the part of the page that lets another repeat the study."""

from collections.abc import Mapping
from typing import Any

from rightbatch import units
from rightbatch.report import markup, words
from rightbatch.report.document import Document
from rightbatch.report.markup import element, paragraph, prose, text

_B, _S, _SMALL_T, _T = "<i>B</i>", "<i>S</i>(<i>B</i>)", "<i>t</i>(<i>B</i>)", "<i>T</i>(<i>B</i>)"
_S_MIN, _B_CRIT = "<i>S</i><sub>min</sub>", "<i>B</i><sub>crit</sub>"

_DEFINITIONS = f"""
<dt>{_B}</dt>
<dd>batch size: the examples of one step.</dd>
<dt>{_S}</dt>
<dd>steps to target, at the best learning rate of each batch size.
The fit is {_S} = {_S_MIN}(1 + {_B_CRIT}/{_B}): {_S_MIN} is the fewest steps that any batch size needs,
{_B_CRIT} the batch size that needs twice as many.
The band around the fit has both at the ends of their intervals.</dd>
<dt>{_SMALL_T}</dt>
<dd>seconds per step; the line is {_SMALL_T} = <i>a</i> + <i>bB</i>.</dd>
<dt>{_T}</dt>
<dd>seconds to target, {_T} = {_S} · {_SMALL_T}: what the recommendation keeps small.</dd>
"""


def section(document: Document) -> str:
    """The section as HTML."""
    return element(
        "section",
        element("h2", "How it was measured")
        + markup.described(_settings(document))
        + element("h3", "What the letters mean")
        + element("dl", _DEFINITIONS),
        class_="method",
    )


def _settings(document: Document) -> list[tuple[str, str]]:
    data, settings, target = document["data"], document["settings"], document["target"]
    return [
        ("Data", "".join(paragraph(line) for line in [_rows(document), *data["notes"]])),
        ("Model", text(f"{settings['model']}, updated by {settings['optimizer']}")),
        ("Target", paragraph(units.target(target["text"])) + paragraph(units.capital(target["how"]))),
        ("Batch sizes", text(units.listed([str(size) for size in settings["batch_sizes"]]))),
        ("Repeated", text(_seeds(document))),
        ("Chosen", prose(f"The {settings['prefer']} within 5 % of the least time to target")),
        ("Limits", prose(_limits(document))),
        ("Fit", _fit(document)),
        ("Memory", prose(words.memory(document))),
        ("Cost", paragraph(_cost(document)) + paragraph(words.pays(document))),
        ("Ended", prose(units.capital(document["stopped"]))),
        ("Machine", text(_machine(document))),
    ]


def _seeds(document: Document) -> str:
    settings = document["settings"]
    number = units.plural(settings["seeds"], "seed")
    return f"{number} for every batch size, more where the answer needs them; first seed: {settings['seed']}"


def _rows(document: Document) -> str:
    data = document["data"]
    if data["features"] is None:
        return f"{data['name']}: a train function over {units.count(data['train'])} examples."
    parts = ", ".join(f"{units.count(data[part])} {part}" for part in ("train", "validation", "test"))
    features = units.plural(data["features"], "feature")
    return (
        f"{data['name']}: {data['task']} of {data['label']} from {features}; "
        f"{parts} examples. Fingerprint {data['fingerprint']}."
    )


def _limits(document: Document) -> str:
    settings = document["settings"]
    budget, memory = settings["budget_seconds"], settings["memory_limit_bytes"]
    return (
        f"Budget {units.seconds(budget) if budget is not None else 'not limited'}; "
        f"memory {units.size(memory) if memory is not None else 'not limited'}."
    )


def _fit(document: Document) -> str:
    """HTML, for the letters' sake."""
    fit, line = document["fit"], document["step_time"]
    if fit is None:
        return ""
    interval = fit["interval"] or {}
    letters = ", ".join(
        f"{letter} {units.count(fit[name])}{_doubt(interval.get(name))}"
        for letter, name in ((_S_MIN, "s_min"), (_B_CRIT, "b_crit"))
    )
    lack = prose(fit["lack_of_fit"] or "")
    return f"{letters}. {_distance('steps', fit)} {_distance('times per step', line)} {lack}"


def _distance(what: str, law: Mapping[str, Any]) -> str:
    residual = law["rms_log_residual"]
    return (
        f"The measured {what} lie {units.percent(residual)} from their law." if residual is not None else ""
    )


def _doubt(bounds: list[float | None] | None) -> str:
    return f" ({units.between(bounds[0], bounds[1], units.count)})" if bounds else ""


def _cost(document: Document) -> str:
    cost = document["cost"]
    return (
        f"{units.seconds(cost['seconds'])} for {units.plural(cost['runs'], 'run')} over "
        f"{units.count(cost['samples'])} examples."
    )


def _machine(document: Document) -> str:
    machine = document["machine"]
    cores, threads = units.plural(machine["cores"], "core"), units.plural(machine["threads"], "thread")
    return (
        f"{machine['cpu']}, {cores}, {threads}; {machine['platform']}, Python {machine['python']}, "
        f"NumPy {machine['numpy']}, rightbatch {document['version']}"
    )
