// Ways out of a page, each to a host of its own: the name of the way, then what a page does. OUT(name) is that host.
// The same file runs in the page, in its frames and in its workers; each runs the ways that are meant for it.

const OUT = (name, path = "x") => `http://${name}.example/${path}`;
const STUN = (name) => ({iceServers: [{urls: `stun:127.0.0.1:${PORTS[name]}`}]});
const el = (name, attributes, add = true) => {
  const element = document.createElement(name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  if (add) document.body.append(element);
  return element;
};
const div = (add = true) => el("div", {}, add);
const svg = (name) => document.createElementNS("http://www.w3.org/2000/svg", name);
const img = (name) => `<img src="${OUT(name)}">`;
const connect = async (Peer, name) => {
  const peer = new Peer(STUN(name));
  peer.createDataChannel("x");
  await peer.setLocalDescription();
};
const styled = (text) => el("p", {style: text});
const inFrame = (markup, after) => {
  const frame = el("iframe", {});
  frame.contentDocument.open();
  frame.contentDocument.write(markup);
  frame.contentDocument.close();
  after?.(frame.contentWindow);
};
const blob = (text, type) => URL.createObjectURL(new Blob([text], {type}));

/** In the page. */
const ways = {
  // requests
  "fetch": () => fetch(OUT("fetch")),
  "fetch-request": () => fetch(new Request(OUT("fetch-request"))),
  "fetch-object": () => fetch({toString: () => OUT("fetch-object")}),
  "fetch-url": () => fetch(new URL(OUT("fetch-url"))),
  "fetch-keepalive": () => fetch(OUT("fetch-keepalive"), {keepalive: true, method: "POST", body: "x"}),
  "fetch-post": () => fetch(OUT("fetch-post"), {method: "POST", body: "x", mode: "no-cors"}),
  "fetch-https": () => fetch("https://fetch-https.example/"),
  "fetch-later": () => fetchLater(OUT("fetch-later").replace("http:", "https:"), {activateAfter: 0}),
  "xhr": () => {
    const request = new XMLHttpRequest();
    request.open("GET", OUT("xhr"));
    request.send();
  },
  "beacon": () => navigator.sendBeacon(OUT("beacon"), "x"),
  "eventsource": () => new EventSource(OUT("eventsource")),
  "websocket": () => new WebSocket("ws://websocket.example/"),
  "websocketstream": () => new WebSocketStream("ws://websocketstream.example/"),
  "webtransport": () => new WebTransport(`https://127.0.0.1:${PORTS.webtransport}/`),
  "rtc": () => connect(RTCPeerConnection, "rtc"),
  "rtc-webkit": () => connect(webkitRTCPeerConnection, "rtc-webkit"),
  "cache-add": async () => (await caches.open("x")).add(OUT("cache-add")),
  "importing": () => import(OUT("importing")),
  "importing-by-name": () => ((name) => import(name))(OUT("importing-by-name")),
  "worklet": () => CSS.paintWorklet.addModule(OUT("worklet")),
  "audio-worklet": () => new AudioContext().audioWorklet.addModule(OUT("audio-worklet")),
  // elements
  "image": () => (new Image().src = OUT("image")),
  "image-srcset": () => (new Image().srcset = `${OUT("image-srcset")} 1x`),
  "audio": () => new Audio(OUT("audio")).load(),
  "video": () => el("video", {src: OUT("video")}),
  "poster": () => el("video", {poster: OUT("poster")}),
  "track": () => (el("video", {crossorigin: ""}).append(el("track", {src: OUT("track"), default: ""}, false)), (document.querySelector("track").track.mode = "showing")),
  "picture": () => (div().innerHTML = `<picture><source srcset="${OUT("picture")}"><img src=data:,></picture>`),
  "input-image": () => el("input", {type: "image", src: OUT("input-image")}),
  "object": () => el("object", {data: OUT("object")}),
  "embed": () => el("embed", {src: OUT("embed")}),
  "iframe": () => el("iframe", {src: OUT("iframe")}),
  "script": () => el("script", {src: OUT("script")}),
  "script-module": () => el("script", {src: OUT("script-module"), type: "module"}),
  "stylesheet": () => el("link", {rel: "stylesheet", href: OUT("stylesheet")}),
  "preload-image": () => el("link", {rel: "preload", as: "image", href: OUT("preload-image")}),
  "preload-script": () => el("link", {rel: "preload", as: "script", href: OUT("preload-script")}),
  "preload-fetch": () => el("link", {rel: "preload", as: "fetch", crossorigin: "", href: OUT("preload-fetch")}),
  "preload-srcset": () => el("link", {rel: "preload", as: "image", imagesrcset: `${OUT("preload-srcset")} 1x`}),
  "prefetch": () => el("link", {rel: "prefetch", href: OUT("prefetch")}),
  "modulepreload": () => el("link", {rel: "modulepreload", href: OUT("modulepreload")}),
  "preconnect": () => el("link", {rel: "preconnect", href: "https://preconnect.example/"}),
  "preconnect-later": () => (el("link", {href: "https://preconnect-later.example/"}).rel = "preconnect"),
  "dns-prefetch": () => el("link", {rel: "dns-prefetch", href: "http://dns-prefetch.localhost/"}),
  "svg-image": () => {
    const image = svg("image");
    image.setAttributeNS("http://www.w3.org/1999/xlink", "xlink:href", OUT("svg-image"));
    document.body.appendChild(svg("svg")).append(image);
  },
  "svg-image-animval": () => {
    const image = svg("image");
    image.href.baseVal = OUT("svg-image-animval");
    document.body.appendChild(svg("svg")).append(image);
  },
  "svg-script": () => {
    const script = svg("script");
    script.href.baseVal = OUT("svg-script");
    document.body.appendChild(svg("svg")).append(script);
  },
  "fe-image": () => {
    div().innerHTML = `<svg><filter id=f><feImage href="${OUT("fe-image")}"/></filter><rect width=9 height=9 filter="url(#f)"/></svg>`;
  },
  "background": () => document.body.setAttribute("background", OUT("background")),
  "ping": () => el("a", {href: "#", ping: OUT("ping")}).click(),
  "ping-property": () => {
    const link = el("a", {href: "#"});
    link.ping = OUT("ping-property");
    link.click();
  },
  // attributes, set in odd ways
  "attribute-node": () => {
    const node = document.createAttribute("src");
    node.value = OUT("attribute-node");
    document.createElement("img").setAttributeNode(node);
  },
  "attribute-map": () => {
    const node = document.createAttribute("src");
    node.value = OUT("attribute-map");
    document.createElement("img").attributes.setNamedItem(node);
  },
  "attribute-moved": () => {
    const from = document.createElement("b");
    from.setAttribute("src", OUT("attribute-moved"));
    document.createElement("img").setAttributeNode(from.removeAttributeNode(from.getAttributeNode("src")));
  },
  "attribute-ns": () => document.createElement("img").setAttributeNS(null, "src", OUT("attribute-ns")),
  "attribute-text": () => {
    const image = document.createElement("img");
    image.setAttribute("src", "data:,");
    image.getAttributeNode("src").textContent = OUT("attribute-text");
  },
  "xml-import": () => {
    const made = new DOMParser().parseFromString(`<img xmlns="http://www.w3.org/1999/xhtml" src="${OUT("xml-import")}"/>`, "text/xml");
    document.body.append(document.importNode(made.documentElement, true));
  },
  "xslt": () => {
    const sheet = new DOMParser().parseFromString(
      `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><img src="${OUT("xslt")}"/></xsl:template></xsl:stylesheet>`, "text/xml");
    const processor = new XSLTProcessor();
    processor.importStylesheet(sheet);
    document.body.append(processor.transformToFragment(new DOMParser().parseFromString("<a/>", "text/xml"), document));
  },
  // markup
  "inner": () => (div().innerHTML = img("inner")),
  "inner-broken": () => (div().innerHTML = `<p title=">"><img/src=${OUT("inner-broken")}\n alt='>'>`),
  "inner-unclosed": () => (div().innerHTML = `<div a=b"c><img src=${OUT("inner-unclosed")}>`),
  "inner-comment": () => (div().innerHTML = `<!--><img src=${OUT("inner-comment")}>-->`),
  "inner-textarea": () => (div().innerHTML = `<svg><title><img src=${OUT("inner-textarea")}></title></svg>`),
  "outer": () => (div().outerHTML = img("outer")),
  "adjacent": () => div().insertAdjacentHTML("beforeend", img("adjacent")),
  "fragment": () => document.body.append(document.createRange().createContextualFragment(img("fragment"))),
  "set-html-unsafe": () => div().setHTMLUnsafe(img("set-html-unsafe")),
  "set-html": () => div().setHTML(img("set-html"), {sanitizer: {elements: [{name: "img", attributes: ["src"]}]}}),
  "parse-html-unsafe": () => document.body.append(Document.parseHTMLUnsafe(img("parse-html-unsafe")).body.firstChild),
  "dom-parser": () => document.body.append(new DOMParser().parseFromString(img("dom-parser"), "text/html").body.firstChild),
  "exec-command": () => {
    const place = el("p", {contenteditable: ""});
    place.focus();
    document.execCommand("insertHTML", false, img("exec-command"));
  },
  "template": () => {
    const template = el("template", {});
    template.innerHTML = img("template");
    document.body.append(template.content.cloneNode(true));
  },
  "shadow": () => (div().attachShadow({mode: "closed"}).innerHTML = img("shadow")),
  "shadow-declared": () => div().setHTMLUnsafe(`<p><template shadowrootmode=open>${img("shadow-declared")}</template></p>`),
  "handler": () => (div().innerHTML = `<img src=x:y onerror="new Image().src='${OUT("handler")}'">`),
  "noscript": () => (div().innerHTML = `<noscript></noscript>${img("noscript")}`),
  // styles
  "style-attribute": () => styled(`background: url(${OUT("style-attribute")})`),
  "style-property": () => (div().style.background = `url(${OUT("style-property")})`),
  "style-text": () => (div().style.cssText = `background: url("${OUT("style-text")}")`),
  "style-set": () => div().style.setProperty("background", `url(${OUT("style-set")})`),
  "style-escaped": () => styled(`background: u\\72l(${OUT("style-escaped")})`),
  "style-image-set": () => styled(`background: image-set("${OUT("style-image-set")}" 1x)`),
  "style-variable": () => styled(`--x: url(${OUT("style-variable")}); background: var(--x)`),
  "style-map": () => div().attributeStyleMap.set("background-image", `url(${OUT("style-map")})`),
  "style-comment": () => styled(`background: url(/**/${OUT("style-comment")})`.replace("/**/", "")),
  "style-element": () => (el("style", {}).textContent = `@import "${OUT("style-element")}"`),
  "style-import": () => (el("style", {}).textContent = `@import url(${OUT("style-import")})`),
  "style-node": () => el("style", {}).append(`html { background: url(${OUT("style-node")}) }`),
  "style-rule": () => el("style", {}).sheet.insertRule(`body { list-style: url(${OUT("style-rule")}); background: url(${OUT("style-rule")}) }`),
  "style-constructed": () => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`:root { border-image: url(${OUT("style-constructed")}) 1 }`);
    document.adoptedStyleSheets.push(sheet);
  },
  "style-nested": () => {
    const sheet = el("style", {}).sheet;
    sheet.insertRule("@media all {}");
    sheet.cssRules[0].insertRule(`p { background: url(${OUT("style-nested")}) }`);
    el("p", {}).textContent = "x";
  },
  "style-rule-map": () => {
    const sheet = el("style", {}).sheet;
    sheet.insertRule("em {}");
    sheet.cssRules[0].styleMap.set("background-image", `url(${OUT("style-rule-map")})`);
    el("em", {}).textContent = "x";
  },
  "style-rule-style": () => {
    const sheet = el("style", {}).sheet;
    sheet.insertRule("i {}");
    sheet.cssRules[0].style.backgroundImage = `url(${OUT("style-rule-style")})`;
    el("i", {}).textContent = "x";
  },
  "animation": () => div().animate([{backgroundImage: `url(${OUT("animation")})`}, {backgroundImage: `url(${OUT("animation")})`}], 9999),
  "font": () => document.fonts.add(new FontFace("x", `url(${OUT("font")})`)) && document.fonts.load("9px x"),
  "font-rule": () => {
    el("style", {}).textContent = `@font-face { font-family: y; src: url(${OUT("font-rule")}) }`;
    styled("font-family: y").textContent = "x";
    document.fonts.load("9px y");
  },
  // code made of text
  "evaluated": () => eval(`new Image().src = OUT("evaluated")`),
  "function": () => new Function(`new Image().src = "${OUT("function")}"`)(),
  "timer": () => setTimeout(`new Image().src = "${OUT("timer")}"`),
  // other documents
  "frame-written": () => inFrame(img("frame-written")),
  "frame-script": () => inFrame(`<script>fetch("${OUT("frame-script")}")<\/script>`),
  "frame-srcdoc": () => el("iframe", {srcdoc: img("frame-srcdoc")}),
  "frame-blob": () => el("iframe", {src: blob(img("frame-blob"), "text/html")}),
  "frame-blob-script": () => el("iframe", {src: blob(`<script>fetch("${OUT("frame-blob-script")}")<\/script>`, "text/html")}),
  "frame-data": () => el("iframe", {src: `data:text/html,${encodeURIComponent(img("frame-data"))}`}),
  "frame-data-fetch": () => el("iframe", {src: `data:text/html,<script>fetch("${OUT("frame-data-fetch")}")<\/script>`}),
  "frame-javascript": () => el("iframe", {src: `javascript:'<img src=${OUT("frame-javascript")}>'`}),
  "frame-fetch": () => el("iframe", {}).contentWindow.fetch(OUT("frame-fetch")),
  "frame-socket": () => new (el("iframe", {}).contentWindow.WebSocket)("ws://frame-socket.example/"),
  "frame-rtc": () => connect(el("iframe", {}).contentWindow.RTCPeerConnection, "frame-rtc"),
  "frame-index-rtc": () => (el("iframe", {}), connect(window[window.length - 1].RTCPeerConnection, "frame-index-rtc")),
  "frame-markup-rtc": () => ((div().innerHTML = "<iframe></iframe>"), connect(window[window.length - 1].RTCPeerConnection, "frame-markup-rtc")),
  "frame-shadow-rtc": () => {
    const root = div().attachShadow({mode: "open"});
    root.append(document.createElement("iframe"));
    return connect(root.firstChild.contentWindow.RTCPeerConnection, "frame-shadow-rtc");
  },
  "frame-range-rtc": () => {
    const range = document.createRange();
    range.selectNode(document.body.lastChild);
    range.insertNode(document.createElement("iframe"));
    return connect(window[window.length - 1].RTCPeerConnection, "frame-range-rtc");
  },
  "frame-sandbox-rtc": () => el("iframe", {sandbox: "allow-scripts", srcdoc: `<script>const PORTS = ${JSON.stringify(PORTS)}, connect = ${connect}, STUN = ${STUN}; connect(RTCPeerConnection, "frame-sandbox-rtc")<\/script>`}),
  "frame-srcdoc-rtc": () => el("iframe", {srcdoc: `<script>const PORTS = parent.ports, connect = ${connect}, STUN = ${STUN}; connect(RTCPeerConnection, "frame-srcdoc-rtc")<\/script>`}),
  "frame-blob-rtc": () => el("iframe", {src: blob(`<script>const PORTS = parent.ports, connect = ${connect}, STUN = ${STUN}; connect(RTCPeerConnection, "frame-blob-rtc")<\/script>`, "text/html")}),
  "frame-data-rtc": () => el("iframe", {src: `data:text/html,<script>const PORTS = ${JSON.stringify(PORTS)}, connect = ${connect}, STUN = ${STUN}; connect(RTCPeerConnection, "frame-data-rtc")<\/script>`}),
  "frame-javascript-rtc": () => el("iframe", {src: `javascript:'<script>const PORTS = parent.ports, connect = ${String(connect).replace(/'/g, '"')}, STUN = ${STUN}; connect(RTCPeerConnection, "frame-javascript-rtc")<\\/script>'`}),
  "popup-rtc": () => connect(open("about:blank").RTCPeerConnection, "popup-rtc"),
  "popup-plain-rtc": () => connect(open().RTCPeerConnection, "popup-plain-rtc"),
  "popup-fetch": () => open("about:blank").fetch(OUT("popup-fetch")),
  "popup": () => open(OUT("popup")),
  "form": () => el("form", {action: OUT("form"), target: el("iframe", {name: "forms"}).name}).submit(),
  "form-button": () => {
    const form = el("form", {target: el("iframe", {name: "forms2"}).name});
    form.innerHTML = `<button formaction="${OUT("form-button")}">`;
    form.firstChild.click();
  },
  "link-blank": () => el("a", {href: OUT("link-blank"), target: "_blank"}).click(),
  "link-blank-node": () => {
    const node = document.createAttribute("href");
    node.value = OUT("link-blank-node");
    const link = el("a", {target: "_blank"});
    link.setAttributeNode(node);
    link.click();
  },
  "link-svg": () => {
    div().innerHTML = `<svg><a xlink:href="${OUT("link-svg")}" target=_blank><text>x</text></a></svg>`;
    document.querySelector("svg a[target]").dispatchEvent(new MouseEvent("click", {bubbles: true, cancelable: true}));
  },
  "worker-blob": () => new Worker(blob(`fetch("${OUT("worker-blob")}")`, "text/javascript")),
  "worker-data": () => new Worker(`data:text/javascript,fetch("${OUT("worker-data")}")`),
  "worker-module": () => new Worker(blob(`import "${OUT("worker-module")}"`, "text/javascript"), {type: "module"}),
  "worker-shared": () => new SharedWorker(blob(`fetch("${OUT("worker-shared")}")`, "text/javascript")),
  "worker-frame": () => new (el("iframe", {}).contentWindow.Worker)(blob(`fetch("${OUT("worker-frame")}")`, "text/javascript")),
  "credentials": () => navigator.credentials.get({identity: {providers: [{configURL: "https://credentials.example/x", clientId: "x"}]}}),
  "payment": () => new PaymentRequest([{supportedMethods: "https://payment.example/x"}], {total: {label: "x", amount: {currency: "EUR", value: "1"}}}).canMakePayment(),
};

