"""Deliveries from outside: check, keep, answer; nothing else."""
