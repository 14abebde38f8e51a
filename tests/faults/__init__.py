"""Played faults: a real server process between a client that sees every byte and an API that misbehaves on purpose."""
