"""The REST API of one org: the authenticated client, queries, describes, replication, counts and limits."""
