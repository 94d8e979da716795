"""Backups: a file with everything, sealed and whole; put back without sending anything twice."""
