"""Salesforce over HTTP: hosts, signing in, and the API."""
