"""Records become rows: idempotent, newest wins, whatever the order of arrival."""
