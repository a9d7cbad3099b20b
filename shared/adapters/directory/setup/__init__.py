"""What a setup asks of Microsoft Graph; each module knows the objects of one kind."""
