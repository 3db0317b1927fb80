"""Keep a copy of Salesforce data in a database that you own."""
