"""Cassettes: HTTP as it was spoken once, kept as readable text without secrets, and spoken again."""
