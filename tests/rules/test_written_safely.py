"""What an attacker hopes that somebody wrote: our own rules over the source, as checks of its syntax.

semgrep would take them as YAML; it weighs 330 MB, pins older versions of what we use ourselves (click among
them), and brings telemetry. These take a second beside the other laws, which have parsed the files already.
"""

import ast
import re
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.rules.sources import ROOT, Source, sources

_SECRET = re.compile(
    r"(?:^|[_.])(?:hmac|mac|signature|digest|(?:api|auth|metrics)_token|password|secret|csrf)(?:$|[_.\[(])"
)
_COLUMN = re.compile(r"[A-Z]\w*\.|\w+\.c\.")
_FROM_REQUEST = re.compile(r"(?:str\(|f['\"]\{)?request\.")
_PATTERNS = frozenset({"re.compile", "re.match", "re.search"})
_REDIRECT = frozenset({"redirect", "flask.redirect"})
_HTTP = frozenset(
    {
        *(f"requests.{verb}" for verb in ("get", "post", "put", "patch", "delete", "head", "request")),
        *("requests.Session", "urllib.request.urlopen", "urlopen", "urllib3.PoolManager", "urllib3.request"),
        *("http.client.HTTPConnection", "http.client.HTTPSConnection", "socket.create_connection"),
    }
)
_RUN = frozenset({"eval", "exec", "os.system", "os.popen", "pickle.loads", "pickle.load", "marshal.loads"})
_UNESCAPED = frozenset({"Markup", "markupsafe.Markup", "render_template_string", "jinja2.Template"})
_WEAK = frozenset({"hashlib.md5", "hashlib.sha1", "hashlib.new", "hmac.new"})
_UNSAFE = {
    "verify": False,
    "allow_redirects": True,
    "shell": True,
    "autoescape": False,
    "check_hostname": False,
}

Finder = Callable[[Source], Iterator[ast.AST]]


@cache
def _called(source: Source) -> tuple[tuple[str, ast.Call], ...]:
    """Every call beside what is called: written out once for all rules, which is most of their time."""
    return tuple((ast.unparse(node.func), node) for node in source.nodes if isinstance(node, ast.Call))


def _calls(source: Source, names: frozenset[str]) -> Iterator[ast.Call]:
    return (node for name, node in _called(source) if name in names)


def compared_by_equals(source: Source) -> Iterator[ast.AST]:
    """`==` over a secret tells by its time how much of a guess is right: `hmac.compare_digest` does not.

    A column is compared by the database, which is asked for a hash of what was given.
    """
    for node in source.nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq):
            sides = (node.left, *node.comparators)
            is_plain = any(isinstance(side, ast.Constant) for side in sides)
            words = [ast.unparse(side) for side in sides]
            if not is_plain and not any(map(_COLUMN.match, words)) and any(map(_names_a_secret, words)):
                yield node


def ended_by_dollar(source: Source) -> Iterator[ast.AST]:
    """`$` also stands before a last line break: what must be whole is matched by `fullmatch`."""
    for node in _calls(source, _PATTERNS):
        pattern = node.args[0]
        if isinstance(pattern, ast.Constant) and re.search(r"(?<!\\)[$]['\"]$", repr(pattern.value)):
            yield node


def led_by_the_request(source: Source) -> Iterator[ast.AST]:
    """A redirect whose target the request names leads wherever a stranger's link says."""
    for node in _calls(source, _REDIRECT):
        if _FROM_REQUEST.match(ast.unparse(node.args[0])):
            yield node


def unescaped(source: Source) -> Iterator[ast.AST]:
    """Text that is called markup, or a template that is made of text, runs what somebody typed."""
    return _calls(source, _UNESCAPED)


def run_from_text(source: Source) -> Iterator[ast.AST]:
    """Text or bytes from outside that are run, or unpacked by what runs them."""
    return _calls(source, _RUN)


def switched_off(source: Source) -> Iterator[ast.AST]:
    """A guard of a library, switched off by its own keyword."""
    for node in source.nodes:
        if isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            is_unsafe = node.arg in _UNSAFE and node.value.value is _UNSAFE[node.arg]
            yield from (node.value,) if is_unsafe else ()


def called_past_the_transport(source: Source) -> Iterator[ast.AST]:
    """Every call into the net goes by a transport of connectors/, which looks at the address first."""
    return _calls(source, _HTTP)


def weakly_hashed(source: Source) -> Iterator[ast.AST]:
    """MD5 and SHA-1, where somebody else's protocol does not ask for them."""
    return (node for node in _calls(source, _WEAK) if re.search(r"md5|sha1", ast.unparse(node).lower()))


def written_as_csv(source: Source) -> Iterator[ast.AST]:
    """A spreadsheet runs a cell that begins with `=`: who first writes one must put a quote before it."""
    return _calls(source, frozenset({"csv.writer", "csv.DictWriter"}))


