"""A fleet of vLLM model servers from one stack file."""

import fleet
import stacks
from stacks import config

with config.refusals():
    settings, secrets = config.load()
    plan = fleet.plan(settings, stack=config.stack_name())
    outputs = stacks.assemble(plan, secrets)
    outputs.export()
