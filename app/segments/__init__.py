"""Who belongs to which class, and later segments and scores."""
