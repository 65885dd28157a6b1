"""Programs that stand opposite the agent in tests: a metadata service, a fault proxy, moto, our messages in Python."""
