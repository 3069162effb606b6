"""Third-party tools: a good one on PATH is used, otherwise it is built from its Go module at a pinned version and cached."""

from local.tools.find import ToolError, ensure
from local.tools.recipes import RECIPES, Recipe

__all__ = ["RECIPES", "Recipe", "ToolError", "ensure"]
