"""Third-party tools: a good one on PATH is used, otherwise it is built from its Go module at a pinned version and cached."""

from local.tools.build import ToolError
from local.tools.find import ALL, ensure
from local.tools.recipes import RECIPES, Recipe

__all__ = ["ALL", "RECIPES", "Recipe", "ToolError", "ensure"]
