"""The clients people really use, each in its own environment, against this server.

A directory here is a client: `client.toml` says what it is, `requirements.txt` or `package.json` pins it, `client.py`
or `client.mjs` makes the calls it reads from standard input and prints one JSON line for each.

    pytest -m clients                  installs the clients (once, into .cache/clients) and judges their lines
    python -m tests.clients.page       writes docs/clients.md from the last such run
"""
