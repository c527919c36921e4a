"""The stretches of an HTML body in which a scanner would find nothing, as one regular expression.

Nine tags in ten hold neither a URL nor anything that changes how the rest is read. Passing over them inside the regular
expression engine makes a scan several times faster. What is matched here is a subset of what the scanner's own
tokenization would pass over: anything out of the ordinary ends the match, and the scanner looks for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from archiver.markup.attributes import ANIMATIONS, ANYWHERE, DISARMED, LAZY, LINKING, PRESENTATION, SRCSETS, URL_ATTRIBUTES
from archiver.markup.foreign import BREAK_OUT, INTEGRATION_POINTS

#: Elements after which text is read in another way, or which mean something by themselves.
_EVENTFUL_TAGS = (
    "script style textarea title xmp iframe noembed noframes svg math plaintext template noscript meta base link param"
)
#: The same inside SVG and MathML.
_EVENTFUL_FOREIGN_TAGS = ("script", "style", "svg", "math", *ANIMATIONS, *BREAK_OUT, *INTEGRATION_POINTS)

#: Attributes that a scanner reports, wherever they stand, beyond those in the tables.
_EVENTFUL_ATTRIBUTES = ("style", "srcdoc", "ping", "attributionsrc", "download", "target", "formtarget")

#: The most usual names, tried first because a plain literal is matched fastest.
_USUAL_TAGS = "p span div td tr th li ul ol dl dt dd b i em strong code pre br table tbody h1 h2 h3 h4 small font"
_USUAL_ATTRIBUTES = "class id title alt width height align valign border colspan rowspan name type value rel lang role"

#: The shapes that most tags have: no attributes, or a few with double quotes. Matching them as one literal is three
#: times as fast as the general rule below.
_PLAIN_TAGS = "span p li td code div dd dt em dl ul ol tr th b i u s pre strong small br h1 h2 h3 h4 section article tbody"
_PLAIN_ATTRIBUTES = "class id title lang dir role alt width height rel name"
_PLAIN_FOREIGN_TAGS = "path g rect circle line polygon polyline ellipse defs stop use text"
_PLAIN_FOREIGN_ATTRIBUTES = "d class id x y width height cx cy r rx ry x1 x2 y1 y2 points offset transform viewBox opacity"


def _any(names: Iterable[str] | str) -> str:
    if isinstance(names, str):
        names = names.split()
    return "|".join(re.escape(name) for name in sorted(set(names)))


def _pattern(
    eventful: Iterable[str] | str,
    usual: str,
    plain_tags: str,
    plain_attributes: str,
    paint: str,
    prefixes: str = "on",
    *,
    is_foreign: bool = False,
) -> re.Pattern[str]:
    reported = {name for table in URL_ATTRIBUTES.values() for name in table}
    painted = PRESENTATION if is_foreign else ()
    attributes = _any((*reported, *ANYWHERE, *SRCSETS, *LAZY, *DISARMED, *_EVENTFUL_ATTRIBUTES, *painted))
    space = r"[ \t\n\f\r]"
    name = (
        rf"""(?>(?:{_any(_USUAL_ATTRIBUTES)})(?=[ \t\n\f\r=/>])"""
        rf"""|(?!(?i:{prefixes}|(?:{attributes})(?=[ \t\n\f\r=/>])))[^ \t\n\f\r/>="'<][^ \t\n\f\r/>=]*+)"""
    )
    value = rf"""(?:{space}*+={space}*+(?>"[^"]*+"|'[^']*+'|[^ \t\n\f\r"'>][^ \t\n\f\r>]*+))?+"""
    others = rf"(?!(?i:(?:{_any(eventful)})(?=[ \t\n\f\r/>])))[a-zA-Z][^ \t\n\f\r/>]*+"
    plain_tags = _any(plain_tags)
    plain = rf"""(?:\ (?:{_any(plain_attributes)})="[^"]*+")*+"""
    usual = rf"(?:{_any(usual)})(?=[ \t\n\f\r/>])|" if usual else ""
    return re.compile(
        rf"""(?>
          [^<]*+<(?:/(?:a|{plain_tags})|(?:{plain_tags}){plain}|a{plain}\ href="\#[^"]*+"{plain})>
        | [^<]++
        | <(?>{usual}{others})(?:[ \t\n\f\r/]++(?:{paint}{name}{value})?+)*+>
        | </{others}{space}*+>
        | <!--(?!-?>)(?>[^-]++|-(?!-!?>))*+--!?>
        | <(?=[^a-zA-Z/!?])
        )*+""",
        re.VERBOSE,
    )


#: Matches as far as there is nothing to find. Only for text after the start of the body and outside raw text elements.
UNEVENTFUL = _pattern(_EVENTFUL_TAGS, _USUAL_TAGS, _PLAIN_TAGS, _PLAIN_ATTRIBUTES, "")

#: The same inside SVG and MathML, where paint that is not a url() is nothing to look at.
UNEVENTFUL_FOREIGN = _pattern(
    _EVENTFUL_FOREIGN_TAGS,
    "",
    _PLAIN_FOREIGN_TAGS,
    _PLAIN_FOREIGN_ATTRIBUTES,
    rf"""(?:{_any(PRESENTATION)})="[^"(&\\]*+"(?=[ \t\n\f\r/>])|""",
    is_foreign=True,
)

#: The same as `UNEVENTFUL` where the attributes that scripts read addresses from count as well: `data-…` ones are passed
#: over whose value is no address, unless their name says that it is one.
UNEVENTFUL_FOR_LINKS = _pattern(
    _EVENTFUL_TAGS,
    _USUAL_TAGS,
    _PLAIN_TAGS,
    _PLAIN_ATTRIBUTES,
    rf"""data-(?!(?:{_any(name.removeprefix("data-") for name in (*LAZY, *SRCSETS, *LINKING))})(?=[ \t\n\f\r=/>]))"""
    r"""[^ \t\n\f\r/>="'<]++(?:="(?![ \t\n\f\r]*+(?:[Hh][Tt][Tt][Pp][Ss]?:|\.{0,2}/|&))[^"]*+")?+(?=[ \t\n\f\r/>])|""",
    "on|data-",
)


#: What a URL in a plain link is made of: ASCII without quotes, references and white space, and no scheme without a host.
_PLAIN_URL = r"(?!(?i:javascript|data|about|blob):)[!#-%'-;=?-~]++"


_PLAIN = rf"""(?:\ (?:{_any(_PLAIN_ATTRIBUTES)})="[^"]*+")*+"""
_FOLLOWED = rf"""(?:\ (?:(?:{_any(_PLAIN_ATTRIBUTES)})(?<!\ rel)="[^"]*+"|rel="(?:(?!(?i:nofollow))[^"&])*+"))*+"""


def _link(tag: str, attribute: str, plain: str) -> str:
    return rf"""<{tag}{plain}\ {attribute}="({_PLAIN_URL})"{plain}\ ?+/?+>"""


#: A link (group 1) or an image (group 2) of the most usual shape. Only where `UNEVENTFUL` may be used.
PLAIN_LINK = re.compile(f"{_link('a', 'href', _PLAIN)}|{_link('img', 'src', _PLAIN)}")

#: The same, but for links that say of themselves that they should not be followed.
PLAIN_FOLLOWED_LINK = re.compile(f"{_link('a', 'href', _FOLLOWED)}|{_link('img', 'src', _PLAIN)}")
