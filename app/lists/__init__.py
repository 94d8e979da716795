"""Lists from elsewhere: subscribers with their proof, and those who unsubscribed at another service."""
