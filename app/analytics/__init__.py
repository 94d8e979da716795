"""What came back, in money."""
