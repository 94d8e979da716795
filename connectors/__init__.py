"""The outside world: storefronts and channels, in our words; no database, nothing of app."""
