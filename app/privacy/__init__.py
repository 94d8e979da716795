"""What the law gives to people and shops: to see what is kept of them, and to be forgotten."""
