"""A member's second factor: set up by a picture for their app, its recovery codes, and its end."""

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app import audit, clock
from app.members import attempts, factors
from app.members.roles import READER
from app.web.account_page import back, own_row, page, proven, record_own, signed_in
from app.web.auth import role_required
from app.web.catalogue import translate
from app.web.context import logins, runtime
from app.web.entering import may_try

blueprint = Blueprint("second_factor", __name__)


@blueprint.post("/app/account/factor")
@role_required(READER)
def begin_factor() -> ResponseReturnValue:
    """Show a secret to put into the app; it counts once a code of it was typed."""
    if proven("current") is None:
        return page(errors={"factor": translate("account.current.wrong")})
    with logins().write() as session:
        member = own_row(session)
        if member.totp_at is None:
            factors.begin(runtime().vault, member)
            record_own(session, member, audit.MEMBER_ACCOUNT)
    return redirect(url_for("account.show", _anchor="factor"), code=303)


@blueprint.post("/app/account/factor/confirm")
@role_required(READER)
def confirm_factor() -> ResponseReturnValue:
    """Switch the second factor on by its first code, and show the recovery codes, once."""
    if not may_try(attempts.CODE, str(signed_in().member_id)):
        return page(errors={"code": translate("sign_in.wait")})
    built = runtime()
    with logins().write() as session:
        member = own_row(session)
        is_new = member.totp_at is None
        is_right = is_new and factors.use_code(session, built.vault, member, request.form.get("code", ""))
        codes: Sequence[str] = ()
        if is_right:
            member.totp_at = clock.now()
            codes = factors.fresh_codes(session, built.signer, member.id)
            record_own(session, member, audit.MEMBER_FACTOR_ON)
    if not is_right:
        return page(errors={"code": translate("sign_in.code.wrong")})
    return page(codes=codes)


@blueprint.post("/app/account/factor/codes")
@role_required(READER)
def renew_codes() -> ResponseReturnValue:
    """New recovery codes instead of the old ones, shown once."""
    if proven("current") is None:
        return page(errors={"factor": translate("account.current.wrong")})
    with logins().write() as session:
        member = own_row(session)
        if member.totp_at is None:
            raise NotFound
        codes = factors.fresh_codes(session, runtime().signer, member.id)
        record_own(session, member, audit.MEMBER_CODES)
    return page(codes=codes)


@blueprint.post("/app/account/factor/end")
@role_required(READER)
def end_factor() -> ResponseReturnValue:
    """Do without a second factor."""
    if proven("current") is None:
        return page(errors={"factor": translate("account.current.wrong")})
    with logins().write() as session:
        member = own_row(session)
        factors.end(session, member)
        record_own(session, member, audit.MEMBER_FACTOR_OFF)
    flash(translate("account.factor.ended"))
    return back()
