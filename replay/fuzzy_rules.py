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
    """

    name: str
    pattern: str
    within: str
    keep: tuple[str, ...] = ()
    find: re.Pattern[str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "find", re.compile(self.pattern))

    def identity(self, key: str) -> tuple[object, ...] | None:
        """What two keys that mean the same have in common; None for keys that the rule is not for."""
        found = self.find.match(key)
        if found is None:
            return None
        arguments: dict[str, list[str]] = {}
        for part in key.partition("?")[2].split("&"):
            name, _, value = part.partition("=")
            arguments.setdefault(unquote(name), []).append(unquote(value))
        kept = tuple(tuple(arguments.get(name, ())) for name in self.keep)
        if self.keep and not any(kept):
            return None
        return (*found.groups(), *kept)


_PATH = r"[^?]*"

RULES = (
    Rule("YouTube: video data", r"com,googlevideo,[^)]*\)/videoplayback", r"com,googlevideo,", ("id", "itag")),
    Rule(
        "YouTube: video information",
        r"com,youtube(?:-nocookie)?\)/get_video_info",
        r"com,youtube[^)]*\)/get_video_info",
        ("video_id",),
    ),
    Rule(
        "YouTube: player",
        r"com,youtube(?:-nocookie)?\)/youtubei/v1/player",
        r"com,youtube[^)]*\)/youtubei/v1/player",
        ("videoid",),
    ),
    Rule("YouTube: next", r"com,youtube\)/youtubei/v1/next", r"com,youtube\)/youtubei/v1/next", ("videoid", "continuation")),
    Rule("YouTube: embedded player", r"com,youtube(?:-nocookie)?\)/(embed/[^?/]+)", r"com,youtube[^)]*\)/embed/[^?/]+"),
    Rule("Vimeo: player settings", r"com,vimeo,player\)/(video/\d+/config)", r"com,vimeo,player\)/video/\d+/config"),
    Rule(
        "Vimeo: video data",
        r"com,(?:vimeocdn|akamaized),[^)]*\)(?:/[^/?]*)*?/(\d+\.mp4|video/[^/?]+/[^?]*)",
        r"com,(?:vimeocdn|akamaized),",
    ),
    Rule("Twitter: video, whatever the tag", r"com,twimg,video\)(/[^?]*)", r"com,twimg,video\)[^?]*"),
    Rule(
        "Twitter: answers by variables",
        r"com,(?:twitter|x)[^)]*\)/i/api/graphql/[^/?]+/([^/?]+)",
        r"com,(?:twitter|x)[^)]*\)/i/api/graphql/",
        ("variables",),
    ),
    Rule(
        "Twitter: embedded posts",
        r"com,twitter,syndication[^)]*\)/(?:tweet-result|widgets/tweet)",
        r"com,twitter,syndication[^)]*\)/",
        ("id", "ids"),
    ),
    Rule("Facebook: pagelets", r"com,facebook\)/(ajax/pagelet/[^?]*)", r"com,facebook\)/ajax/pagelet/", ("data",)),
    Rule(
        "Facebook: answers by document", r"com,facebook\)/(api/graphql)", r"com,facebook\)/api/graphql", ("doc_id", "variables")
    ),
    Rule("Facebook: pictures and videos, signed", r"net,fbcdn,[^)]*\)/(?:[^?]*/)([^/?]+\.(?:jpg|png|mp4|webp))", r"net,fbcdn,"),
    Rule(
        "Instagram: pictures and videos, signed",
        r"com,cdninstagram,[^)]*\)/(?:[^?]*/)([^/?]+\.(?:jpg|mp4|webp))",
        r"com,cdninstagram,",
    ),
    Rule(
        "Instagram: answers by post",
        r"com,instagram\)/(graphql/query)",
        r"com,instagram\)/graphql/query",
        ("query_hash", "doc_id", "variables"),
    ),
    Rule(
        "SoundCloud: audio",
        r"com,(?:sndcdn|soundcloud),[^)]*\)/(?:[^?]*/)?([^/?]+\.(?:mp3|m3u8|opus))",
        r"com,(?:sndcdn|soundcloud),",
    ),
    Rule("Periscope: replays", r"tv,(?:pscp|periscope),[^)]*\)(/[^?]*\.(?:ts|m3u8|mp4))", r"tv,(?:pscp|periscope),"),
    Rule(
        "Flickr: another size",
        r"com,staticflickr,[^)]*\)/\d+/(\d+_[0-9a-f]+)(?:_[a-z])?\.(jpg|png|gif)",
        r"com,staticflickr,[^)]*\)/\d+/\d+_[0-9a-f]+",
    ),
    Rule("Wix: another size", r"com,wixstatic,static\)/(media/[^/?]+)/v1/", r"com,wixstatic,static\)/media/[^/?]+"),
    Rule(
        "Medium: another size",
        r"com,medium,[^)]*\)/(?:v2/)?(?:resize:[^/]+|max/\d+|fit/[^?]*|freeze/[^?]*|\d+)/(?:[^?]*/)?([^/?]+)",
        r"com,medium,(?:cdn-images-\d|miro)\)/",
    ),
    Rule(
        "Blogger: another size",
        r"com,(?:blogspot|googleusercontent),[^)]*\)/(?:[^?]*/)?[swh]\d+[^/?]*/([^/?]+)",
        r"com,(?:blogspot|googleusercontent),",
    ),
    Rule(
        "Disqus: threads",
        r"com,(?:disqus|disquscdn)[^)]*\)/(embed/comments|api/3\.0/threads/[^?]*)",
        r"com,(?:disqus|disquscdn)[^)]*\)/",
        ("t_i", "t_u", "thread"),
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
    ),
    Rule(
        "Amazon S3, Google Cloud, Azure: signed",
        rf"(com,(?:amazonaws|googleapis|windows)[^)]*\){_PATH})\?(?:[^#]*&)?(?:x-(?:amz|goog)-signature|signature|sig)=",
        rf"com,(?:amazonaws|googleapis|windows)[^)]*\){_PATH}",
    ),
    Rule(
        "Fastly, Akamai: tokens", rf"([^)]*\){_PATH})\?(?:[^#]*&)?(?:hdnts|hdnea|__token__|fastly_token)=", rf"[^)]*\){_PATH}"
    ),
    Rule(
        "Washington Post: another size",
        r"com,washingtonpost\)/(?:resizer|wp-apps/imrs\.php)",
        r"com,washingtonpost\)/(?:resizer|wp-apps/imrs\.php)",
        ("src",),
    ),
)

#: Arguments that are another one with each request: cache busters, trackers, sessions, callbacks.
VOLATILE_NAMES = (
    r"_|__|cb|_cb|cachebust(?:er)?|cache|nocache|no-cache|uncache|bust|buster|rnd?|rand(?:om)?|ord|nonce|ts|_ts|"
    r"time_?stamp|_t|dt|now|noise|zx|utm_\w+|fbclid|gclid|dclid|msclkid|yclid|mc_[ce]id|igshid|_ga|_gl|"
    r"(?:php)?sess(?:ion)?_?id|sid|csrf(?:_?token)?|xsrf(?:_?token)?|authenticity_token|"
    r"callback|jsonp|jsoncallback|json_?callback|cmpt|trackingid|correlator|"
    r"x-amz-(?:date|expires|signature|credential|security-token|algorithm|signedheaders)|signature|expires|key-pair-id|policy"
)

#: Files that are the same whatever their query says, when nothing better is held.
STATIC = (
    r"\.(?:js|mjs|css|map|png|jpe?g|gif|webp|avif|svg|ico|bmp|woff2?|ttf|otf|eot|mp[34]|m4[av]|webm|og[gv]|wav|pdf|"
    r"swf|wasm|vtt|m3u8|mpd|ts|m4s)$"
)
