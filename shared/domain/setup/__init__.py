"""Making an app self-service: what is asked for, the steps and their order, and what is known of each."""
