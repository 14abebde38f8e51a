"""The clients people really use, each in its own environment, against this server.

A directory here is a client: `client.toml` says what it is, `requirements.txt` or `package.json` pins it, `client.py`
or `client.mjs` makes the calls it reads from standard input and prints one JSON line for each.

`pytest -m clients` installs the clients (once, into `.cache/clients`) and judges their lines;
`python -m tests.clients.page` then writes docs/clients.md from what that run saw.

`constraints.txt` is what `pip freeze` said of the environment that a client's pins gave. To move a Python client to
another version: change its pins, empty its constraints, run, and freeze the new environment into them.
"""

import sys
from pathlib import Path

# pytest does so itself; `python -m tests.clients.page` does not.
sys.path.append(str(Path(__file__).parents[1]))
