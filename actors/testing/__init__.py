"""What helps to test what is built on this package; each module is imported by its own name."""
