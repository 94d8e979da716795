"""Messages that a merchant adds to a flow on its steps' page: added, written, moved, taken out, published."""

import re

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.flows import drafts, switch
from app.flows.definition import Definition, Message
from app.messaging import editions, senders
from app.messaging.content import Content
from app.models import AuditEntry, FlowVersion
from app.runtime import Runtime
from tests.web.web_members import act
from tests.web.web_shops import Shop

STEPS = "/app/flows/welcome/steps"
NEW = {"kind": "message", "way": "consent", "after": "to-W3", "is_on": "on"}
TEXT = {"is_on": "on", "channel": "sms-or-email"}


def _revision(runtime: Runtime, shop: Shop) -> str:
    with runtime.database.read() as session:
        return str(drafts.desk(session, shop.store_id, "welcome").revision)


def _ids(definition: Definition) -> list[str]:
    return [step.id for step in definition.entries[0].steps]


def _current(runtime: Runtime, shop: Shop) -> Definition:
    with runtime.database.read() as session:
        return drafts.desk(session, shop.store_id, "welcome").current


def _add(member: FlaskClient, runtime: Runtime, shop: Shop) -> str:
    """Add a message, and where that leads."""
    answer = act(member, "/app/flows/welcome/new-step", **NEW, seen=_revision(runtime, shop))
    return answer.headers["Location"]


def _write(member: FlaskClient, path: str) -> int:
    """Open the editor and save what it begins with."""
    page = member.get(path).get_data(as_text=True)
    fields = re.findall(r'<input[^>]* name="((?:it|en)\.[^"]+)"[^>]* value="([^"]*)"', page)
    areas = re.findall(r'<textarea[^>]* name="((?:it|en)\.[^"]+)"[^>]*>\n([^<]*)</textarea>', page)
    whens = dict.fromkeys(re.findall(r'<select[^>]* name="((?:it|en)\.blocks\.\d+\.when)"', page), "")
    typed = {name: value.replace("&#39;", "'") for name, value in [*fields, *areas]}
    return act(member, path, **(whens | typed), act="save").status_code


