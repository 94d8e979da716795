"""The HTML that every mail is made of: tables, styles inline, written once.

Colours stand inline for the light scheme; one small style sheet turns them for the dark scheme and
narrows the margins on a phone. Every variable part is escaped by the caller.
"""

import html
import re

from app.messaging.colours import CARD, INK, LINE, MUTED, PAPER, PLAIN, TINT, Paint

_SANS = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_SERIF = "Georgia,'Times New Roman',Times,serif"
_MONO = "ui-monospace,SFMono-Regular,Menlo,Consolas,monospace"
_SPECIAL = re.compile(r"[&<>\"']")

_TABLE = '<table role="presentation" cellpadding="0" cellspacing="0" border="0"'
_WIDE = f'{_TABLE} width="100%"'
_BODY = f"font:400 16px/1.6 {_SANS};color:{INK}"
_SOFT = f"font:400 14px/1.5 {_SANS};color:{MUTED}"
_PLAIN_LINK = f"color:{INK};text-decoration:none"
_PICTURE_CELL = '<td class="pic" width="116" valign="middle" style="width:116px;padding:4px 0">'
_OUTLINE = f"border:1px solid {INK};color:{INK};text-decoration:none"

_STYLE = """:root{color-scheme:light dark;supported-color-schemes:light dark}
body{-webkit-text-size-adjust:100%;-ms-text-size-adjust:100%}
@media (max-width:600px){
.outer{padding:20px 10px 28px!important}.card{padding:30px 22px 18px!important}.h1{font-size:25px!important}
.pic{width:88px!important}.pic img{width:72px!important;height:72px!important}
.mono{width:72px!important;height:72px!important;font-size:27px!important}
.btn{width:100%!important}.btn a{display:block!important;padding:15px 18px!important}
.code{font-size:20px!important;letter-spacing:1px!important}
}
@media (prefers-color-scheme:dark){
.page{background-color:#171411!important}
.card{background-color:#221e1a!important;border-color:#3a332c!important}.line{border-color:#3a332c!important}
.ink,.ink a{color:#f3ede4!important}.muted,.muted a{color:#b5aa9c!important}
.tint{background-color:#2b2620!important;border-color:#8a6a4f!important}.accent{color:#eba583!important}
.btn td{background-color:#f3ede4!important}.btn a{color:#1d1915!important}
.ghost{border-color:#f3ede4!important;color:#f3ede4!important}
.logo{background-color:#ffffff!important;border-radius:10px!important;padding:10px 14px!important}
"""
_DARK = "@media (prefers-color-scheme:dark)"
_SCHEMES = {"light": "@media not all", "dark": "@media all"}

# Mail programs fill the preview line with what follows it; these spaces that nobody sees keep it clean.
_FILLER = "&#847;&zwnj;&nbsp;" * 60


def escape(text: str) -> str:
    """The text with everything that HTML could read as markup made harmless."""
    return html.escape(text) if _SPECIAL.search(text) else text


def lines(text: str) -> str:
    """Escaped text that keeps its line breaks."""
    escaped = escape(text)
    return escaped.replace("\n", "<br>") if "\n" in escaped else escaped


def as_seen(mail: str, scheme: str) -> str:
    """The mail as a reader sees it whose screen is light or dark, whatever the one of this browser is."""
    return mail.replace(_DARK, _SCHEMES[scheme], 1)


def opening(language: str, paint: Paint = PLAIN) -> tuple[str, str, str]:
    """What comes before the subject, between subject and preheader, and after the preheader."""
    before = (
        f'<!doctype html><html lang="{language}" dir="ltr"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<meta name="supported-color-schemes" content="light dark">'
        '<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">'
        '<meta name="x-apple-disable-message-reformatting"><title>'
    )
    between = (
        f"</title><style>{_STYLE}{paint.dark}}}</style></head>"
        f'<body class="page" style="margin:0;padding:0;width:100%;background-color:{PAPER}">'
        '<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;'
        'line-height:1px;mso-hide:all">'
    )
    after = (
        f'{_FILLER}</div>{_WIDE} class="page" bgcolor="{PAPER}" style="background-color:{PAPER}"><tr>'
        '<td align="center" class="outer" style="padding:36px 16px 40px">'
        '<!--[if mso]><table role="presentation" width="600"><tr><td><![endif]-->'
        f'{_WIDE} style="max-width:600px">'
    )
    return before, between, after


