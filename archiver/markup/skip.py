"""The stretches of an HTML body in which a scanner would find nothing, as one regular expression.

Nine tags in ten hold neither a URL nor anything that changes how the rest is read. Passing over them inside the regular
expression engine makes a scan several times faster. What is matched here is a subset of what the scanner's own
tokenization would pass over: anything out of the ordinary ends the match, and the scanner looks for itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter

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
_PLAIN_ATTRIBUTES = "class id title lang dir role alt width height rel name align valign colspan rowspan"
_PLAIN_FOREIGN_TAGS = "path g rect circle line polygon polyline ellipse defs stop use text"
_PLAIN_FOREIGN_ATTRIBUTES = "d class id x y width height cx cy r rx ry x1 x2 y1 y2 points offset transform viewBox opacity"


def _any(names: Iterable[str] | str) -> str:
    """An expression for one of some names, as long as possible; those that begin alike share what does, which is faster."""
    if isinstance(names, str):
        names = names.split()
    return "|".join(
        re.escape(first) + _rest({name[1:] for name in begun})
        for first, begun in groupby(sorted(set(names)), key=itemgetter(0))
    )


def _rest(rests: set[str]) -> str:
    if len(rests) == 1:
        return re.escape(rests.pop())
    return f"(?:{_any(rests - {''})})" + ("?+" if "" in rests else "")


_COMMENT = "<!--(?!-?>)(?>[^-]++|-(?!-!?>))*+--!?>"
_XML_COMMENT = "<!--(?>[^-]++|-(?!->))*+-->"


def _uneventful(
    eventful: Iterable[str] | str,
    usual: str,
    plain_tags: str,
    plain_attributes: str,
    paint: str,
    prefixes: str = "on",
    attributes: Iterable[str] = (*DISARMED, *_EVENTFUL_ATTRIBUTES),
    *,
    ends: str,
    is_xml: bool = False,
    more: str = "",
) -> str:
    """An expression for as much as there is nothing to find in.

    Args:
        eventful: tags that it does not pass over.
        usual: tags that it tries first.
        plain_tags: tags that most often have nothing but plain attributes.
        plain_attributes: the names of those.
        paint: attributes that it passes over for their values, an expression that ends in "|".
        prefixes: beginnings of attributes that it does not pass over, an expression.
        attributes: more of those, beyond the ones that hold addresses.
        ends: end tags that mean nothing, an expression; "" for those of the plain tags.
        is_xml: the rules of XML count.
        more: what else it passes over, an expression that begins with "|".
    """
    reported = {name for table in URL_ATTRIBUTES.values() for name in table}
    attributes = _any((*reported, *ANYWHERE, *SRCSETS, *LAZY, *attributes))
    space = r"[ \t\n\f\r]"
    name = (
        rf"""(?>(?:{_any(_USUAL_ATTRIBUTES)})(?=[ \t\n\f\r=/>])"""
        rf"""|(?!(?i:{prefixes}|(?:{attributes})(?=[ \t\n\f\r=/>])))[^ \t\n\f\r/>="'<][^ \t\n\f\r/>=]*+)"""
    )
    value = rf"""(?:{space}*+={space}*+(?>"[^"]*+"|'[^']*+'|[^ \t\n\f\r"'>][^ \t\n\f\r>]*+))?+"""
    colon = ":" if is_xml else ""  # what comes before it is no part of a name
    others = rf"(?!(?i:(?:{_any(eventful)})(?=[ \t\n\f\r/>])))[a-zA-Z][^ \t\n\f\r/>{colon}]*+"
    plain_tags = _any(plain_tags)
    painted = r"""|[ ](?:fill|stroke)="[^"(&\\]*+\"""" if is_xml else ""
    plain = rf"""(?:[ ](?:{_any(plain_attributes)})="[^"]*+"{painted})*+"""
    usual = rf"(?:{_any(usual)})(?=[ \t\n\f\r/>])|" if usual else ""
    more_tags = "/?+" if is_xml else rf"""|a{plain}(?:[ ]href="[#][^"]*+"{plain})?+"""
    not_a_link = "" if is_xml else r"(?!a[ \n])"  # most of which end the match: the sooner, the quicker
    return rf"""[^<]*+(?:(?:
          <(?:/(?:{ends or f"a|{plain_tags}"})|(?:{plain_tags}){plain}{more_tags})>
        | <{not_a_link}(?>{usual}{others})(?:[ \t\n\f\r/]++(?:{paint}{name}{value})?+)*+>
        | </{others}{space}*+>
        | {_XML_COMMENT if is_xml else _COMMENT}{more}
        | <(?=[^a-zA-Z/!?])
        )[^<]*+)*+"""


#: End tags in a body, of which one alone means something.
_ENDS = "(?!template)[a-z][a-z0-9]*+"

#: Matches as far as there is nothing to find. Only for text after the start of the body and outside raw text elements.
UNEVENTFUL = re.compile(
    _uneventful(_EVENTFUL_TAGS, _USUAL_TAGS, _PLAIN_TAGS, _PLAIN_ATTRIBUTES, "", ends=_ENDS),
    re.VERBOSE,
)

_QUIET_PAINT = rf"""(?:{_any(PRESENTATION)})="[^"(&\\]*+"(?=[ \t\n\f\r/>])|"""

#: The same inside SVG and MathML, where paint that is not a url() is nothing to look at.
UNEVENTFUL_FOREIGN = re.compile(
    _uneventful(
        _EVENTFUL_FOREIGN_TAGS,
        "",
        _PLAIN_FOREIGN_TAGS,
        _PLAIN_FOREIGN_ATTRIBUTES,
        _QUIET_PAINT,
        attributes=(*DISARMED, *_EVENTFUL_ATTRIBUTES, *PRESENTATION),
        ends="",
    ),
    re.VERBOSE,
)


def _in_svg(more: str = "") -> re.Pattern[str]:
    names = _uneventful(
        (*_EVENTFUL_TAGS.split(), "html", "body", "br", *ANIMATIONS),
        "",
        _PLAIN_FOREIGN_TAGS,
        f"{_PLAIN_FOREIGN_ATTRIBUTES} text-anchor font-family font-size stroke-width",
        _QUIET_PAINT,
        "on|data-",
        (*DISARMED, *_EVENTFUL_ATTRIBUTES, *PRESENTATION),
        ends=f"a|{_any(_PLAIN_FOREIGN_TAGS)}",
        is_xml=True,
        more=more,
    )
    return re.compile(names, re.VERBOSE)


#: The same in a document of XML that is SVG, after its first tag; and once it has a title, of which it may have many.
UNEVENTFUL_IN_SVG = _in_svg()
UNEVENTFUL_IN_TITLED_SVG = _in_svg("|<title>[^<]*+</title>")

#: What a URL in a plain link is made of: ASCII without quotes, references and white space, and no scheme without a host.
_NO_SCHEME = r"(?!(?i:javascript|data|about|blob):)"
_PLAIN_URL = rf"{_NO_SCHEME}[!#-%'-;=?-~]++"
_PLAIN = rf"""(?:[ ](?:{_any(_PLAIN_ATTRIBUTES)})="[^"]*+")*+"""

#: A link (group 1) or an image (group 2) of the most usual shape. Only where `UNEVENTFUL` may be used.
PLAIN_LINK = re.compile(
    rf"""<a{_PLAIN}[ ]href="({_PLAIN_URL})"{_PLAIN}[ ]?+/?+>|<img{_PLAIN}[ ]src="({_PLAIN_URL})"{_PLAIN}[ ]?+/?+>"""
)

# -- for links alone -------------------------------------------------------------------------------------------------
#
# Here the attributes that scripts read addresses from count as well: `data-…` ones are passed over whose value is no
# address, unless their name says that it is one. Style counts where it may hold an address.

_QUIET_DATA = (
    rf"""data-(?!(?:{_any(name.removeprefix("data-") for name in (*LAZY, *SRCSETS, *LINKING))})(?=[ \t\n\f\r=/>]))"""
    r"""[^ \t\n\f\r/>="'<]++(?:="(?![ \t\n\f\r]*+(?:[Hh][Tt][Tt][Pp][Ss]?:|\.{0,2}/|&))[^"]*+")?+(?=[ \t\n\f\r/>])|"""
)
_QUIET_STYLE = r"""style="[^"'(\\&@\[]*+"(?=[ \t\n\f\r/>])|"""
_UNEVENTFUL_FOR_LINKS = _uneventful(
    _EVENTFUL_TAGS,
    _USUAL_TAGS,
    _PLAIN_TAGS,
    _PLAIN_ATTRIBUTES,
    _QUIET_DATA + _QUIET_STYLE,
    "on|data-",
    ("style", "srcdoc", "ping", "attributionsrc"),
    ends=_ENDS,
)
_QUIET_NAMES = f"{_PLAIN_ATTRIBUTES.replace(' rel ', ' ')} target accesskey hreflang"
_QUIET = (
    rf"""(?:[ \n]++(?:(?:{_any(_QUIET_NAMES)})="[^"]*+\""""
    r"""|rel="(?:(?!(?i:nofollow))[^"&])*+"))*+"""
)
_REFERENCE = rf"""(?!"){_NO_SCHEME}([!$%'-;=?-~]*+)(?:[#][!#-%'-;=?-~]*+)?+"""
#: What there is nothing in for a crawl, up to a link that may be followed, without its fragment (group 1), or an image
#: (group 2), if that is what comes then.
UNEVENTFUL_TO_LINK = re.compile(
    rf"""{_UNEVENTFUL_FOR_LINKS}(?:
          <a{_QUIET}[ \n]++href="{_REFERENCE}"{_QUIET}[ \n]*+/?+>
        | <img{_PLAIN}[ ]src="({_PLAIN_URL})"{_PLAIN}[ ]?+/?+>
        )?+""",
    re.VERBOSE,
)
