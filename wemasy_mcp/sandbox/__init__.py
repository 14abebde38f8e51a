"""The embedded Wemasy API for trials and tests: same routes, rules, limits and answers, kept in SQLite.

Import it only where needed: it pulls in a web framework.
"""

from wemasy_mcp.sandbox.sandbox_app import build_sandbox
from wemasy_mcp.sandbox.store import SandboxDatabaseError
from wemasy_mcp.sandbox.tokens import FORBIDDEN_TOKEN, REJECTED_TOKEN, SANDBOX_TOKEN

__all__ = ["FORBIDDEN_TOKEN", "REJECTED_TOKEN", "SANDBOX_TOKEN", "SandboxDatabaseError", "build_sandbox"]
