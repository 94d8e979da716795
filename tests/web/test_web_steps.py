"""A flow's steps are edited in a draft, compared, published, and taken back."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.flows import drafts, published, versions
from app.flows.definition import recipe
from app.models import AuditEntry, Edition, Enrollment, Flow, FlowVersion
from app.runtime import Runtime
from tests.web.web_shops import NOW, Csrf, Shop

EVIL = "<img src=x onerror=alert(1)>'{{7*7}}"
WAIT = {"amount": "3", "unit": "days", "side": "after", "anchor": "entered", "at": ""}


@pytest.fixture
def token(member: FlaskClient, csrf: Csrf) -> str:
    return csrf(member)


def _read(member: FlaskClient, path: str, language: str = "en") -> str:
    return member.get(f"/app/flows/{path}", headers={"Accept-Language": language}).get_data(as_text=True)


def _post(member: FlaskClient, path: str, token: str, seen: int, **typed: Any) -> TestResponse:
    form = {"csrf": token, "seen": str(seen)} | {
        name.replace("__", "."): text for name, text in typed.items()
    }
    return member.post(f"/app/flows/{path}", data=form, headers={"Accept-Language": "en"})


def _plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def _desk(runtime: Runtime, shop: Shop, key: str = "welcome") -> drafts.Desk:
    with runtime.database.read() as session:
        return drafts.desk(session, shop.store_id, key)


def _step(desk: drafts.Desk, step: str) -> Any:
    return next(entry.by_id[step] for entry in desk.current.entries if step in entry.by_id)


def test_a_change_holds_for_nobody_until_it_is_published(
    member: FlaskClient, runtime: Runtime, shop: Shop, token: str
) -> None:
    kept = _post(member, "welcome/steps/to-W2", token, 0, **WAIT)
    drafted = _desk(runtime, shop)
    review = _plain(_read(member, "welcome/publish"))
    done = _post(member, "welcome/publish", token, 1)

    after = _desk(runtime, shop)
    assert (kept.status_code, done.status_code) == (303, 303)
    assert kept.headers["Location"] == "/app/flows/welcome/steps#step-to-W2"
    assert (drafted.published, drafted.number) == (recipe("welcome"), 1)
    assert _step(drafted, "to-W2").days == 3
    assert "Changed before W2" in review
    assert "before: 2 days after the start now: 3 days after the start" in review
    assert (after.number, after.draft, after.revision) == (2, None, 2)
    with runtime.database.read() as session:
        assert published.flows_of(session, shop.store_id)["welcome"].definition == drafted.draft
        entries = session.query(AuditEntry).order_by(AuditEntry.id)
        assert [(entry.action, entry.subject) for entry in entries] == [
            ("flow.drafted", "welcome"),
            ("flow.published", "welcome"),
        ]


WRONG: list[tuple[str, dict[str, str], str]] = [
    ("welcome/steps/to-W2", WAIT | {"amount": "soon"}, "Write a whole number."),
    ("welcome/steps/to-W2", WAIT | {"amount": "999"}, "From 0 to 400."),
    ("welcome/steps/to-W2", WAIT | {"at": "25:00"}, "Write a time such as 09:00."),
    ("welcome/steps/to-W2", WAIT | {"at": "09:00", "unit": "hours"}, "goes with days, not with hours"),
    ("welcome/steps/to-W2", WAIT | {"amount": "5"}, "Wait: This wait would be over before it begins"),
    ("welcome/steps/to-W2", WAIT | {"anchor": "moon"}, "This moment is not known here yet: moon."),
    ("welcome/steps/W4", {"is_on": "on", "percent": "0", "code_days": "10"}, "From 1 to 100."),
    ("welcome/steps/W4", {"is_on": "on", "percent": "101", "code_days": "10"}, "From 1 to 100."),
    ("welcome/steps/W4", {"is_on": "on", "percent": "10", "code_days": "7"}, "The code would be over"),
    ("welcome/steps/W4", {"is_on": "on", "percent": "9", "code_days": "0"}, "From 1 to 366 days."),
    (
        "welcome/steps/W2",
        {"is_on": "on", "condition.0": "score-at-least:lead", "condition.0.n": "101"},
        "a score goes from 0 to 100",
    ),
    ("review/steps/parcel", {"days_home": "0", "days_abroad": "14"}, "From 1 to 90 days."),
]


def test_what_is_wrong_is_said_and_what_was_typed_stays(
    member: FlaskClient, runtime: Runtime, shop: Shop, token: str
) -> None:
    answers = [(_post(member, path, token, 0, **typed), typed, said) for path, typed, said in WRONG]

    assert {answer.status_code for answer, _, _ in answers} == {400}
    assert [said for answer, _, said in answers if said not in _plain(answer.text)] == []
    for answer, typed, _ in answers:
        kept = [text for name, text in typed.items() if name in ("amount", "percent")]
        assert [text for text in kept if f'value="{text}"' not in answer.text] == []
    assert _desk(runtime, shop).draft is None


NEW = {"way": "consent", "after": "W2"}


ADDED: list[tuple[str, dict[str, str], list[str]]] = [
    ("tag", {"add": "vip, estate"}, ["Give the tags: vip, estate"]),
    ("score", {"points": "-5", "programme": "lead"}, ["-5 points on the scale “lead”"]),
    ("webhook", {"url": "https://shop.example/hook"}, ["Tell shop.example"]),
    ("wait", WAIT | {"amount": "60", "unit": "hours"}, ["60 hours after the start"]),
    (
        "wait-event",
        {"event": "order.placed", "amount": "3", "unit": "days", "then": "to-W4"},
        ["Wait for: Placed an order, at the longest until 3 days after the start", "If it happens"],
    ),
    (
        "split",
        {"condition.0": "of-class:loyal", "condition.0.n": "", "then": "to-W4"},
        ["If the customer is: loyal: on to “Wait”."],
    ),
    (
        "arms",
        {
            "arms.0.name": EVIL,
            "arms.0.weight": "1",
            "arms.0.then": "to-W3",
            "arms.1.name": "B",
            "arms.1.weight": "3",
            "arms.1.then": "to-W4",
        },
        ["25.0% → Wait", "B 75.0% → Wait"],
    ),
]


def test_steps_of_ones_own_are_added(member: FlaskClient, runtime: Runtime, shop: Shop, token: str) -> None:
    pages = {}
    for kind, typed, _ in ADDED:
        form = member.get("/app/flows/welcome/new-step", query_string=NEW | {"kind": kind})
        before = _desk(runtime, shop).revision
        answer = _post(member, "welcome/new-step", token, before, **(NEW | {"kind": kind} | typed))
        pages[kind] = _read(member, "welcome/steps")
        assert (kind, form.status_code, answer.status_code) == (kind, 200, 303)
        _post(member, "welcome/discard", token, before + 1)

    for kind, _, said in ADDED:
        assert [text for text in said if text not in _plain(pages[kind])] == []
        assert f'id="step-{kind}-1"' in pages[kind]
        assert "<img src=x" not in pages[kind]


REFUSED: list[tuple[str, dict[str, str], str]] = [
    ("tag", {"add": " , "}, "Name at least one tag"),
    ("tag", {"add": "x" * 41}, "Name at least one tag"),
    ("webhook", {"url": "http://shop.example"}, "It must begin with https://"),
    ("webhook", {"url": f"javascript:{EVIL}"}, "It must begin with https://"),
    ("score", {"points": "200", "programme": "lead"}, "From −100 to 100."),
    ("score", {"points": "2", "programme": EVIL}, "Small letters, digits"),
    ("arms", {"arms.0.name": "A", "arms.0.weight": "1", "arms.0.then": "to-W3"}, "Name two ways at least."),
    ("split", {"condition.0": "", "then": "to-W4"}, "Choose a condition."),
    ("split", {"condition.0": "of-class:loyal", "then": "W1"}, "a journey goes forward only"),
    ("end", {}, "Nobody would ever come here"),
    ("wait-event", {"event": "order.paid", "amount": "0", "unit": "days", "then": "W3"}, "From 1 to 400."),
]


@pytest.mark.parametrize(("kind", "field"), [("tag", "add"), ("webhook", "url")])
def test_what_only_the_merchant_can_say_begins_empty(
    member: FlaskClient, shop: Shop, kind: str, field: str
) -> None:
    page = member.get("/app/flows/welcome/new-step", query_string=NEW | {"kind": kind}).get_data(as_text=True)

    assert f'name="{field}" value=""' in page


def test_a_step_that_cannot_be_walked_is_refused_beside_its_field(
    member: FlaskClient, runtime: Runtime, shop: Shop, token: str
) -> None:
    answers = [
        (_post(member, "welcome/new-step", token, 0, **(NEW | {"kind": kind} | typed)), said)
        for kind, typed, said in REFUSED
    ]

    assert {answer.status_code for answer, _ in answers} == {400}
    assert [said for answer, said in answers if said not in _plain(answer.text)] == []
    assert [answer for answer, _ in answers if "<img src=x" in answer.text] == []
    assert _desk(runtime, shop).draft is None


def test_ones_own_steps_move_and_go_and_the_recipes_stay(
    member: FlaskClient, runtime: Runtime, shop: Shop, token: str
) -> None:
    _post(member, "welcome/new-step", token, 0, **NEW, kind="tag", add="vip")
    moved = _post(member, "welcome/steps/tag-1/move", token, 1, to="up")
    order = [step.id for step in _desk(runtime, shop).current.entries[0].steps]
    removed = _post(member, "welcome/steps/tag-1/remove", token, 2)
    refused = _post(member, "welcome/steps/W2/remove", token, 3)

    assert (moved.status_code, removed.status_code, refused.status_code) == (303, 303, 400)
    assert order.index("tag-1") == order.index("W2") - 1
    assert _desk(runtime, shop).draft is None
    assert member.get("/app/flows/welcome/steps/bought").status_code == 404


def test_the_second_of_two_editors_is_told_and_loses_nothing(
    member: FlaskClient, runtime: Runtime, shop: Shop, token: str
) -> None:
    _post(member, "welcome/steps/to-W2", token, 0, **(WAIT | {"amount": "1"}))

    second = _post(member, "welcome/steps/to-W2", token, 0, **WAIT)
    late = _post(member, "welcome/publish", token, 0)
    discarded = _post(member, "welcome/discard", token, 0)

    page = second.get_data(as_text=True)
    assert (second.status_code, late.status_code, discarded.status_code) == (409, 303, 303)
    assert "The step now says: 1 day after the start." in page
    assert 'name="amount" value="3"' in page
    assert 'name="seen" value="1"' in page
    assert _step(_desk(runtime, shop), "to-W2").days == 1
    assert _post(member, "welcome/steps/to-W2", token, 1, **WAIT).status_code == 303
    assert _step(_desk(runtime, shop), "to-W2").days == 3


def test_a_percentage_of_its_own_goes_with_the_version(
    member: FlaskClient, runtime: Runtime, shop: Shop, token: str
) -> None:
    _post(member, "welcome/steps/W1", token, 0, is_on="on", percent="15", code_days="12")

    desk = _desk(runtime, shop)
    page = _plain(_read(member, "welcome/publish"))
    assert [_step(desk, step).voucher.percent for step in ("W1", "W4")] == [15, 15]
    assert desk.current.entries[0].anchors[0].days == 12
    assert "with a code (15%), good until 12 days after the start" in page


def _enrol(runtime: Runtime, shop: Shop, *steps: str) -> None:
    with runtime.database.write() as session:
        version = session.query(FlowVersion).filter_by(store_id=shop.store_id, flow_key="welcome").first()
        for number, step in enumerate(steps):
            session.add(
                Enrollment(
                    store_id=shop.store_id,
                    flow_key="welcome",
                    version_id=version.id if version else 0,
                    customer_id=shop.ids["customer"],
                    occurrence=f"n{number}",
                    subject="x",
                    state="active",
                    step=step,
                    entered_at=NOW,
                    due_at=NOW + timedelta(days=1),
                )
            )


def test_those_under_way_move_by_an_approved_plan_only(
    member: FlaskClient, runtime: Runtime, shop: Shop, token: str
) -> None:
    _post(
        member, "welcome/new-step", token, 0, **NEW, kind="wait", **(WAIT | {"amount": "60", "unit": "hours"})
    )
    _post(member, "welcome/publish", token, 1)
    _enrol(runtime, shop, "to-W2", "to-W3", "to-W3")
    _post(member, "welcome/steps/wait-1/remove", token, 2)
    with runtime.database.write() as session:
        latest = session.query(Flow).filter_by(store_id=shop.store_id, key="welcome").one().version_id
        row = session.query(Enrollment).filter_by(occurrence="n2").one()
        row.version_id, row.step = latest, "wait-1"

    page = _plain(_read(member, "welcome/publish"))
    _post(member, "welcome/publish", token, 3, people="move")

    with runtime.database.read() as session:
        held = _desk(runtime, shop).version_id
        on = {row.occurrence: row.version_id == held for row in session.query(Enrollment)}
        told = session.query(AuditEntry).filter_by(action="flow.moved").one().details
    assert "4 people are in this flow now." in page
    assert "3 of them go on by the new version" in page
    assert "stays on version 2: this step is not there any more" in page
    assert on == {"azure": True, "n0": True, "n1": True, "n2": False}
    assert told == {"n": 3}
    assert "1 person goes on by an earlier version" in _read(member, "welcome")


def test_versions_are_compared_and_an_earlier_one_comes_back(
    member: FlaskClient, runtime: Runtime, shop: Shop, token: str
) -> None:
    _post(member, "welcome/new-step", token, 0, **NEW, kind="tag", add=EVIL)
    _post(member, "welcome/publish", token, 1)
    listed = _read(member, "welcome/versions?from=1&to=2")

    back = _post(member, "welcome/versions/restore", token, 2, number="1")
    draft = _desk(runtime, shop).draft
    _post(member, "welcome/publish", token, 3)

    assert "Added" in listed
    assert "&lt;img src=x" in listed
    assert "<img src=x" not in listed
    assert (back.status_code, draft) == (303, recipe("welcome"))
    with runtime.database.read() as session:
        numbers = [one.number for one in versions.listing(session, shop.store_id, "welcome")]
    assert numbers == [3, 2, 1]
    assert member.get("/app/flows/welcome/versions?from=1&to=9").status_code == 404
    assert _post(member, "welcome/versions/restore", token, 4, number="9").status_code == 404


def test_nobody_edits_another_stores_flow(
    member: FlaskClient, runtime: Runtime, shop: Shop, other_shop: Shop, token: str
) -> None:
    _post(member, "welcome/steps/to-W2", token, 0, **WAIT)

    assert _desk(runtime, shop).draft is not None
    assert _desk(runtime, other_shop).draft is None


def test_every_page_of_the_editor_has_a_title_in_both_languages(
    member: FlaskClient, shop: Shop, token: str
) -> None:
    _post(member, "welcome/steps/to-W2", token, 0, **WAIT)
    paths = ("steps", "steps/W4", "publish", "versions", "new-step?kind=arms&way=consent&after=W2")

    pages = [_read(member, f"welcome/{path}", language) for path in paths for language in ("it", "en")]

    assert {page.count("<h1") for page in pages} == {1}
    assert [page for page in pages if not re.search(r"<title>[^<]+ · Ritorno</title>", page)] == []


def test_every_change_is_told_in_the_log(member: FlaskClient, shop: Shop, token: str) -> None:
    _post(member, "welcome/new-step", token, 0, **NEW, kind="tag", add="vip")
    _post(member, "welcome/publish", token, 1)
    _post(member, "welcome/versions/restore", token, 2, number="1")
    _post(member, "welcome/discard", token, 3)

    page = _plain(member.get("/app/audit?kind=flow", headers={"Accept-Language": "en"}).text)

    told = [
        "Welcome · added · Tags",
        "Welcome · version 2",
        "Welcome · as version 1 was",
        "thrown away Welcome",
    ]
    assert [text for text in told if text not in page] == []


def test_a_form_without_a_kind_leads_to_the_steps(member: FlaskClient, shop: Shop) -> None:
    assert member.get("/app/flows/welcome/new-step").status_code == 302
    assert member.get("/app/flows/welcome/new-step?kind=choose&way=consent").status_code == 400
    assert member.get("/app/flows/welcome/new-step?kind=tag&way=nowhere").status_code == 404
    assert member.get("/app/flows/nothing/steps").status_code == 404


def test_a_step_that_another_leads_to_is_not_taken_out(
    member: FlaskClient, runtime: Runtime, shop: Shop, token: str
) -> None:
    ways = {"arms.0.name": "A", "arms.0.weight": "1", "arms.0.then": "tag-1"}
    ways |= {"arms.1.name": "B", "arms.1.weight": "1", "arms.1.then": "to-W3"}
    _post(member, "welcome/new-step", token, 0, **NEW, kind="tag", add="vip")
    _post(member, "welcome/new-step", token, 1, **NEW, kind="arms", **ways)

    _post(member, "welcome/steps/tag-1/remove", token, 2)

    assert "Split by lot (A/B test): It leads to a step that is not there any more." in _plain(
        _read(member, "welcome/steps")
    )
    assert (_desk(runtime, shop).revision, _step(_desk(runtime, shop), "tag-1").add) == (2, ("vip",))


def test_a_flow_that_is_on_takes_no_version_whose_text_cannot_be_sent(
    member: FlaskClient, runtime: Runtime, shop: Shop, token: str
) -> None:
    _post(member, "welcome/activate", token, 0)
    broken: dict[str, Any] = {"subject": "{{ nobody.knows }}", "preheader": "", "blocks": [], "version": 1}
    with runtime.database.write() as session:
        session.add(Edition(store_id=shop.store_id, name="welcome/W3", locale="en", saved_at=NOW, **broken))
    _post(member, "welcome/steps/to-W2", token, 0, **WAIT)

    _post(member, "welcome/publish", token, 1)

    assert "the text of W3 cannot be sent" in _plain(_read(member, "welcome/publish"))
    assert _desk(runtime, shop).number == 1
