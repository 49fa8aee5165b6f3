"""The client: which nodes run, asking one of them, and what is known of its actors then."""
