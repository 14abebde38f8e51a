"""Authentication over HTTP: clients of this server, and the Wemasy token that a call uses."""
