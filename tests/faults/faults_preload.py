"""What the processes under test have loaded before they are forked: the modules of both commands."""

from app.cli import serving, working

COMMANDS = (serving.COMMANDS, working.COMMANDS)
