"""Join requests: asking, proving an address, deciding, and what follows."""
