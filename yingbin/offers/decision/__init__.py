"""The decision at the visit: context, contact policy, reasons, and records computed again from their inputs."""
