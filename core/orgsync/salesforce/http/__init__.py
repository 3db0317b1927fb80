"""HTTP: requests, responses that are bounded in time and size, and the transport beneath them."""
