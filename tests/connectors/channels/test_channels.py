"""What holds for every channel."""

import subprocess
import sys

from connectors.base import Channel
from connectors.channels.local import LocalChannel
from connectors.channels.sendgrid.account import SendGridAccount
from connectors.channels.sendgrid.send import SendGridChannel
from connectors.channels.twilio.account import TwilioAccount
from connectors.channels.twilio.send import TwilioChannel

LOOK = """
import sys
from connectors.channels.sendgrid import events, send, setup
from connectors.channels.twilio import events, send, setup
print(sorted({name.partition(".")[0] for name in sys.modules} & {"sendgrid", "python_http_client", "twilio"}))
"""


def test_every_channel_is_one() -> None:
    channels: list[Channel] = [
        LocalChannel(None),
        SendGridChannel(SendGridAccount("SG.a.b")),
        TwilioChannel(TwilioAccount("AC1", "t0ken", "MG1")),
    ]

    assert [list(channel.send([])) for channel in channels] == [[], [], []]


def test_the_providers_own_packages_are_loaded_by_who_sends_only() -> None:
    looked = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)

    assert looked.stdout.strip() == "[]"
