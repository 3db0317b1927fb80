"""What Salesforce's error responses mean, who must act, and which are worth another try."""
