"""The `wemasy-mcp` command and `python -m wemasy_mcp`."""

import sys


def main() -> int:
    """Run the command line and return its exit status."""
    from wemasy_mcp.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
