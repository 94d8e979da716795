"""What the processes under test have loaded before they are forked: whatever they would load at once."""

import psycopg

from app import wsgi
from app.cli import embedded, hosted, serving, working
from connectors.channels.sendgrid import package as sendgrid
from connectors.channels.twilio import package as twilio
from tests.faults import faults_processes

LOADED = (psycopg, wsgi, embedded, hosted, serving, working, sendgrid, twilio, faults_processes)
