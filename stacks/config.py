"""The only reader of Pulumi's configuration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from fleet.problems import InputError, PlanError
from fleet.settings import CONFIG_KEY, Secrets, Settings
from fleet.stack_file import parse


def load() -> tuple[Settings, Secrets]:
    """The settings of this stack, and the names of its secrets. Values of secrets are never read here.

    Raises:
        InputError: one problem for each wrong value.
    """
    namespace, _, key = CONFIG_KEY.partition(":")
    settings = parse(pulumi.Config(namespace).get_object(key) or {})
    return settings, settings.secrets


@contextmanager
def refusals() -> Iterator[None]:
    """A user's mistake ends the run with its problems, one a line, and without a traceback."""
    try:
        yield
    except (InputError, PlanError) as error:
        title = "The plan is refused:" if isinstance(error, PlanError) else "The stack file is wrong:"
        raise pulumi.RunError("\n  ".join([title, *(problem.message for problem in error.problems)])) from None


def stack_name() -> str:
    """Name of the stack that runs, for the plan's title and its remedies."""
    return pulumi.get_stack()
