"""The clients people really use, each in its own environment, against this server.

A directory here is a client: `client.toml` says what it is and what it does differently (`catalogue.Client` has the
words), `requirements.txt` or `package.json` pins it, `client.py` or `client.mjs` makes the calls it reads from standard
input and prints one JSON line for each (`job.py`, `job.mjs`), and `record.json` keeps what its last run saw.

A program that people sit in front of has a `package.json` and a `client.py` (`host_program.py`), because it is started,
not called.

`python -m tests.clients NAME` installs a client (once, into `.cache/clients`), judges it, and brings its record and
docs/clients.md up to date; `--list` shows which there are. `pytest -m clients` judges without writing anything: the
clients of the group `always`, and one of the other groups, which take turns by date unless `WEMASY_CLIENT_GROUP` names
one, or `all`.

`constraints.txt` is what `uv pip freeze` said of the environment that a client's pins gave. To move a Python client to
another version: change its pins, empty its constraints, run, and freeze the new environment into them.
"""

import sys
from pathlib import Path

# pytest does so itself; `python -m tests.clients` does not.
sys.path.append(str(Path(__file__).parents[1]))
