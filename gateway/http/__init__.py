"""HTTP: rows of routes, binding, problems, sealed tokens, security, OpenAPI."""
