"""The only reader of Pulumi's configuration."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pulumi

from fleet.problems import InputError, PlanError
from fleet.settings import CONFIG_KEY, Secrets, Settings
from fleet.stack_file import no_settings, parse


def load() -> tuple[Settings, Secrets]:
    """The settings of this stack, and the names of its secrets. Values of secrets are never read here.

    Raises:
        InputError: one problem for each wrong value.
    """
    namespace, _, key = CONFIG_KEY.partition(":")
    value = _value(pulumi.Config(namespace), key)
    if value is None:
        raise InputError([no_settings(f"stack {pulumi.get_stack()}", "nothing is there")])
    settings = parse(value)
    return settings, settings.secrets


def _value(config: pulumi.Config, key: str) -> object:
    try:
        return config.get_object(key)
    except pulumi.ConfigTypeError:  # text that is no JSON: somebody wrote a sentence where a mapping belongs
        return config.get(key)


@contextmanager
def refusals() -> Iterator[None]:
    """A user's mistake ends the run with its problems, one a line, and without a traceback."""
    try:
        yield
    except (InputError, PlanError) as error:
        title = "The plan is refused:" if isinstance(error, PlanError) else "This cannot start:"
        raise pulumi.RunError("\n  ".join([title, *(problem.told for problem in error.problems)])) from None


def stack_name() -> str:
    """Name of the stack that runs, for the plan's title and its remedies."""
    return pulumi.get_stack()
