"""Both providers' accounts: settings, what they accepted, what they will post, whom they serve no more."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from connectors.sandbox import sendgrid_events, twilio_callbacks
from connectors.sandbox.journal import PROVIDERS, Journal
from connectors.sandbox.provider_config import REAL, SENDGRID, TWILIO, ProviderSettings, changed
from connectors.sandbox.provider_faults import Faults
from connectors.sandbox.provider_log import AcceptedLog, Line
from connectors.sandbox.provider_posts import Posts, Wire
from connectors.sandbox.sendgrid_suppressions import Suppressions

SETTINGS, OUTCOME, WEBHOOK, LISTED, OPTED_OUT = "settings", "outcome", "webhook", "listed", "opted_out"
_BEAT_SECONDS = 0.05


class Providers:
    """The two accounts. What changes them is remembered in the journal and taken up again at the next start.

    Attributes:
        outcomes: what becomes of messages to an address or with a mid, whatever the shares say.
        webhooks: SendGrid's event webhooks by id, with their keys.
        suppressions: SendGrid's lists of those who get nothing more.
        opted_out: the numbers that Twilio blocks.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        seed: int,
        world_now: Callable[[], int],
        real_now: Callable[[], float] = time.time,
    ) -> None:
        self.seed = seed
        self.real_now = real_now
        self.settings = ProviderSettings()
        self.outcomes: dict[str, str] = {}
        self.webhooks: dict[str, dict[str, Any]] = {}
        self.suppressions = Suppressions(self.has_happened)
        self.opted_out: dict[str, int] = {}
        self.log = AcceptedLog(journal)
        self.faults = Faults(journal, seed)
        self.posts = Posts(journal, {SENDGRID: self._carry_events, TWILIO: self._carry_callbacks})
        self._journal = journal
        self._world_now = world_now
        self._changing = threading.Lock()
        self._stop = threading.Event()
        self._beat: threading.Thread | None = None
        self._found = len(self.log.lines)
        self._draws = 0
        for fact in journal.read(PROVIDERS):
            self._apply(fact)
        for line in self.log.lines:
            self._plan(line)
        if self.posts.next_due() is not None:
            self._start_beat()

    def now(self) -> int:
        """The moment at the providers."""
        return int(self.real_now()) if self.settings.clock == REAL else self._world_now()

    def accept(self, lines: Sequence[Mapping[str, Any]]) -> list[Line]:
        """Log what one call brought, then plan its posts."""
        kept = self.log.accept(lines)
        for line in kept:
            self._plan(line)
        self._start_beat()
        return kept

    def next_draw(self) -> str:
        """A text that no other accepted call has drawn, whether in this process or before its start."""
        with self._changing:
            self._draws += 1
            return f"{self._found}:{self._draws}"

    def change(self, wishes: Mapping[str, Any]) -> None:
        """Change settings.

        Raises:
            ValueError: a wish is not understood.
        """
        changed(self.settings, wishes)
        self.remember(SETTINGS, **wishes)

    def remember(self, kind: str, **fact: Any) -> None:
        """Change the accounts and keep the change."""
        with self._changing:
            line = {"kind": kind, **fact}
            self._journal.append(PROVIDERS, line)
            self._journal.sync(PROVIDERS)
            self._apply(line)

    def outcome_for(self, to: str, mid: str) -> str:
        """What was ordered to become of a message; empty when chance decides."""
        return self.outcomes.get(mid) or self.outcomes.get(to.lower()) or ""

    def has_happened(self, planned: Mapping[str, Any]) -> bool:
        """Whether a planned event lies in the past, or was posted ahead of its time."""
        return planned["at"] <= self.now() or self.posts.is_posted(planned["key"])

    def pass_world_time(self) -> dict[str, int] | None:
        """The world advanced: post what became due, if the providers live by its clock."""
        return None if self.settings.clock == REAL else self.posts.post(self.now())

    def next_world_due(self) -> int | None:
        """When the world's clock brings the next post; None while the providers live in real time."""
        return None if self.settings.clock == REAL else self.posts.next_due()

    def show(self) -> dict[str, Any]:
        """The settings, as JSON."""
        return asdict(self.settings)

    def close(self) -> None:
        """Stop posting."""
        self._stop.set()
        if self._beat:
            self._beat.join()

    def _plan(self, line: Line) -> None:
        self.posts.add(line)
        if line["provider"] == SENDGRID:
            self.suppressions.add(line)

    def _apply(self, fact: Mapping[str, Any]) -> None:
        values = dict(fact)
        self._APPLY[values.pop("kind")](self, values)

    def _apply_settings(self, wishes: dict[str, Any]) -> None:
        self.settings = changed(self.settings, wishes)

    def _apply_outcome(self, fact: dict[str, Any]) -> None:
        self.outcomes[fact["whom"].lower()] = fact["outcome"]

    def _apply_webhook(self, fact: dict[str, Any]) -> None:
        webhook_id = fact["id"]
        if fact.get("is_deleted"):
            self.webhooks.pop(webhook_id, None)
            return
        self.webhooks[webhook_id] = fact

    def _apply_listed(self, fact: dict[str, Any]) -> None:
        self.suppressions.write(fact)

    def _apply_opted_out(self, fact: dict[str, Any]) -> None:
        if fact["at"] is None:
            self.opted_out.pop(fact["number"], None)
            return
        self.opted_out[fact["number"]] = fact["at"]

    _APPLY: Mapping[str, Callable[["Providers", dict[str, Any]], None]] = {
        SETTINGS: _apply_settings,
        OUTCOME: _apply_outcome,
        WEBHOOK: _apply_webhook,
        LISTED: _apply_listed,
        OPTED_OUT: _apply_opted_out,
    }

    def _carry_events(self, wire: Wire, posts: Sequence[Any], now: int) -> Mapping[str, Any]:
        return sendgrid_events.carry(wire, posts, now=now, webhooks=list(self.webhooks.values()))

    def _carry_callbacks(self, wire: Wire, posts: Sequence[Any], _now: int) -> Mapping[str, Any]:
        return twilio_callbacks.carry(wire, posts, self.settings.auth_token)

    def _start_beat(self) -> None:
        """In real time somebody must look what is due: one thread, started when it is first needed."""
        with self._changing:
            if self._beat is None:
                self._beat = threading.Thread(target=self._keep_beating, name="providers", daemon=True)
                self._beat.start()

    def _keep_beating(self) -> None:
        while not self._stop.wait(_BEAT_SECONDS):
            due = self.posts.next_due()
            if self.settings.clock == REAL and due is not None and due <= self.now():
                self.posts.post(self.now())
