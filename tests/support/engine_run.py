"""One run of a stack in a process of its own, for tests that kill its engine: `python -m tests.support.engine_run up|destroy ARGUMENTS`.

ARGUMENTS is what LocalStack takes, as JSON. Exit status 1 and the engine's words where it fails.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from local.automation import EngineFailed, LocalStack


def main() -> int:
    operation, text = sys.argv[1:]
    given = json.loads(text)
    tools = {name: Path(path) for name, path in given["tools"].items()}
    try:
        stack = LocalStack(Path(given["directory"]), tools, Path(given["stack_file"]), given["overrides"])
        getattr(stack, operation)(print)
    except EngineFailed as error:
        print(f"EngineFailed: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
