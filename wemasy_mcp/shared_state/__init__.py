"""The state that replicas share through Redis."""
