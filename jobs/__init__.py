"""What runs by itself: ticks that claim what is due, and the calendar."""
