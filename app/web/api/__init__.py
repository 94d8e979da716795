"""The public API: JSON of one store, opened by that store's key."""

from flask import Blueprint

from app.web.api import customers, events, flows, messages, openapi, orders, reviews

blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
for _part in (customers, orders, events, messages, flows, reviews, openapi):
    blueprint.register_blueprint(_part.blueprint)
