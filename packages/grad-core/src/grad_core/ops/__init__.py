"""The operations by theme: forward, derivative and documentation of each stand together."""