def test_a_message_is_added_and_its_editor_opens_with_a_start_in_both_languages(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    form = member.get("/app/flows/welcome/new-step", query_string=NEW).get_data(as_text=True)
    where = _add(member, runtime, shop)
    editor = member.get(where).get_data(as_text=True)
    steps = member.get(STEPS).get_data(as_text=True)

    assert "A message of your own" in form
    assert where == "/app/flows/welcome/messages/own-1"
    assert "Due parole da" in editor
    assert "A few words from" in editor
    assert 'value="reset.' not in editor
    assert f'href="{where}"' in steps
    assert f'action="{STEPS}/own-1/move"' in steps
    assert "not written yet" in steps


def test_it_is_marketing_behind_the_flows_own_messages_and_asks_what_they_ask(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    _add(member, runtime, shop)

    step = _current(runtime, shop).entries[0].by_id["own-1"]

    assert isinstance(step, Message)
    assert (step.purpose, step.priority, step.ttl_hours) == ("marketing", 3, 48)
    assert (step.only_if, step.content) == (("enrollment-alive",), "welcome/own-1")


def test_it_moves_by_buttons_and_is_taken_out(member: FlaskClient, runtime: Runtime, shop: Shop) -> None:
    _add(member, runtime, shop)
    places = [_ids(_current(runtime, shop))]
    for to in ("up", "up", "down"):
        act(member, f"{STEPS}/own-1/move", to=to, seen=_revision(runtime, shop))
        places.append(_ids(_current(runtime, shop)))
    act(member, f"{STEPS}/own-1/remove", seen=_revision(runtime, shop))

    before = [ids[ids.index("own-1") - 1] for ids in places]
    assert before == ["to-W3", "W2", "to-W2", "W2"]
    assert "own-1" not in _ids(_current(runtime, shop))


def test_what_nobody_wrote_is_not_published_into_a_running_flow(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    act(member, "/app/flows/welcome/activate")
    where = _add(member, runtime, shop)

    early = act(member, "/app/flows/welcome/publish", seen=_revision(runtime, shop))
    told = member.get(early.headers["Location"]).get_data(as_text=True)
    saved = _write(member, where)
    act(member, "/app/flows/welcome/publish", seen=_revision(runtime, shop))

    assert early.headers["Location"] == "/app/flows/welcome/publish"
    assert "nobody has written Your message 1 yet" in told
    assert saved == 303
    with runtime.database.read() as session:
        assert "own-1" in _ids(switch.definition_of(session, shop.store_id, "welcome"))
        subjects = session.scalars(select(AuditEntry.subject).where(AuditEntry.action == "text.saved"))
        assert list(subjects) == ["welcome/own-1"]
    assert "Your message 1" in member.get("/app/audit").get_data(as_text=True)
    drawn = member.get("/app/flows/welcome").get_data(as_text=True)
    assert "Your message 1" in drawn
    assert "not written yet" not in drawn


def test_what_nobody_wrote_is_named_before_publishing_and_saving_says_what_is_left(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    where = _add(member, runtime, shop)

    compared = member.get("/app/flows/welcome/publish").get_data(as_text=True)
    _write(member, where)
    draft = member.get(where).get_data(as_text=True)
    ready = member.get("/app/flows/welcome/publish").get_data(as_text=True)
    act(member, "/app/flows/welcome/publish", seen=_revision(runtime, shop))
    member.get(where)
    _write(member, where)

    assert "Your message 1 is not written yet" in compared
    assert f'href="{where}"' in compared
    assert "go back to the steps and publish them" in draft
    assert "is not written yet" not in ready
    assert "It holds for the messages that leave from now on." in member.get(where).get_data(as_text=True)


def test_a_flow_is_not_switched_on_with_a_message_that_nobody_wrote(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    _add(member, runtime, shop)
    act(member, "/app/flows/welcome/publish", seen=_revision(runtime, shop))

    answer = act(member, "/app/flows/welcome/activate")

    page = member.get(answer.headers["Location"]).get_data(as_text=True)
    assert "The flow stays off: nobody has written Your message 1 yet" in page


def test_a_number_is_given_once_whatever_became_of_its_message(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    where = [_add(member, runtime, shop)]
    act(member, "/app/flows/welcome/publish", seen=_revision(runtime, shop))
    act(member, f"{STEPS}/own-1/remove", seen=_revision(runtime, shop))
    act(member, "/app/flows/welcome/publish", seen=_revision(runtime, shop))
    where.append(_add(member, runtime, shop))
    _write(member, where[-1])
    act(member, "/app/flows/welcome/discard", seen=_revision(runtime, shop))
    where.append(_add(member, runtime, shop))

    assert [path.rpartition("/")[2] for path in where] == ["own-1", "own-2", "own-3"]
    with runtime.database.read() as session:
        numbers = session.scalars(select(FlowVersion.number).where(FlowVersion.flow_key == "welcome"))
        assert max(numbers) == 3


@pytest.mark.parametrize("typed", [{"is_on": ""}, {"condition.0": "of-class:repeat"}])
def test_it_may_be_switched_off_and_asked_more_of(
    member: FlaskClient, runtime: Runtime, shop: Shop, typed: dict[str, str]
) -> None:
    _add(member, runtime, shop)

    act(member, f"{STEPS}/own-1", **({"is_on": "on"} | typed), seen=_revision(runtime, shop))

    step = _current(runtime, shop).entries[0].by_id["own-1"]
    assert isinstance(step, Message)
    assert step.is_on is (typed.get("is_on") is None)
    assert step.only_if == ("enrollment-alive", *filter(None, [typed.get("condition.0")]))


def test_it_may_be_a_text_and_its_editor_opens_with_one_that_is_counted(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    where = _add(member, runtime, shop)
    as_mail = member.get(where).get_data(as_text=True)
    act(member, f"{STEPS}/own-1", **TEXT, seen=_revision(runtime, shop))

    as_text = member.get(where).get_data(as_text=True)

    step = _current(runtime, shop).entries[0].by_id["own-1"]
    assert isinstance(step, Message)
    assert step.channel == "sms-or-email"
    assert 'name="it.sms"' not in as_mail
    assert 'name="it.sms"' in as_text
    assert "qui va una cosa sola" in as_text
    assert 'data-count="it"' in as_text


def test_a_text_that_nobody_wrote_is_not_published_though_its_mail_was_written(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    act(member, "/app/flows/welcome/activate")
    where = _add(member, runtime, shop)
    mail_saved = _write(member, where)
    act(member, f"{STEPS}/own-1", **TEXT, seen=_revision(runtime, shop))

    early = act(member, "/app/flows/welcome/publish", seen=_revision(runtime, shop))
    text_saved = _write(member, where)
    act(member, "/app/flows/welcome/publish", seen=_revision(runtime, shop))

    assert (mail_saved, text_saved) == (303, 303)
    assert early.headers["Location"] == "/app/flows/welcome/publish"
    with runtime.database.read() as session:
        step = switch.definition_of(session, shop.store_id, "welcome").entries[0].by_id["own-1"]
        assert isinstance(step, Message)
        assert step.channel == "sms-or-email"
        text = editions.load(session, shop.store_id)["welcome/own-1"]
        assert isinstance(text, Content)
        assert set(text.sms) == {"it", "en"}


def test_a_text_is_offered_only_where_the_shop_can_send_one(
    member: FlaskClient, runtime: Runtime, shop: Shop
) -> None:
    _add(member, runtime, shop)
    with runtime.database.write() as session:
        senders.ensure(session, shop.store_id, "email", "an account for mails alone")

    page = member.get(f"{STEPS}/own-1").get_data(as_text=True)
    act(member, f"{STEPS}/own-1", **TEXT, seen=_revision(runtime, shop))

    step = _current(runtime, shop).entries[0].by_id["own-1"]
    assert 'name="channel"' not in page
    assert isinstance(step, Message)
    assert step.channel == "email"