def zone_of_any_name(source: Source) -> Iterator[ast.AST]:
    """A zone's name is a path to its reader: a folder's, or one that is too long, is an error of the system.

    `app.messaging.zones` gives the zone of whatever a shop or somebody typed.
    """
    return (
        node for node in _calls(source, frozenset({"ZoneInfo"})) if not isinstance(node.args[0], ast.Constant)
    )


_WORLD = "the outside world, which speaks as platforms do"
RULES: dict[Finder, dict[str, str]] = {
    compared_by_equals: {"app/web/joining.py": "two rows' own hashes: nobody gives either"},
    ended_by_dollar: {},
    led_by_the_request: {},
    unescaped: {},
    run_from_text: {},
    switched_off: {"app/messaging/templating.py": "a text is escaped once, at its end, as a whole"},
    called_past_the_transport: {
        "app/cli/sandboxed.py": "the demo calls its own sandbox",
        "connectors/sandbox/woo_connect.py": _WORLD,
        "connectors/sandbox/woo_events.py": _WORLD,
        "connectors/sandbox/woo_webhooks.py": _WORLD,
    },
    weakly_hashed: {},
    written_as_csv: {},
    zone_of_any_name: {
        "app/messaging/zones.py": "it gives them",
        "connectors/sandbox/forms.py": _WORLD,
        "connectors/sandbox/script.py": _WORLD,
        "connectors/storefronts/woocommerce/identity.py": "it takes UTC where such a name leads nowhere",
        "connectors/storefronts/woocommerce/vouchers.py": "the store's, which is looked at as it is kept",
    },
}
BAD = [
    (compared_by_equals, "if request.headers['x'] != expected_signature(body): pass"),
    (compared_by_equals, "settings.metrics_token == given"),
    (ended_by_dollar, "re.match('^[a-z]+.myshopify.com$', shop)"),
    (led_by_the_request, "redirect(request.args['next'], code=303)"),
    (led_by_the_request, "redirect(str(request.referrer))"),
    (unescaped, "Markup(name)"),
    (run_from_text, "pickle.loads(body)"),
    (switched_off, "session.get(url, verify=False)"),
    (called_past_the_transport, "requests.get(store.url)"),
    (weakly_hashed, "hashlib.md5(body)"),
    (written_as_csv, "csv.writer(file)"),
    (zone_of_any_name, "ZoneInfo(store.timezone)"),
]
GOOD = [
    (compared_by_equals, "Member.password == given"),
    (compared_by_equals, "hmac.compare_digest(signature, given)"),
    (ended_by_dollar, r"re.compile('costs [0-9]+[$]?')"),
    (led_by_the_request, "redirect(after_sign_in(request.form.get('next', '')))"),
    (switched_off, "session.get(url, verify=True)"),
    (weakly_hashed, "hashlib.sha256(body)"),
    (written_as_csv, "csv.reader(file)"),
    (zone_of_any_name, "ZoneInfo('UTC')"),
]


@pytest.mark.parametrize("finder", list(RULES), ids=lambda finder: finder.__name__)
def test_nothing_is_written_as_an_attacker_hopes(finder: Finder) -> None:
    found = {
        f"{source.name}:{getattr(node, 'lineno', 0)}: {ast.unparse(node)[:100]}"
        for source in sources()
        for node in finder(source)
        if source.name not in RULES[finder]
    }

    assert found == set()


@pytest.mark.parametrize("finder", list(RULES), ids=lambda finder: finder.__name__)
def test_no_exception_outlives_its_reason(finder: Finder) -> None:
    named = [source for source in sources() if source.name in RULES[finder]]

    assert {source.name for source in named if any(finder(source))} == set(RULES[finder])


@pytest.mark.parametrize(("finder", "line"), BAD)
def test_a_rule_sees_what_it_is_for(finder: Finder, line: str) -> None:
    assert any(finder(_source_of(line)))


@pytest.mark.parametrize(("finder", "line"), GOOD)
def test_a_rule_leaves_what_is_right(finder: Finder, line: str) -> None:
    assert not any(finder(_source_of(line)))


def test_templates_escape_everything_but_what_we_drew_ourselves() -> None:
    pages = (ROOT / "app" / "web" / "templates").rglob("*.html")
    raw = re.compile(r"\{\{[^}]*\|\s*safe\b[^}]*\}\}|autoescape")

    found = {f"{page.name}: {hit}" for page in pages for hit in raw.findall(page.read_text())}

    assert found == {"account.html: {{ picture | safe }}"}


def _source_of(line: str) -> Source:
    return Source("a line", line, ast.parse(line))


def _names_a_secret(words: str) -> bool:
    return bool(_SECRET.search(words.lower()))