def brand(name: str, url: str, logo: str = "") -> str:
    """The store's logo above the card, or its name where it has none, and the card's beginning."""
    size = "display:inline-block;height:48px;width:auto;max-width:260px;border:0;vertical-align:middle"
    shown = f'<img class="logo" src="{logo}" height="48" alt="{name}" style="{size}">' if logo else name
    return (
        '<tr><td align="center" class="ink" style="padding:0 12px 22px;letter-spacing:.4px;'
        f'font:700 19px/1.3 {_SERIF};color:{INK}"><a href="{url}" style="{_PLAIN_LINK}">{shown}</a></td></tr>'
        f'<tr><td class="card" bgcolor="{CARD}" style="background-color:{CARD};border:1px solid {LINE};'
        f'border-radius:14px;padding:42px 46px 26px">{_WIDE}>'
    )


def footer(why: str, name: str, address: str, ways_out: list[tuple[str, str]]) -> str:
    """The card's end, why the mail came, who sent it, and (label, address) of the ways out."""
    links = " &nbsp;·&nbsp; ".join(
        f'<a href="{url}" style="color:{MUTED};text-decoration:underline">{label}</a>'
        for label, url in ways_out
    )
    ways = f'<br><span style="display:inline-block;padding-top:10px">{links}</span>' if links else ""
    return ending(f"{why}<br><strong>{name}</strong> · {address}{ways}")


def ending(told: str) -> str:
    """The card's end, and what is told under it."""
    return (
        '</table></td></tr><tr><td align="center" class="muted" style="padding:24px 20px 0;'
        f'font:400 13px/1.6 {_SANS};color:{MUTED}">{told}'
        "</td></tr></table><!--[if mso]></td></tr></table><![endif]--></td></tr></table></body></html>"
    )


def heading(text: str) -> str:
    """A headline."""
    style = f"margin:0;font:700 29px/1.25 {_SERIF};color:{INK}"
    return f'<tr><td style="padding:0 0 18px"><h1 class="h1 ink" style="{style}">{text}</h1></td></tr>'


def paragraph(text: str) -> str:
    """A paragraph."""
    return f'<tr><td class="ink" style="padding:0 0 18px;{_BODY}">{text}</td></tr>'


def note(text: str) -> str:
    """Small print."""
    return f'<tr><td class="muted" style="padding:0 0 16px;{_SOFT}">{text}</td></tr>'


def quote(text: str) -> str:
    """A testimonial."""
    return (
        f'<tr><td style="padding:2px 0 20px">{_WIDE}><tr><td class="line ink" '
        f'style="border-left:3px solid {LINE};padding:2px 0 2px 18px;font:italic 400 17px/1.55 {_SERIF};'
        f'color:{INK}">{text}</td></tr></table></td></tr>'
    )


def signature(text: str) -> str:
    """The last words."""
    return f'<tr><td class="ink" style="padding:6px 0 18px;{_BODY}">{text}</td></tr>'


def spacer() -> str:
    """A line with room around it."""
    return (
        f'<tr><td style="padding:6px 0 24px">{_WIDE}><tr><td class="line" style="border-top:1px solid {LINE};'
        'font-size:0;line-height:0">&nbsp;</td></tr></table></td></tr>'
    )


def button(label: str, url: str, paint: Paint) -> str:
    """The call to act."""
    style = f"display:inline-block;padding:15px 30px;font:600 16px/1.25 {_SANS};color:{paint.button_ink};border-radius:10px"
    return (
        f'<tr><td style="padding:8px 0 28px">{_TABLE} class="btn"><tr><td align="center" bgcolor="{paint.button}" '
        f'style="background-color:{paint.button};border-radius:10px">'
        f'<a href="{url}" style="{style};text-decoration:none">{label}</a></td></tr></table></td></tr>'
    )


