"""What `hardline run` is asked for: a shipped example by name, or a file that says source, contract and recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import yaml
from pydantic import Field, ValidationError, field_validator

import hardline
from hardline.infra.plain_file import read_file
from hardline.tasks.core.errors import UsageError
from hardline.tasks.core.references import ContractRef, RecipeRef, Reference, SourceRef

MAX_BYTES = 1 << 20
MAX_DEPTH = 20
FORM = "source: PATH, contract: NAME or DIR, and perhaps recipe: PRESET expected"


class Job(Reference):
    """The parameters of secure_training."""

    source: SourceRef = Field(description="Where the rows come from.")
    contract: ContractRef = Field(description="What they must look like.")
    recipe: RecipeRef = Field(default_factory=RecipeRef, description="How to train.")

    @field_validator("source", "contract", "recipe", mode="before")
    @classmethod
    def _short(cls, value: Any, info: Any) -> Any:
        """`source: a.csv` is short for `source: {uri: a.csv}`, and so on."""
        field = {"source": "uri", "contract": "name", "recipe": "preset"}[info.field_name]
        return {field: value} if isinstance(value, str) else value

    @classmethod
    def read(cls, path: Path) -> Self:
        """Parse a file strictly; a relative source is looked for beside it.

        Raises:
            UsageError: It cannot be read, or it is not of the form; the message names line or field.
        """
        try:
            value = _mapping(read_file(path, MAX_BYTES).decode("utf-8"))
            if isinstance(value, dict) and isinstance(value.get("contract"), str):
                value["contract"] = hardline.contract_ref(value["contract"], beside=path.absolute().parent)
            job = cls.model_validate(value)
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(
                f"{path}: a YAML file expected, got {getattr(error, 'strerror', None) or 'other bytes'}"
            ) from None
        except yaml.MarkedYAMLError as error:
            line = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
            raise UsageError(f"{path.name}: {line}YAML expected ({error.problem})", help=FORM) from None
        except ValidationError as error:
            wrong = sorted({".".join(map(str, item["loc"])) or "document" for item in error.errors()})
            raise UsageError(
                f"{path.name}: {', '.join(wrong)}: missing, unknown or of another form", help=FORM
            ) from None
        except (yaml.YAMLError, ValueError):  # a control character, a number or a date that is none
            raise UsageError(f"{path.name}: YAML expected, got something else", help=FORM) from None
        if "://" in job.source.uri:
            return job
        return job.model_copy(update={"source": hardline.source_ref(str(path.absolute().parent / job.source.uri))})


def _mapping(text: str) -> Any:
    """The document, with each key once: YAML lets the last one win, which is not what a reader sees."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent) or depth > MAX_DEPTH:  # a few aliases make a document without end
            problem = f"no aliases and at most {MAX_DEPTH} levels"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)  # type: ignore[arg-type]
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    nodes = [root]
    while nodes:
        node = nodes.pop()
        if isinstance(node, yaml.MappingNode):
            keys = [key.value for key, _ in node.value]
            if len(set(map(str, keys))) != len(keys):
                raise yaml.MarkedYAMLError(problem="each key once", problem_mark=node.start_mark)
            nodes += [value for _, value in node.value]
    return yaml.safe_load(text)