/** In a worker. */
const workerWays = {
  "worker-fetch": () => fetch(OUT("worker-fetch")),
  "worker-xhr": () => {
    const request = new XMLHttpRequest();
    request.open("GET", OUT("worker-xhr"));
    request.send();
  },
  "worker-eventsource": () => new EventSource(OUT("worker-eventsource")),
  "worker-websocket": () => new WebSocket("ws://worker-websocket.example/"),
  "worker-webtransport": () => new WebTransport(`https://127.0.0.1:${PORTS["worker-webtransport"]}/`),
  "worker-import": () => importScripts(OUT("worker-import")),
  "worker-importing": () => import(OUT("worker-importing")),
  "worker-eval": () => eval(`fetch("${OUT("worker-eval")}")`),
  "worker-function": () => new Function(`fetch("${OUT("worker-function")}")`)(),
  "worker-nested": () => new Worker(URL.createObjectURL(new Blob([`fetch("${OUT("worker-nested")}")`]))),
  "worker-cache": async () => (await caches.open("x")).add(OUT("worker-cache")),
  "worker-font": () => new FontFace("x", `url(${OUT("worker-font")})`).load(),
};

/** In a window of their own: they leave the page. */
const navigations = {
  "nav-href": () => (location.href = OUT("nav-href")),
  "nav-location": () => (location = OUT("nav-location")),
  "nav-window": () => (window.location = OUT("nav-window")),
  "nav-document": () => (document.location = OUT("nav-document")),
  "nav-assign": () => location.assign(OUT("nav-assign")),
  "nav-replace": () => location.replace(OUT("nav-replace")),
  "nav-host": () => (location.host = "nav-host.example"),
  "nav-computed": () => (window["loca" + "tion"].href = OUT("nav-computed")),
  "nav-computed-set": () => (window["loca" + "tion"] = OUT("nav-computed-set")),
  "nav-reflect": () => Reflect.get(document, "loca" + "tion").assign(OUT("nav-reflect")),
  "nav-descriptor": () => Object.getOwnPropertyDescriptor(window, "loca" + "tion").set.call(window, OUT("nav-descriptor")),
  "nav-prototype": () => Object.getOwnPropertyDescriptor(window["loca" + "tion"], "href").set.call(window["loca" + "tion"], OUT("nav-prototype")),
  "nav-api": () => navigation.navigate(OUT("nav-api")),
  "nav-self": () => open(OUT("nav-self"), "_self"),
  "nav-link": () => el("a", {href: OUT("nav-link")}).click(),
  "nav-link-node": () => {
    const node = document.createAttribute("href");
    node.value = OUT("nav-link-node");
    const link = el("a", {});
    link.setAttributeNode(node);
    link.click();
  },
  "nav-form": () => el("form", {action: OUT("nav-form")}).submit(),
  "nav-form-post": () => el("form", {action: OUT("nav-form-post"), method: "post"}).submit(),
  "nav-form-node": () => {
    const node = document.createAttribute("action");
    node.value = OUT("nav-form-node");
    const form = el("form", {});
    form.setAttributeNode(node);
    form.requestSubmit();
  },
  "nav-refresh": () => document.head.append(el("meta", {"http-equiv": "refresh", content: `0; url=${OUT("nav-refresh")}`}, false)),
  "nav-refresh-markup": () => (div().innerHTML = `<meta http-equiv=refresh content="0; url=${OUT("nav-refresh-markup")}">`),
  "nav-base": () => {
    document.head.append(el("base", {href: OUT("nav-base", "")}, false));
    el("a", {href: "x"}).click();
  },
  "nav-javascript": () => (location.href = `javascript:location.href="${OUT("nav-javascript")}"`),
  "nav-eval": () => eval(`location.href = "${OUT("nav-eval")}"`),
  "nav-function": () => new Function("l", `this[l].href = "${OUT("nav-function")}"`).call(window, "loca" + "tion"),
  "nav-frame": () => (el("iframe", {}).contentWindow.top.location = OUT("nav-frame")),
  "nav-frame-native": () => (el("iframe", {}).contentWindow["to" + "p"]["loca" + "tion"].href = OUT("nav-frame-native")),
  "nav-written": () => {
    document.open();
    document.write(`<script>location.href = "${OUT("nav-written")}"<\/script>`);
    document.close();
  },
  "nav-map": () => (div().innerHTML = `<map><area href="${OUT("nav-map")}"></map>`) && document.querySelector("area").click(),
  // last, because only a page that is seen fetches ahead
  "speculation": () => {
    const script = el("script", {type: "speculationrules"}, false);
    script.textContent = JSON.stringify({prefetch: [{source: "list", urls: ["https://speculation.example/x"]}]});
    document.body.append(script);
  },
};

const run = async (table) => {
  for (const name in table) {
    try {
      Promise.resolve(table[name]()).catch(() => {});
    } catch {}
  }
};

if (typeof document === "undefined") {
  run(workerWays);
} else if (location.hash.length > 1) {
  addEventListener("load", () => setTimeout(() => run({way: navigations[location.hash.slice(1)]})));
} else {
  window.ports = PORTS;
  new Worker("worker.js");
  addEventListener("load", () => run(ways).then(() => (document.title = "done")));
}
