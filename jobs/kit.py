"""What every job needs: the runtime, the way to reach people, and the writer of letters."""

from dataclasses import dataclass, field
from datetime import datetime

from app.messaging.letters import Letters
from app.messaging.render import CompiledContents
from app.runtime import Runtime
from connectors.base import Channel


@dataclass(frozen=True, slots=True)
class Kit:
    """The pieces of one worker process."""

    runtime: Runtime
    channel: Channel
    letters: Letters
    slots_seen: dict[str, datetime] = field(default_factory=dict)
    """The latest slot of each calendar job that the ledger is known to hold, to ask it less often."""
    unscrubbed: list[datetime] = field(default_factory=list)
    """When something was erased whose copies may still stand in the database's log."""

    @classmethod
    def build(cls, runtime: Runtime, channel: Channel) -> "Kit":
        """Put a worker's pieces together."""
        letters = Letters(
            signer=runtime.signer, base_url=runtime.settings.base_url, compiled=CompiledContents()
        )
        return cls(runtime=runtime, channel=channel, letters=letters)
