"""Signing in: credentials, grants, the token endpoint, the browser flow, and the session that renews tokens."""
