"""Bars of walls: between stores, against forgers, within mails and templates."""

from tests.bars.bar import Bar, least, none, tests_in
from tests.bars.judging import CASES, Bound

GUARDING: tuple[Bar, ...] = (
    Bar(
        "tenant",
        "Another store's ids lead nowhere on any route; on PostgreSQL a question that forgot its"
        " store sees nothing, whoever had the connection before",
        ("web/test_web_isolation.py", "web/test_web_walls.py", "test_row_security.py"),
        (least(CASES, 55, 55),),
        0.7,
        lanes=2,
        note="The routes run on SQLite, where the filters stand alone; the walls are PostgreSQL's.",
    ),
    Bar(
        "forge",
        "Forged, swapped, replayed and foreign signatures, states and tokens: none is taken",
        (
            *tests_in(
                "webhooks/test_webhooks_refusals.py",
                "test_a_forged_shopify_delivery_is_answered_401_and_leaves_nothing",
                "test_a_forged_woocommerce_delivery_is_answered_401_and_leaves_nothing",
                "test_a_body_signed_for_one_topic_does_not_pass_under_another",
                "test_another_shops_signature_does_not_pass_at_this_shops_address",
                "test_a_body_that_names_its_shop_does_not_pass_under_anothers_name",
                "test_headers_with_underscores_do_not_pass_for_those_with_dashes",
            ),
            *tests_in(
                "webhooks/test_webhooks_strangers.py",
                "test_a_delivery_that_another_shop_had_first_rests_and_changes_nothing",
                "test_a_body_that_names_another_shop_rests_though_nobody_had_it_before",
            ),
            *tests_in(
                "webhooks/test_webhooks_providers.py",
                "test_a_forged_post_is_answered_401_and_leaves_nothing",
                "test_what_is_signed_for_one_store_does_not_pass_at_anothers_address",
                "test_a_callback_for_another_message_does_not_pass",
            ),
            *tests_in(
                "connectors/shopify/test_shopify_webhook.py",
                "test_webhook_vectors",
                "test_without_a_secret_the_door_is_closed",
                "test_a_signature_of_any_other_form_is_refused",
                "test_a_signed_query_is_no_delivery",
                "test_a_session_token_is_no_delivery",
                "test_a_body_that_names_another_shop_than_its_header_is_refused",
                "test_a_delivery_for_no_shop_is_refused",
            ),
            *tests_in(
                "connectors/shopify/test_shopify_auth.py",
                "test_anything_else_is_no_shop",
                "test_query_vectors",
                "test_without_a_secret_every_query_is_refused",
                "test_a_query_is_refused_91_seconds_later_and_when_a_parameter_repeats",
                "test_an_unprintable_signature_is_refused_like_any_other",
            ),
            *tests_in(
                "connectors/shopify/test_shopify_session_token.py",
                "test_session_token_vectors",
                "test_every_claim_is_required",
                "test_a_claim_that_does_not_fit_is_a_refusal",
                "test_what_is_no_token_is_a_refusal",
                "test_without_a_secret_every_token_is_refused",
            ),
            *tests_in(
                "connectors/woocommerce/test_woo_webhook.py",
                "test_every_captured_delivery_fails_with_one_byte_changed",
                "test_a_strange_signature_is_refused_and_never_an_error_of_ours",
                "test_an_unsigned_body_that_is_no_ping_is_refused",
            ),
            "connectors/channels/test_sendgrid_signature.py",
            *tests_in(
                "stores/test_stores_shopify_handshake.py",
                "test_an_install_link_that_shopify_did_not_sign_is_refused",
                "test_a_callback_without_its_state_or_code_is_refused",
                "test_a_state_is_good_once",
                "test_a_state_of_another_browser_is_refused",
                "test_a_state_of_another_shop_is_refused",
                "test_a_state_that_is_too_old_is_refused",
                "test_a_forged_callback_is_refused",
                "test_a_token_of_another_shop_is_not_kept",
            ),
        ),
        (least(CASES, 60, 60),),
        0.7,
        lanes=2,
        note="Each case is refused, and leaves no row where there is a database behind it.",
    ),
    Bar(
        "ssrf+template",
        "Addresses that lead inside are never called; texts that mean harm end in an error, within"
        " their limits, and tell no secret",
        (
            *tests_in(
                "connectors/test_transport.py",
                "test_a_store_may_not_live_on_a_private_address_or_an_odd_port",
                "test_one_private_address_among_public_ones_refuses_the_host",
                "test_a_host_is_looked_up_once_and_connected_to_by_the_address_checked",
                "test_a_redirect_is_an_answer_and_is_not_followed",
                "test_a_stream_obeys_the_address_guard",
            ),
            *tests_in(
                "messaging/test_messaging_templating.py",
                "test_abuse_ends_in_an_error_for_the_merchant",
                "test_a_values_own_braces_are_printed_and_not_run",
                "test_what_one_text_uses_up_is_missing_to_the_others_of_the_message",
            ),
        ),
        (
            Bound("seconds to its error", most=1),
            Bound("memory it took, MiB", most=64),
            least(CASES, 55, 55),
        ),
        0.5,
        (),
    ),
    Bar(
        "mailbox",
        "10,000 mails: each holds its own recipient's facts alone, and reading its links changes nothing",
        tests_in(
            "e2e/test_e2e_mailbox.py", "test_each_mail_is_its_recipients_alone_and_reading_it_changes_nothing"
        ),
        (
            *none("wrong in any way"),
            least("mails", 10_000, 200),
            least("visits to their links", 5000, 50),
        ),
        2,
        lanes=2,
    ),
)
