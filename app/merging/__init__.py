"""Two customers become one: what each of them left is the kept one's, and nobody hears a thing twice."""
