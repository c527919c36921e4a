"""The banner over an archived page: values in, markup out.

It lives in a shadow root below an element with inline `all: initial`, so that no style of the page reaches it, and needs
no script: `hide` closes a native dialog, the lightbox is made of popovers. The script only remembers what was hidden, adds
keys to the lightbox, and moves the banner to the end of `head`, shown as if it stood before `body`: there the layouts of the
page do not bend it, and scripts that take over a whole document with everything in it (React's hydration) let it be. What
the page removes or changes of it comes back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from replay.i18n import WORDS, Words, direction, long_time


@dataclass(frozen=True, slots=True)
class MediaLink:
    """An archived audio or video of the page.

    Attributes:
        url: replay address.
        kind: "audio" or "video".
        title: or "".
        poster: replay address of a picture, or "".
        mime: or "".
    """

    url: str
    kind: str
    title: str = ""
    poster: str = ""
    mime: str = ""


@dataclass(frozen=True, slots=True)
class BannerFacts:
    """What the banner says.

    Attributes:
        organisation: who collects; "" when nobody said.
        organisation_url: its page, or "".
        instance: name of this archive.
        instance_url: its page.
        collection: title; "" when all collections are looked at.
        collection_url: its page.
        versions_url: all versions of this page.
        captured_at: the record's own time, UTC.
        language: one of `replay.i18n.LANGUAGES`.
        media: archived audio and video of the page.
        asked_for: what is not held and what this page stands in for; "" when it is the page itself.
    """

    organisation: str
    organisation_url: str
    instance: str
    instance_url: str
    collection: str
    collection_url: str
    versions_url: str
    captured_at: datetime
    language: str = "en"
    media: Sequence[MediaLink] = ()
    asked_for: str = ""


_STYLE = """
:host{all:initial!important;display:block!important;position:relative!important;z-index:2147483643!important}
*{box-sizing:border-box}
.b{all:unset;display:block;box-sizing:border-box;position:relative;width:auto;margin:0;padding:.5em 1em;background:#fffbe0;
color:#222;border:0;border-bottom:1px solid #8a7d3c;font:14px/1.5 system-ui,"Noto Sans","Noto Naskh Arabic",sans-serif;text-align:center;
overflow-wrap:anywhere}
.b:not([open]){display:none}
a{color:#0b4f8a;text-decoration:underline}
form{float:inline-end;margin:0 0 0 1em;margin-inline:1em 0}
button,.m{font:inherit;font-size:13px;color:#222;background:#fff;border:1px solid #8a7d3c;border-radius:4px;padding:2px 10px;
min-height:26px;cursor:pointer;text-decoration:none;display:inline-block}
:focus-visible{outline:3px solid #0b4f8a;outline-offset:1px}
.w{margin:.3em 0 0;font-weight:bold}
.s{position:absolute;top:0;inset-inline-end:8px;border-top:0;border-radius:0 0 6px 6px;background:#fffbe0;font:12px system-ui,sans-serif}
[hidden]{display:none!important}
.l{position:fixed;inset:0;width:100vw;height:100vh;height:100dvh;margin:0;border:0;background:#101010;color:#fff;
font:14px/1.5 system-ui,"Noto Sans","Noto Naskh Arabic",sans-serif;grid-template-columns:4em 1fr 4em;align-items:center;
justify-items:center;padding:1em 0;text-align:center}
.l:popover-open{display:grid}
.l button{font-size:2em;line-height:1;color:#fff;background:none;border:0;min-width:44px;min-height:44px;padding:0;opacity:.85}
.l button:hover,.l button:focus-visible{opacity:1}.l :focus-visible{outline-color:#9ccfff}
.l .x{position:absolute;top:.1em;inset-inline-end:.3em}
.l video,.l audio{max-width:100%;max-height:75vh;min-width:min(20em,60vw)}
.l figure{margin:0;grid-column:2;max-width:100%}.l figcaption{padding:.8em 0}
.l .p{grid-column:1;grid-row:1}.l .n{grid-column:3;grid-row:1}
@media (prefers-color-scheme:dark){.b,.s{background:#2b2815;color:#f3efd8;border-color:#8a7d3c}.b>p>a,.b>a{color:#9ccfff}
button,.m{background:#1d1b10;color:#f3efd8}}
@media print{form,.s,.m,.l{display:none!important}.b{background:none;color:#000}}
""".replace("\n", "")

_SCRIPT = """(()=>{const t=document.currentScript,h=t.previousElementSibling,k="muniment.banner.hidden";t.remove();
if(window.top!==window.self){h.remove();return}
const r=h.shadowRoot;if(!r)return;const b=r.querySelector(".b"),s=r.querySelector(".s");
const m=()=>(window.__muniment?window.__muniment.banner.storage:localStorage);
const get=()=>{try{return m().getItem(k)}catch{return null}};
const set=(v)=>{try{v?m().setItem(k,"1"):m().removeItem(k)}catch{}};
const show=(v,f)=>{v?b.setAttribute("open",""):b.removeAttribute("open");s.hidden=v;if(f)(v?r.querySelector("form button"):s).focus()};
show(!get());
const items=[...r.querySelectorAll(".l")],opener=r.querySelector(".m");let at=-1;
const open=(i)=>{at=i;items.forEach((x,n)=>{if(n!==i){x.hidePopover();x.querySelector("video,audio").pause()}});
if(i<0)opener.focus();else{items[i].showPopover();items[i].querySelector(".x").focus()}};
const on=(x,t)=>{if(x)x.onclick=(e)=>{e.preventDefault();open(t)}};
const key=(e)=>{if(at<0)return;const back=getComputedStyle(items[at]).direction==="rtl"?"ArrowRight":"ArrowLeft";
if(e.key==="Escape"){e.preventDefault();open(-1)}
else if(e.key==="ArrowLeft"||e.key==="ArrowRight"){if(e.target.matches("video,audio"))return;e.preventDefault();
const t=at+(e.key===back?-1:1);if(items[t])open(t)}
else if(e.key==="Tab"){const f=[...items[at].querySelectorAll("button,video,audio")];const i=f.indexOf(r.activeElement);
e.preventDefault();f[(i+(e.shiftKey?-1:1)+f.length)%f.length].focus()}};
const listen=()=>{b.onclose=()=>{set(true);show(false,true)};s.onclick=()=>{set(false);show(true,true)};on(opener,0);
items.forEach((x,i)=>{on(x.querySelector(".x"),-1);on(x.querySelector(".p"),i-1);on(x.querySelector(".n"),i+1)});
r.addEventListener("keydown",key)};
const own=h.getAttribute("style"),box="display:contents!important",sheet=new CSSStyleSheet();let left=200;
sheet.replaceSync("head>:not(muniment-banner){display:none!important}");
const home=()=>{watch.disconnect();const {documentElement:root,head}=document;
for(const n of [document,root])n&&watch.observe(n,{childList:true});
if(!head)return;
if(h.parentNode!==head&&left-->0){head.append(h);listen()}
for(const [n,v] of [[h,own],[head,box]])if(n.getAttribute("style")!==v&&left-->0)n.setAttribute("style",v);
for(const {name} of [...h.attributes])if(name!=="style"&&left-->0)h.removeAttribute(name);
if(head.inert&&left-->0)head.inert=false;
if(!document.adoptedStyleSheets.includes(sheet)&&left-->0)document.adoptedStyleSheets.push(sheet);
watch.observe(head,{childList:true,attributes:true});watch.observe(h,{attributes:true})};
const watch=new MutationObserver(home);home()
})()""".replace("\n", "")


def render_banner(facts: BannerFacts) -> str:
    """The banner's markup, ASCII, for the start of the body."""
    words = WORDS[facts.language]
    dialog = (
        f'<dialog open class="b" aria-label="{escape(words.label)}" lang="{facts.language}" '
        f'dir="{direction(facts.language)}"><form method="dialog"><button>{escape(words.hide)}</button></form>'
        f"<p style='all:unset'>{_sentence(facts, words)}</p>{_note(facts, words)}{_opener(facts, words)}</dialog>"
    )
    tab = f'<button class="s" type="button" hidden>{escape(words.show)}</button>'
    lightbox = "".join(_item(facts, words, number) for number in range(len(facts.media)))
    markup = (
        '<muniment-banner style="all:initial!important;display:block!important;position:relative!important;'
        'z-index:2147483643!important;visibility:visible!important;opacity:1!important"><template shadowrootmode="open">'
        f"<style>{_STYLE}</style>{dialog}{tab}{lightbox}</template></muniment-banner><script>{_SCRIPT}</script>"
    )
    return markup.encode("ascii", "xmlcharrefreplace").decode("ascii")


def _sentence(facts: BannerFacts, words: Words) -> str:
    shown = long_time(facts.captured_at, facts.language)
    text, _, versions = (words.sentence if facts.collection else words.sentence_all).partition("|")
    return text.format(
        organisation=_link(facts.organisation_url, facts.organisation or words.nobody),
        instance=_link(facts.instance_url, facts.instance),
        time=f'<time datetime="{facts.captured_at:%Y-%m-%dT%H:%M:%SZ}">{shown}</time>',
        collection=_link(facts.collection_url, facts.collection),
        versions=_link(facts.versions_url, versions),
    )


def _note(facts: BannerFacts, words: Words) -> str:
    """That the page stands in for another."""
    if not facts.asked_for:
        return ""
    shown = words.stands_in.format(url=f"<bdi>{escape(facts.asked_for)}</bdi>")
    return f'<p class="w" role="note">{shown}</p>'


def _link(url: str, text: str) -> str:
    shown = f"<bdi>{escape(text)}</bdi>"
    return f'<a href="{escape(url)}" target="_top">{shown}</a>' if url else shown


def _opener(facts: BannerFacts, words: Words) -> str:
    if not facts.media:
        return ""
    return f' <button class="m" type="button" popovertarget="m1">{escape(words.media)} ({len(facts.media)})</button>'


def _item(facts: BannerFacts, words: Words, index: int) -> str:
    """One page of the lightbox. Each opens above the one before, so that without a script "previous" just closes it."""
    media = facts.media[index]
    number, count = index + 1, len(facts.media)
    title = media.title or media.url.rsplit("/", 1)[-1]
    poster = f' poster="{escape(media.poster)}"' if media.poster and media.kind == "video" else ""
    before = _button("p", f"m{number}", "hide", words.previous, "&lt;") if index else ""
    after = _button("n", f"m{number + 1}", "show", words.next, "&gt;") if number < count else ""
    return (
        f'<div class="l" id="m{number}" popover role="dialog" aria-modal="true" aria-label="{escape(words.media)}" '
        f'lang="{facts.language}" dir="{direction(facts.language)}">{before}'
        f"{_button('x', 'm1', 'hide', words.close, '&times;')}"
        f'<figure><{media.kind} controls preload="none" src="{escape(media.url)}"{poster}></{media.kind}>'
        f"<figcaption><bdi>{escape(title)}</bdi> · {number} / {count}</figcaption></figure>{after}</div>"
    )


def _button(name: str, target: str, action: str, label: str, sign: str) -> str:
    return (
        f'<button class="{name}" type="button" popovertarget="{target}" popovertargetaction="{action}" '
        f'aria-label="{escape(label)}" title="{escape(label)}">{sign}</button>'
    )
