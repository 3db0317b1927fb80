"""HTTP: requests, responses that are bounded in time and size, and the one module that names httpx."""
