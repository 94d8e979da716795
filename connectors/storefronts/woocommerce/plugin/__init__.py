"""Our plugin for WordPress, and how it is packed; the rest of Ritorno works without it."""
