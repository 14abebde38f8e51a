"""Authentication over HTTP: the clients of this server, and the Wemasy token that a call uses."""
