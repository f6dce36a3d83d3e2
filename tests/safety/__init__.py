"""What a stranger writes into a title, a message, a path or a branch stays text: every command, in every format."""
