"""Install and judge clients or groups, then bring their records and the page up to date.

Without names it is those of every run, and the group whose turn it is.
"""

import argparse
import os
import subprocess
import sys
from datetime import UTC, datetime

from .catalogue import HERE, Client, read_catalogue
from .page import write_page
from .record import read_record
from .turns import NAMES, RECORD, named, select


def main() -> int:
    """Run what the command line names; return the exit status."""
    clients = read_catalogue()
    parser = argparse.ArgumentParser(prog="python -m tests.clients", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="a client or a group")
    parser.add_argument("--list", action="store_true", help="show the clients, their groups and their last runs")
    arguments = parser.parse_args()
    try:
        chosen = named(clients, arguments.names) if arguments.names else select(clients, datetime.now(UTC).date())
    except ValueError as error:
        parser.error(str(error))
    if arguments.list:
        for client in named(clients, arguments.names) if arguments.names else clients:
            sys.stdout.write(f"{client.id:24}{client.group:16}{_last_run(client)}\n")
        return 0
    environment = {NAMES: " ".join(client.id for client in chosen), RECORD: "1"}
    command = (sys.executable, "-m", "pytest", "-q", "-m", "clients", str(HERE))
    status = subprocess.run(command, env=os.environ | environment, check=False).returncode
    write_page()
    return status


def _last_run(client: Client) -> str:
    record = read_record(client)
    return f"{record['date']}  {client.package} {record['version']}" if record else "never"


if __name__ == "__main__":
    sys.exit(main())
