"""What operators run against a deployed Guestlist."""
