"""HTML put into pages that browsers read as XML, where one open tag would replace the page by an error message."""

from __future__ import annotations

import json

# XML has no declarative shadow trees, and a script that was parsed from a string does not run: both are made by hand.
_SCRIPT = """(()=>{const me=document.currentScript,page=new DOMParser().parseFromString(%s,"text/html");
const built=[...page.head.childNodes,...page.body.childNodes].map((n)=>document.importNode(n,true));
for(const n of built){if(n.nodeType===1)for(const t of n.querySelectorAll("template[shadowrootmode]")){
t.parentNode.attachShadow({mode:t.getAttribute("shadowrootmode")}).append(t.content);t.remove()}
if(n.localName==="script"){const s=document.createElementNS(n.namespaceURI,"script");s.textContent=n.textContent;
me.before(s)}else me.before(n)}me.remove()})()""".replace("\n", "")


def as_xhtml(markup: str) -> str:
    """A script, well-formed XML and ASCII, that puts HTML in its own place; "" for no HTML."""
    if not markup:
        return ""
    text = json.dumps(markup).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    script = _SCRIPT.replace("&", "&amp;").replace("<", "&lt;").replace("=>", "=&gt;") % text
    return f'<script xmlns="http://www.w3.org/1999/xhtml">{script}</script>'
