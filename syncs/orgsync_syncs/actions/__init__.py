"""Actions that come with orgsync: each is imported only when its name is asked for."""
