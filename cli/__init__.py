"""The command-line client. It speaks Guestlist's HTTP API and knows nothing else of it."""
