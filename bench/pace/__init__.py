"""The pace of imports, simulated: hours of traffic in seconds (docs/explanation/pace.md)."""