def voucher(label: str, code: str, value: str, *notes: str, paint: Paint) -> str:
    """The code in its box."""
    under = "".join(f'<div class="muted" style="{_SOFT}">{line}</div>' for line in notes)
    box = f"background-color:{TINT};border:1px dashed #c79f80;border-radius:12px;padding:24px 18px 22px"
    letters = f"font:700 25px/1.35 {_MONO};letter-spacing:2px;color:{INK};word-break:break-all"
    return (
        f'<tr><td style="padding:6px 0 26px">{_WIDE}><tr>'
        f'<td align="center" class="tint" bgcolor="{TINT}" style="{box}">'
        f'<div class="accent" style="font:700 21px/1.3 {_SERIF};color:{paint.accent}">{value}</div>'
        f'<div class="muted" style="padding-top:12px;{_SOFT}">{label}</div>'
        f'<div class="code ink" style="padding:2px 0 12px;{letters}">{code}</div>{under}'
        "</td></tr></table></td></tr>"
    )


def product(title: str, cell: str, details: str, button_below: str) -> str:
    """A product's card; `cell` holds its picture, which no long word beside it squeezes; the title may be a link."""
    return (
        f'<tr><td style="padding:0 0 16px">{_WIDE}><tr>{cell}<td valign="middle" class="ink" '
        f'style="padding:4px 0;font:400 16px/1.45 {_SANS};color:{INK};word-break:break-word">'
        f'<strong style="font-weight:600">{title}</strong>{details}{button_below}</td></tr></table></td></tr>'
    )


def picture(src: str, alt: str, url: str) -> str:
    """The cell with a product's image, a link if there is a `url`."""
    size = (
        f"display:block;width:96px;height:96px;object-fit:cover;border:0;border-radius:10px;background:{TINT}"
    )
    image = f'<img src="{src}" width="96" height="96" alt="{alt}" style="{size}">'
    linked = f'<a href="{url}" style="text-decoration:none">{image}</a>' if url else image
    return f"{_PICTURE_CELL}{linked}</td>"


def monogram(letter: str, paint: Paint) -> str:
    """The cell of a product without an image, so that the cards below each other keep one edge."""
    size = f"width:96px;height:96px;background-color:{TINT};border-radius:10px"
    return (
        f'{_PICTURE_CELL}{_TABLE}><tr><td class="mono tint accent" width="96" height="96" align="center" '
        f'bgcolor="{TINT}" style="{size};font:400 34px/1 {_SERIF};color:{paint.accent}" aria-hidden="true">{letter}'
        "</td></tr></table></td>"
    )


def title_link(title: str, url: str) -> str:
    """A product's title that leads to its page."""
    return f'<a href="{url}" style="{_PLAIN_LINK}">{title}</a>'


def detail(text: str) -> str:
    """A line under a product's title: its price, the reason it is shown."""
    return f'<div class="muted" style="font:400 15px/1.45 {_SANS};color:{MUTED}">{text}</div>'


def action(label: str, url: str) -> str:
    """A product's own small button."""
    style = f"display:inline-block;padding:9px 16px;border-radius:8px;font:600 14px/1.2 {_SANS};{_OUTLINE}"
    return f'<div style="padding-top:10px"><a href="{url}" class="ghost" style="{style}">{label}</a></div>'


def figures(rows: list[tuple[str, str]]) -> str:
    """Numbers below each other, (label, value) each; nothing where there are none."""
    edge = f"padding:9px 0;border-bottom:1px solid {LINE}"
    listed = "".join(
        f'<tr><td class="muted line" style="{edge};{_SOFT}">{label}</td><td align="right" class="ink line" '
        f'style="{edge};padding-left:16px;{_BODY};font-weight:600;white-space:nowrap">{value}</td></tr>'
        for label, value in rows
    )
    return f'<tr><td style="padding:0 0 26px">{_WIDE}>{listed}</table></td></tr>' if rows else ""


def rating(answers: list[tuple[str, str]], low: str, high: str) -> str:
    """The five answers, (figure, address) each, between the words for the ends."""
    style = (
        f"display:block;max-width:56px;padding:14px 0;border-radius:10px;font:600 18px/1 {_SANS};{_OUTLINE}"
    )
    cells = "".join(
        f'<td width="20%" align="center" style="padding:0 3px"><a href="{url}" class="ghost" '
        f'aria-label="{figure}/5" style="{style}">{figure}</a></td>'
        for figure, url in answers
    )
    end = f'colspan="2" class="muted" style="padding:8px 3px 0;{_SOFT}"'
    return (
        f'<tr><td style="padding:8px 0 28px">{_WIDE} style="max-width:340px"><tr>{cells}</tr>'
        f'<tr><td align="left" {end}>{low}</td><td></td><td align="right" {end}>{high}</td></tr>'
        "</table></td></tr>"
    )
