"""The `wemasy-mcp` command and `python -m wemasy_mcp`."""

import sys

if __name__ == "__main__" and not sys.flags.safe_path:
    # `python -m` puts the working folder first, and hosts start servers in a project's folder: a folder `mcp` there
    # would run with the token in its environment.
    del sys.path[0]

from wemasy_mcp.startup import lasting_imports


def main() -> int:
    """Run the command line and return its exit status; 130 after Ctrl-C, as in shells."""
    try:
        with lasting_imports():
            from wemasy_mcp.cli import run

        return run(sys.argv[1:])
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
