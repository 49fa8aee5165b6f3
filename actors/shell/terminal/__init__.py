"""What is read from people and drawn for them: the command line, tables, and the screens of `top` and `shell`."""
