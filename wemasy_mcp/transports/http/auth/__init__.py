"""Who may call over HTTP, and whose Wemasy token a call uses."""
