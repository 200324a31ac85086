"""What the two servers share of HTTP: errors, request ids, health, metrics, serving."""
