"""What a merchant does on a usual day: each task with its bound on clicks, from the home page on."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.tour.tour_everyday import ANNA, BRUNO, PRAISE
from tests.tour.tour_person import Person


@dataclass(frozen=True, slots=True)
class Task:
    """Something to get done, and how many clicks it may take.

    Attributes:
        by_keyboard: it is done once more without a mouse.
    """

    name: str
    do: Callable[[Person], None]
    most_clicks: int
    by_keyboard: bool = False


def _see_why_anna_got_no_mail(person: Person) -> None:
    _find(person, ANNA[:9], "Anna Domani")
    person.choose(person.says("why.flow"), person.says("flow.review"))
    person.press(person.says("why.ask"))
    person.reads(person.says("why.answer"))


def _pause_a_flow(person: Person) -> None:
    flow = person.says("flow.welcome")
    person.go("flows")
    person.press(f"{person.says('flow.deactivate')} {flow}")
    person.reads(person.says("flow.activate"))


def _change_the_wait_of_the_reminder(person: Person) -> None:
    _open_steps(person, "review")
    person.follow(re.compile(rf"^{person.says('steps.edit')} 7 "))
    person.write(person.says("step.field.amount"), "9")
    person.press(person.says("steps.keep"))
    person.follow(person.says("steps.review"))
    person.press(person.says("publish.go"))
    person.reads(person.says("versions.published", n=2))


def _change_the_birthday_code(person: Person) -> None:
    _open_steps(person, "birthday")
    person.follow(f"{person.says('steps.rules')} {person.says('step.B1')}")
    person.follow(person.says("settings.group.offers"))
    person.write(person.says("setting.birthday.percentage"), "12")
    _save_settings(person)


def _export_what_is_kept_of_somebody(person: Person) -> None:
    _find(person, ANNA[:9], "Anna Domani")
    name, kept = person.download(person.says("privacy.report"))
    assert name.endswith(".json")
    assert ANNA in kept


def _forget_somebody(person: Person) -> None:
    _find(person, BRUNO[:7], "Bruno Domani")
    person.unfold(person.says("privacy.erase"))
    person.press(person.says("privacy.erase.sure"))
    person.reads(person.says("privacy.erased"))


def _settle_a_message_of_unknown_fate(person: Person) -> None:
    person.follow(re.compile(re.escape(person.says("attention.unknown.go"))))
    person.follow_first_row()
    person.press(person.says("message.settle.sent"))
    person.reads(person.says("status.sent"))


def _read_a_dead_delivery_again(person: Person) -> None:
    person.follow(re.compile(re.escape(person.says("attention.dead.go"))))
    person.press(person.says("replay"))
    person.reads(person.says("replay.done.one"))


def _change_the_quiet_hours(person: Person) -> None:
    person.go("settings")
    person.unfold(person.says("settings.group.rails"))
    person.choose(person.says("setting.hours.from"), "09:00")
    _save_settings(person)


def _approve_a_review(person: Person) -> None:
    person.go("reviews")
    person.reads(PRAISE)
    person.press(person.says("reviews.approve"))
    person.sees_no(PRAISE)


def _invite_a_colleague_who_may_only_look(person: Person) -> None:
    person.go("settings")
    person.follow(person.says("members.title"))
    person.write(person.says("account.email"), "carla@example.com")
    person.tap(re.compile(f"^{person.says('role.reader')}"), role="radio")
    person.press(person.says("members.invite.go"))
    person.reads(person.says("members.link.text"))


def _send_a_test_of_a_mail(person: Person) -> None:
    person.go("flows")
    person.follow(person.says("flow.review"))
    person.follow(f"{person.says('flow.edit')} M3")
    person.press(person.says(f"editor.test.go.{person.language}"))
    person.reads(person.says("status.queued"))


def _stop_everything_and_start_again(person: Person) -> None:
    person.follow(person.says("home.stop"))
    person.press(person.says("stop.do"))
    person.follow(person.says("stop.banner.go"))
    person.press(person.says("stop.resume"))
    person.reads(person.says("home.stop"))


TASKS = (
    Task("see why Anna got no mail", _see_why_anna_got_no_mail, 6, by_keyboard=True),
    Task("pause a flow", _pause_a_flow, 2, by_keyboard=True),
    Task("change the wait of the review's reminder", _change_the_wait_of_the_reminder, 8),
    Task("change the birthday's discount", _change_the_birthday_code, 7),
    Task("export what is kept of somebody", _export_what_is_kept_of_somebody, 5, by_keyboard=True),
    Task("forget somebody", _forget_somebody, 6, by_keyboard=True),
    Task("settle a message of unknown fate", _settle_a_message_of_unknown_fate, 3),
    Task("read a dead delivery again", _read_a_dead_delivery_again, 2, by_keyboard=True),
    Task("change the quiet hours", _change_the_quiet_hours, 4, by_keyboard=True),
    Task("approve a review", _approve_a_review, 2),
    Task("invite a colleague who may only look", _invite_a_colleague_who_may_only_look, 5),
    Task("send a test of a mail", _send_a_test_of_a_mail, 4),
    Task("stop everything and start again", _stop_everything_and_start_again, 4, by_keyboard=True),
)


def _find(person: Person, part: str, name: str) -> None:
    person.go("customers")
    person.write(person.says("search"), part)
    person.press(person.says("show"))
    person.follow(name)


def _open_steps(person: Person, flow: str) -> None:
    person.go("flows")
    person.follow(person.says(f"flow.{flow}"))
    person.follow(person.says("flow.steps"))


def _save_settings(person: Person) -> None:
    person.press(person.says("settings.save"))
    person.reads(person.says("settings.saved"))
