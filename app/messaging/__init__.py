"""Messages: what they say, when they may leave, the links in them, and how they reach people."""
