"""Who signs in, by what proof, and what each may do in which store."""
