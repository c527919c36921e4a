"""Which sites ask for the same thing at another address each time, as data; see `replay.fuzzy`.

Keys are SURT and lower case: `com,example)/path?a=1&b=2`. A rule says what a key it is for looks like, how far around it
is searched, and what makes two of them the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass(frozen=True, slots=True)
class Rule:
    """A site's way to ask for the same thing again.

    Attributes:
        name: for people.
        pattern: of whole keys; its groups are part of what makes two keys the same.
        within: of the start of keys that are searched.
        keep: arguments that make two keys the same, too; a key without any of them is for nobody.
        same: arguments that must be the same where there are any.
        but: names of the only arguments that do not count; "" when none counts but those in `keep` and `same`.
        hosts: beginnings of keys that stand for one another.
    """

    name: str
    pattern: str
    within: str
    keep: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    but: str = ""
    hosts: tuple[str, ...] = ()
    find: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "find", re.compile(self.pattern))

    def starts(self, key: str) -> list[str]:
        """What the keys begin with among which the same as this one may be; none when the rule is not for it."""
        start = re.match(self.within, key) if self.find.match(key) else None
        if start is None:
            return []
        found = [start.group()]
        own = next((host for host in self.hosts if found[0].startswith(host)), None)
        if own is not None:
            found += [host + found[0].removeprefix(own) for host in self.hosts if host != own]
        return found

    def identity(self, key: str) -> tuple[object, ...] | None:
        """What two keys that mean the same have in common; None for keys that the rule is not for."""
        found = self.find.match(key)
        if found is None:
            return None
        arguments: dict[str, list[str]] = {}
        for part in filter(None, key.partition("?")[2].split("&")):
            name, _, value = part.partition("=")
            arguments.setdefault(unquote(name), []).append(unquote(value))
        kept = tuple(tuple(arguments.get(name, ())) for name in self.keep)
        if self.keep and not any(kept):
            return None
        same = tuple(tuple(arguments.get(name, ())) for name in self.same)
        others: tuple[object, ...] = ()
        if self.but:
            others = tuple((name, *arguments[name]) for name in sorted(arguments) if not re.fullmatch(self.but, name))
        return (*found.groups(), *kept, same, others)


_PATH = r"[^?]*"

_TOKENS = "hdnts|hdnea|__token__|fastly_token"
_YOUTUBE = ("com,youtube-nocookie", "com,youtube")
_TWITTER = ("com,twitter", "com,x")

RULES = (
    Rule("YouTube: video data", r"com,googlevideo,[^)]*\)/videoplayback", r"com,googlevideo,", ("id", "itag"), ("range", "sq")),
    Rule(
        "YouTube: video information",
        r"com,youtube(?:-nocookie)?\)/get_video_info",
        r"com,youtube[^)]*\)/get_video_info",
        ("video_id",),
        hosts=_YOUTUBE,
    ),
    Rule(
        "YouTube: player",
        r"com,youtube(?:-nocookie)?\)/youtubei/v1/player",
        r"com,youtube[^)]*\)/youtubei/v1/player",
        ("videoid",),
        hosts=_YOUTUBE,
    ),
    Rule("YouTube: next", r"com,youtube\)/youtubei/v1/next", r"com,youtube\)/youtubei/v1/next", ("videoid", "continuation")),
    Rule(
        "YouTube: embedded player",
        r"com,youtube(?:-nocookie)?\)/(embed/[^?/]+)",
        r"com,youtube[^)]*\)/embed/[^?/]+",
        same=("list", "start", "end"),
        hosts=_YOUTUBE,
    ),
    Rule("Vimeo: player settings", r"com,vimeo,player\)/(video/\d+/config)", r"com,vimeo,player\)/video/\d+/config"),
    Rule(
        "Vimeo: video data",
        r"com,(?:vimeocdn|akamaized),[^)]*\)(?:/[^/?]*)*?/(\d+\.mp4|video/[^/?]+/[^?]*)",
        r"com,(?:vimeocdn|akamaized),",
        same=("range",),
        hosts=("com,vimeocdn", "com,akamaized"),
    ),
    Rule("Twitter: video, whatever the tag", r"com,twimg,video\)(/[^?]*)", r"com,twimg,video\)[^?]*"),
    Rule(
        "Twitter: answers by variables",
        r"com,(?:twitter|x)(?:,[^)]*)?\)/i/api/graphql/[^/?]+/([^/?]+)",
        r"com,(?:twitter|x)[^)]*\)/i/api/graphql/",
        ("variables",),
        hosts=_TWITTER,
    ),
    Rule(
        "Twitter: embedded posts",
        r"com,twitter,syndication[^)]*\)/(?:tweet-result|widgets/tweet)",
        r"com,twitter,syndication[^)]*\)/",
        ("id", "ids"),
    ),
    Rule(
        "Twitter: under its other name",
        r"com,(?:twitter|x)(?:,www|,mobile|,api)?\)(/[^?]*)",
        r"com,(?:twitter|x)[^)]*\)[^?]*",
        but=r"lang|s|t|ref_src|ref_url|twgr|cxt",
        hosts=_TWITTER,
    ),
    Rule("Facebook: pagelets", r"com,facebook\)/(ajax/pagelet/[^?]*)", r"com,facebook\)/ajax/pagelet/", ("data",)),
    Rule(
        "Facebook: answers by document", r"com,facebook\)/(api/graphql)", r"com,facebook\)/api/graphql", ("doc_id", "variables")
    ),
    Rule(
        "Facebook: pictures and videos, signed",
        r"net,fbcdn,[^)]*\)/(?:[^?]*/)([^/?]+\.(?:jpg|png|mp4|webp))",
        r"net,fbcdn,",
        same=("bytestart", "byteend"),
    ),
    Rule(
        "Instagram: pictures and videos, signed",
        r"com,cdninstagram,[^)]*\)/(?:[^?]*/)([^/?]+\.(?:jpg|mp4|webp))",
        r"com,cdninstagram,",
        same=("bytestart", "byteend"),
    ),
    Rule(
        "Instagram: answers by post",
        r"com,instagram\)/(graphql/query)",
        r"com,instagram\)/graphql/query",
        ("query_hash", "doc_id", "variables"),
    ),
    Rule(
        "SoundCloud: audio",
        r"com,(?:sndcdn|soundcloud),[^)]*\)/(?:[^?]*/)??((?:media/\d+/\d+/)?[^/?]+\.(?:mp3|opus)(?:/playlist\.m3u8)?)(?=\?|$)",
        r"com,(?:sndcdn|soundcloud),",
        hosts=("com,sndcdn", "com,soundcloud"),
    ),
    Rule(
        "Periscope: replays",
        r"tv,(?:pscp|periscope),[^)]*\)(/[^?]*\.(?:ts|m3u8|mp4))",
        r"tv,(?:pscp|periscope),",
        hosts=("tv,pscp", "tv,periscope"),
    ),
    Rule("Vine: videos and pictures", r"co,vine,[^)]*\)(/[^?]*\.(?:mp4|jpg))", r"co,vine,"),
    Rule(
        "Google+: answers",
        r"com,google,plus\)/(?:[^?]*/)?_/([^?]*)",
        r"com,google,plus\)/",
        but=r"_reqid|rt|at|avw|soc-app|cid|soc-platform|ozv",
    ),
    Rule(
        "Flickr: another size",
        r"com,(?:staticflickr|flickr,static|yimg,[^)]*),?[^)]*\)/(?:[^?]*/)?(\d+_[0-9a-f]+)(?:_[a-z])?\.(jpg|png|gif)",
        r"com,(?:staticflickr|flickr,static|yimg)",
        hosts=("com,staticflickr", "com,flickr,static", "com,yimg"),
    ),
    Rule("Wix: another size", r"com,wixstatic,static\)/(media/[^/?]+)/v1/", r"com,wixstatic,static\)/media/[^/?]+"),
    Rule(
        "Medium: another size",
        r"com,medium,[^)]*\)/(?:v2/)?(?:resize:[^/]+|max/\d+|fit/[^?]*|freeze/[^?]*|\d+)/(?:[^?]*/)?([^/?]+)",
        r"com,medium,(?:cdn-images-\d|miro)\)/",
    ),
    Rule(
        "Blogger: another size",
        r"com,(?:blogspot|googleusercontent),[^)]*\)/([^?]*/)?[swh]\d+[^/?]*/([^/?]+)",
        r"com,(?:blogspot|googleusercontent),",
        hosts=("com,blogspot", "com,googleusercontent"),
    ),
    Rule(
        "Disqus: threads",
        r"com,(?:disqus|disquscdn)[^)]*\)/(embed/comments|api/3\.0/threads/[^?]*)",
        r"com,(?:disqus|disquscdn)[^)]*\)/",
        ("t_i", "t_u", "thread"),
        ("cursor", "page", "order"),
    ),
    Rule(
        "ReadSpeaker: what is read",
        r"com,readspeaker,[^)]*\)/(cgi-bin/[^?]*)",
        r"com,readspeaker,[^)]*\)/cgi-bin/",
        ("url", "readid"),
    ),
    Rule(
        "CloudFront: signed",
        rf"(net,cloudfront,[^)]*\){_PATH})\?(?:[^#]*&)?(?:signature|key-pair-id)=",
        rf"net,cloudfront,[^)]*\){_PATH}",
        but=r"signature|key-pair-id|policy|expires",
    ),
    Rule(
        "Amazon S3, Google Cloud, Azure: signed",
        rf"((?:com,amazonaws|com,googleapis|net,windows)[^)]*\){_PATH})\?(?:[^#]*&)?(?:x-(?:amz|goog)-signature|signature|sig)=",
        rf"(?:com,amazonaws|com,googleapis|net,windows)[^)]*\){_PATH}",
        but=r"x-(?:amz|goog)-.*|awsaccesskeyid|googleaccessid|signature|expires|sig|s[eprstv]|spr|sks?|ske|skt|skv|skoid|sktid",
    ),
    Rule(
        "Fastly, Akamai: tokens",
        rf"([^)]*\){_PATH})\?(?:[^#]*&)?(?:{_TOKENS})=",
        rf"[^)]*\){_PATH}",
        but=_TOKENS,
    ),
    Rule(
        "Washington Post: another size",
        r"com,washingtonpost\)/(?:resizer|wp-apps/imrs\.php)",
        r"com,washingtonpost\)/(?:resizer|wp-apps/imrs\.php)",
        ("src",),
    ),
)

#: Arguments that name a function for the answer to call, and functions that were given a name for one answer.
CALLBACK_NAMES = r"_?cb|callback|jsonp|json_?callback"
CALLBACK_VALUE = r"(?:jquery|jsonp|callback|__jp)[\w.]*\d[\w.]*"

#: Arguments that are another one with each request: cache busters, trackers, sessions, callbacks.
VOLATILE_NAMES = (
    rf"{CALLBACK_NAMES}|"
    r"_|__|cache_?bust(?:er)?|no-?cache|uncache|bust(?:er)?|rnd|rand(?:om)?|nonce|_ts?|noise|zx|"
    r"utm_\w+|fbclid|gclid|dclid|msclkid|yclid|mc_[ce]id|igshid|_ga|_gl|"
    r"(?:php|j)?sess(?:ion)?_?id|csrf(?:_?token)?|xsrf(?:_?token)?|authenticity_token|"
    r"cmpt|trackingid|correlator|"
    r"x-amz-(?:date|expires|signature|credential|security-token|algorithm|signedheaders)|key-pair-id"
)

#: The same, when their values are long and say nothing; else they may be dates, terms, orders.
OFTEN_VOLATILE_NAMES = r"cache|rn?|ord|ts|time_?stamp|dt?|t|now|sid|signature|expires|policy|hash"
MEANINGLESS_VALUE = r"\d{9,}|\d*\.\d{6,}|[0-9a-f]{12,}|(?=[^0-9]*[0-9])[\w~+/=.-]{20,}"

#: Arguments that say what is asked for, of whom, where in a list: nothing stands in for another value of them.
TELLING_NAMES = (
    r"(?:.*[_.\[-])?(?:ids?|u?uid|guid|pid|n[or]|num(?:ber)?|key|code|isbn|ean|sku|phone|tel|mobile|user|login|account|"
    r"member|owner|author|e?mail|q|query|search|terms?|s|k(?:ey)?words?|pages?|p|pg|start|offset|from|to|since|until|"
    r"before|after|begin|end|date|day|month|year|week|cursor|max|min|limit|first|last|next|prev|index|i|n|urls?|uri|u|src|"
    r"source|files?|f|path|dir|img|image|item|video|title|lang(?:uage)?|locale|hl|view|tab|section|cat(?:egory)?|tags?|"
    r"topic|type|action|method|cmd|op|mode|sort|order(?:by)?|filter|variables|doc|range|sq|part|seg(?:ment)?|chunk|token|"
    r"auth|as|modules?|load|only)\]?|.*id|.*name|bytestart|byteend|__wb_.*"
)
#: Of scripts, styles and fonts, whose numbers are versions.
TELLING_OF_CODE = (
    r"q|query|urls?|src|files?|f|path|lang(?:uage)?|locale|hl|modules?|load|only|famil(?:y|ies)|user(?:name)?|__wb_.*"
)

#: Files that are the same whatever their query says, when nothing better is held.
STATIC = (
    r"\.(?:js|mjs|css|map|png|jpe?g|gif|webp|avif|svg|ico|bmp|woff2?|ttf|otf|eot|mp[34]|m4[av]|webm|og[gv]|wav|pdf|"
    r"swf|wasm|vtt|m3u8|mpd|ts|m4s)$"
)
CODE = r"\.(?:js|mjs|css|map|woff2?|ttf|otf|eot|wasm|swf)$"
