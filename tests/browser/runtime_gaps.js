// More of what a page reads and writes, in the form of runtime_cases.js, which runs it: what replay commonly leaves open.

const blobURL = (text, type = "text/javascript") => URL.createObjectURL(new Blob([text], {type}));
const fromWorker = (worker) => new Promise((done) => ((worker.port ?? worker).onmessage = (event) => done(event.data)));
const named = (promise) => promise.then(() => "fulfilled", (error) => error.name);
const firstBytes = () => String(el("iframe", {}, true).contentWindow.crypto.getRandomValues(new Uint8Array(8)));
const once = (type) => new Promise((done) => addEventListener(type, done, {once: true}));

const gaps = [
  // names
  ["objects without a prototype", () => { const o = Object.create(null); o.location = 5; return [o.location, (({location}) => location)(o), /(?<location>x)/.exec("x").groups.location] }, [5, 5, "x"]],
  ["proxies are asked for nothing else", () => { const asked = []; const p = new Proxy({}, {get: (t, key) => asked.push(String(key))}); p.location; p.postMessage; return asked }, ["location", "postMessage"]],
  ["the rest of an object", () => { const {location, ...rest} = {location: 1, a: 2}; return [location, rest] }, [1, {a: 2}]],
  ["patterns with defaults", () => (({location = 1, a: {location: l} = {location: 2}}) => [location, l])({location: undefined}), [1, 2]],
  ["assigned apart", () => { let l; ({location: l} = window); return l === location }, true],
  ["methods called location", () => ({a: 3, location() { return this.a }}).location(), 3],
  ["optional chains", () => { let a; return [typeof a?.b.location.c, typeof a?.location] }, ["undefined", "undefined"]],
  ["top passed on", () => { const t = top; return ((w) => w === t && w.location === location)(top) }, true],
  ["escaped names", () => [\u006cocation.host, window.\u006c\u{6f}cation.host], ["site.example", "site.example"]],
  ["shared declarations", () => [sharedLet, typeof SharedClass, strictThis], ["site.example", "function", "undefined"]],
  ["nothing to be seen", () => [Reflect.ownKeys(window), Object.getOwnPropertyNames(Object.prototype), Object.keys(Object.getOwnPropertyDescriptors(window))].flat().filter((k) => String(k).includes("muniment")).length, 0],
  ["nothing to be named", () => ["__muniment" in window, "__muniment" in el("iframe", {}, true).contentWindow, "__muniment_location" in {}, typeof __muniment, typeof __mun\u0069ment, Object.getOwnPropertyDescriptor(window, "__muniment")], [false, false, false, "undefined", "undefined", undefined]],
  ["nothing to be named by code that is made", () => [eval("typeof __muniment"), (0, eval)("typeof __mun\\u0069ment"), new Function("return typeof __muniment")(), el("iframe", {}, true).contentWindow.eval("typeof __muniment"), (() => { const b = el("b", {}, true); b.setAttribute("onclick", "this.found = typeof __muniment"); b.click(); return b.found })()], ["undefined", "undefined", "undefined", "undefined", "undefined"]],
  ["a page's own of that name", () => { var __muniment = {location: 5}; window.__muniment = 6; const found = [__muniment.location, window.__muniment, ({__muniment}).__muniment === __muniment]; delete window.__muniment; return found }, [5, 6, true]],
  ["generators made of text", () => (function* () {}).constructor("yield location.host")().next().value, "site.example"],
  ["strict functions made of text", () => new Function("'use strict'; location; return this")() === undefined, true],
  // native code
  ["windows in native hands", () => [new UIEvent("x", {view: window}).view === window, new MessageEvent("x", {source: window}).source === window, getComputedStyle(document.body).display, document.createTreeWalker(document).root === document, document.compareDocumentPosition(document.body) > 0, document.contains(document.body), document.evaluate("count(//body)", document).numberValue, dispatchEvent(new Event("x"))], [true, true, "block", true, true, true, 1, true]],
  ["observers", () => { new MutationObserver(() => {}).observe(document, {childList: true}); return new IntersectionObserver(() => {}, {root: document}).root === document }, true],
  ["declarations in native hands", () => { const s = el("b", {}).style; s.color = "red"; const p = CSSStyleDeclaration.prototype; return [p.getPropertyValue.call(s, "color"), p.item.call(s, 0), s.length, Object.getOwnPropertyDescriptor(p, "cssText").get.call(s), s instanceof CSSStyleDeclaration] }, ["red", "color", 1, "color: red;", true]],
  ["location in native hands", () => [new URL("x", location).href, new Request(location).url.replace(/#.*/, ""), String(new URL(location).host)], ["http://site.example/dir/x", "http://site.example/dir/page.html?q=1", "site.example"]],
  ["trusted types", () => { const p = trustedTypes.createPolicy("p", {createHTML: (s) => s, createScript: (s) => s, createScriptURL: (s) => s}); const s = document.createElement("script"); s.src = p.createScriptURL("/t.js"); const d = document.createElement("div"); d.innerHTML = p.createHTML("<img src=/t.png>"); return [raw(s, "src"), raw(d.firstChild, "src"), eval(p.createScript("location.host"))] }, ["A(http://site.example/t.js)", "A(http://site.example/t.png)", "site.example"]],
  ["ancestors", () => { const f = el("iframe", {srcdoc: ""}, true); return [location.ancestorOrigins.length, [...f.contentWindow.location.ancestorOrigins], f.contentWindow.location.ancestorOrigins.contains(origin)] }, [0, ["http://site.example"], true]],
  ["location in words", () => [Object.prototype.toString.call(location), `${location}` === location.href, location + "" === location.toString(), JSON.stringify(Object.keys(location)).includes("muniment")], ["[object Location]", true, true, false]],
  ["storage as an object", () => { sessionStorage.clear(); Object.defineProperty(sessionStorage, "d", {value: 1}); const length = Object.getOwnPropertyDescriptor(Storage.prototype, "length").get.call(sessionStorage); const kept = ["d" in sessionStorage, sessionStorage.key(0), length, delete sessionStorage.d, sessionStorage.length]; sessionStorage.x = 1; sessionStorage.clear(); return [...kept, sessionStorage.length] }, [true, "d", 1, true, 0, 0]],
  ["fonts", () => { new FontFace("f", "url(/font.woff)").load().catch(() => {}); return true }, true],
  ["effects", () => new KeyframeEffect(el("b", {}), {backgroundImage: ["url(/b.png)", "none"]}).getKeyframes()[0].backgroundImage, "url(\"A(http://site.example/b.png)\")"],
  ["custom elements", () => { customElements.define("x-place", class extends HTMLElement { connectedCallback() { this.host = location.host } }); return el("x-place", {}, true).host }, "site.example"],
  // writing
  ["style assigned", () => raw(el("b", {}), "style", (e) => { e.style = "background:url(/b.png)" }), "background: url(\"A(http://site.example/b.png)\");"],
  ["style of a rule", () => { el("u", {}, true); const s = el("style", {textContent: "u{}"}, true).sheet.cssRules[0]; s.style.backgroundImage = "url(/style.png)"; return s.cssText }, "u { background-image: url(\"http://site.example/style.png\"); }"],
  ["rule inside a rule", () => { el("i", {}, true); const s = el("style", {textContent: "@media all {}"}, true).sheet.cssRules[0]; s.insertRule("i{background:url(/inner.png)}"); return s.cssRules[0].style.backgroundImage }, "url(\"http://site.example/inner.png\")"],
  ["typed style", () => raw(el("b", {}), "style", (e) => { e.attributeStyleMap.set("background-image", "url(/b.png)") }), "background-image: url(\"A(http://site.example/b.png)\");"],
  ["image-set", () => raw(el("b", {}), "style", (e) => { e.style.background = 'image-set("/b.png" 1x, url(/c.png) 2x)' }).match(/A?\(?\/?[^"()]*http:\/\/site[^"]*/g).length, 2],
  ["animation", () => el("b", {}, true).animate([{backgroundImage: "url(/b.png)"}, {backgroundImage: "none"}], 9).effect.getKeyframes()[0].backgroundImage, "url(\"A(http://site.example/b.png)\")"],
  ["meta refresh", () => raw(el("meta", {}), "content", (e) => { e.httpEquiv = "refresh"; e.content = "99; url=/next" }), "99; url=A(http://site.example/next)"],
  ["import map", () => { const s = el("script", {type: "importmap"}); s.textContent = '{"imports": {"a": "/a.mjs", "/b/": "http://o.example/b/"}, "scopes": {"/c/": {"a": "./d.mjs"}}}'; const m = JSON.parse(s.textContent); return [m.imports.a, Object.keys(m.imports)[1], m.imports[Object.keys(m.imports)[1]], Object.keys(m.scopes)[0]] }, ["A(http://site.example/a.mjs)", "A(http://site.example/b/)", "A(http://o.example/b/)", "A(http://site.example/c/)"]],
  ["XSLT", () => { const x = (t) => new DOMParser().parseFromString(t, "text/xml"); const p = new XSLTProcessor(); p.importStylesheet(x('<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><img src="/x.png"/></xsl:template></xsl:stylesheet>')); return raw(p.transformToFragment(x("<a/>"), document).firstChild, "src") }, "A(http://site.example/x.png)"],
  ["opening a script", () => { const f = el("iframe", {name: "scripted"}, true); open("javascript:void (window.opened = parent.location.host)", "scripted"); return f.contentWindow === frames.scripted }, true],
  ["selectors of relative addresses", () => { el("div", {innerHTML: "<a href=rel/x.html id=rel></a>"}, true); return [document.querySelector("a[href='rel/x.html']").id, document.querySelectorAll("[href=rel\\/x\\.html]").length, document.querySelector('[href^="rel/"]').id, document.querySelector('a[href="static.html"]')?.id, document.querySelector("[href='#none']")] }, ["rel", 0, "rel", "static", null]],
  ["computed style", () => { const b = el("b", {}, true); b.style.backgroundImage = "url(/b.png)"; const c = getComputedStyle(b); return [c.backgroundImage, c.getPropertyValue("background-image"), getComputedStyle(b, "::before").content, c instanceof CSSStyleDeclaration] }, ["url(\"http://site.example/b.png\")", "url(\"http://site.example/b.png\")", "none", true]],
  ["audio made of an address", () => [new Audio("/a.mp3").src, raw(new Audio("/a.mp3"), "src"), new Audio() instanceof HTMLAudioElement, new Audio().src], ["http://site.example/a.mp3", "A(http://site.example/a.mp3)", true, ""]],
  ["told later, or never", () => [typeof fetchLater === "undefined" || fetchLater("http://live.example/").activated, raw(el("img", {}), "attributionsrc", (e) => e.setAttribute("attributionsrc", "http://live.example/"))], [false, ""]],
  ["selectors of all addresses", () => document.querySelector('a[href^="http"]#link') !== null, true],
  // time and chance; the browser is in New Zealand
  ["time zone", () => [new Date().getTimezoneOffset(), Intl.DateTimeFormat().resolvedOptions().timeZone, new Date(0).toString(), new Date(0).toDateString(), new Date(0).toLocaleString("en-US"), new Date(0).toLocaleDateString("en-GB")], [0, "UTC", "Thu Jan 01 1970 00:00:00 GMT+0000 (Coordinated Universal Time)", "Thu Jan 01 1970", "1/1/1970, 12:00:00 AM", "01/01/1970"]],
  ["dates of parts", () => [new Date(2020, 0, 2, 3), new Date(99, 0), new Date(NaN, 0)].map((d) => String(d.getTime())), [String(Date.UTC(2020, 0, 2, 3)), String(Date.UTC(1999, 0)), "NaN"]],
  ["dates of text", () => ["2020-01-02T03:04", "2020-01-02", "Jan 2 2020 03:04", "2020-01-02T03:04Z", "Thu, 02 Jan 2020 03:04:00 GMT", "Jan 2 2020 03:04 GMT+0200", "2020-01-02T03:04+02:00", "1/2/2020", "x"].map((t) => String((Date.parse(t) - Date.UTC(2020, 0, 2)) / 60000)), ["184", "0", "184", "184", "184", "64", "64", "0", "NaN"]],
  ["dates set", () => { const d = new Date(0); d.setHours(5, 6); d.setMonth(1); return [d.getHours(), d.getDay(), d.toISOString(), new Date(d).getTime() === +d, new (class extends Date {})(5).getTime()] }, [5, 0, "1970-02-01T05:06:00.000Z", true, 5]],
  ["years of old", () => { const d = new Date(Date.UTC(2019, 11, 31, 20)); const before = d.getYear(); d.setYear(99); return [before, d.toISOString()] }, [119, "1999-12-31T20:00:00.000Z"]],
  ["formats of formats", () => { const f = new Intl.DateTimeFormat(); return [f.constructor === Intl.DateTimeFormat, new f.constructor().resolvedOptions().timeZone] }, [true, "UTC"]],
  ["zones asked for", () => [new Date(0).toLocaleTimeString("en-GB", {timeZone: "Asia/Tokyo"}), new Intl.DateTimeFormat("en-GB", {timeZone: "Asia/Tokyo", hour: "numeric"}).format(0)], ["09:00:00", "09"]],
  ["now in words", () => [new Intl.DateTimeFormat("en", {year: "numeric"}).format(), new Intl.DateTimeFormat("en", {year: "numeric"}).formatToParts()[0].value, Date().slice(11, 15)], ["2016", "2016", "2016"]],
  ["other clocks", () => [new Date(performance.timing.navigationStart).getFullYear(), new Date(new File([], "x").lastModified).getFullYear(), document.lastModified], [2016, 2016, "08/10/2016 20:46:23"]],
  ["the clock ticks", () => { const from = Date.now(); while (Date.now() === from); return Date.now() - from < 50 }, true],
  ["chance again", () => [firstBytes() === firstBytes(), new Set([1, 2].map(() => el("iframe", {}, true).contentWindow.crypto.randomUUID())).size, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/.test(crypto.randomUUID())], [true, 1, true]],
  // where things are
  ["resource names", () => [performance.getEntriesByType("resource").some(({name}) => name === "http://site.example/dir/cases.js"), performance.getEntriesByName("http://site.example/dir/cases.js").length > 0, performance.getEntries().some(({name}) => name.includes("/c/2016"))], [true, true, false]],
  ["Navigation API", () => [navigation.currentEntry.url.replace(/#.*/, ""), navigation.entries().every(({url}) => url.startsWith("http://site.example/"))], ["http://site.example/dir/page.html?q=1", true]],
  ["navigate event", () => { const seen = []; navigation.addEventListener("navigate", ({destination}) => seen.push(destination.url), {once: true}); const here = location.href; history.replaceState(null, "", "/elsewhere"); history.replaceState(null, "", here); return seen }, ["http://site.example/elsewhere"]],
  ["frames by number and name", () => { el("iframe", {name: "numbered"}, true); return [frames[frames.length - 1] === frames.numbered, frames.numbered.location.href, typeof frames.numbered.RTCPeerConnection] }, [true, "about:blank", "undefined"]],
  ["devices", () => [typeof navigator.usb, typeof navigator.bluetooth, typeof navigator.hid, typeof navigator.serial, typeof PaymentRequest, typeof PresentationRequest, typeof IdleDetector, navigator.registerProtocolHandler("web+x", "http://site.example/?%s"), navigator.serviceWorker.controller], [...Array(7).fill("undefined"), null, null]],
];

const gapsLater = [
  // asking the reader
  ["permissions", () => navigator.permissions.query({name: "geolocation"}).then(({state}) => state), "denied"],
  ["Notification asked", () => Notification.requestPermission(), "denied"],
  ["geolocation", () => Promise.all(["getCurrentPosition", "watchPosition"].map((name) => new Promise((done) => navigator.geolocation[name](() => done("found"), ({code}) => done(code))))), [1, 1]],
  ["microphone of old", () => new Promise((done) => navigator.webkitGetUserMedia({audio: true}, () => done("given"), ({name}) => done(name))), "NotAllowedError"],
  ["a service worker of the page", () => { const {serviceWorker: s} = navigator; const silence = new Promise((done) => setTimeout(done, 300, "silence")); return Promise.all([s.register("/worker.js"), s.ready, s.getRegistration()].map((p) => Promise.race([p.then(String, ({name}) => name), silence]))) }, ["SecurityError", "silence", "undefined"]],
  ["what a reader declines", () => Promise.all([navigator.mediaDevices.getUserMedia({audio: true}), navigator.mediaDevices.getDisplayMedia(), navigator.clipboard.readText(), navigator.requestMIDIAccess(), navigator.credentials.create({}), queryLocalFonts()].map(named)), Array(6).fill("NotAllowedError")],
  ["what is not there", () => Promise.all([navigator.mediaDevices.enumerateDevices(), navigator.credentials.get({password: true}), navigator.storage.persist()]), [[], null, false]],
  // kept apart
  ["another site's storage", async () => {
    const channel = new BroadcastChannel("secret");
    const overheard = [];
    channel.onmessage = (event) => overheard.push(event.data);
    addEventListener("storage", (event) => overheard.push(event.key));
    el("iframe", {src: "http://other.example/storage.html"}, true);
    await heard("stored");
    const files = [];
    for await (const name of (await navigator.storage.getDirectory()).keys()) files.push(name);
    const locks = await navigator.locks.query();
    return [localStorage.secret, sessionStorage.secret, document.cookie.includes("secret"), (await indexedDB.databases()).some(({name}) => name === "secret"), await caches.has("secret"), files, locks.held.map(({name}) => name), [...overheard]];
  }, [null, null, false, false, false, [], [], []]],
  ["the same site's storage", async () => {
    const channel = new BroadcastChannel("secret");
    const said = new Promise((done) => (channel.onmessage = (event) => done([event.data, event.origin])));
    const stored = new Promise((done) => addEventListener("storage", (e) => e.storageArea === localStorage && done([e.key, e.newValue, e.url])));
    el("iframe", {src: "/storage.html"}, true);
    await heard("stored");
    const files = [];
    for await (const name of (await navigator.storage.getDirectory()).keys()) files.push(name);
    return [localStorage.secret, document.cookie.includes("secret=1"), await caches.has("secret"), files, (await navigator.locks.query()).held[0].name, await said, await stored];
  }, ["1", true, true, ["secret"], "secret", ["secret", "http://site.example"], ["secret", "1", "http://site.example/storage.html"]]],
  ["locks", () => navigator.locks.request("mine", ({name}) => name), "mine"],
  ["caches", async () => { const c = await caches.open("c"); await c.add("/data.json"); await c.addAll(["http://other.example/data.json"]); return [(await caches.keys()).includes("c"), (await c.keys()).length, new BroadcastChannel("x").name, (await (await c.match("http://site.example/data.json")).json()).at, (await c.keys())[0].url, (await caches.match("/data.json", {cacheName: "c"})).url] }, [true, 2, "x", "http://site.example/raw", "http://site.example/data.json", "http://site.example/data.json"]],
  // messages
  ["messages to whom they are meant for", async () => {
    const frame = el("iframe", {src: "/echo.html"}, true);
    await heard("ready");
    const all = [];
    const last = new Promise((done) => addEventListener("message", ({data, source}) => { if (source === frame.contentWindow && all.push(data) && data === "last") done(all) }));
    const w = frame.contentWindow;
    w.postMessage("wrong", "http://wrong.example");
    w.postMessage("origin", "http://site.example");
    w.postMessage("options", {targetOrigin: "/"});
    w.postMessage.call(w, "called", "*");
    w.postMessage.bind(w)("last", location.origin);
    return last;
  }, ["origin", "options", "called", "last"]],
  ["a message to oneself", () => { const told = new Promise((done) => addEventListener("message", (e) => e.data === "self" && done([e.origin, e.source === window, e.ports.length]))); postMessage("self", origin, [new MessageChannel().port1]); return told }, ["http://site.example", true, 1]],
  ["message channel", () => { const {port1, port2} = new MessageChannel(); port1.postMessage("x"); return new Promise((done) => (port2.onmessage = ({data, origin}) => done([data, origin]))) }, ["x", ""]],
  ["sandboxed messages", async () => { const f = el("iframe", {sandbox: "allow-scripts", srcdoc: "<script>onmessage = (e) => e.source.postMessage(['sandbox', e.data, e.origin], '*'); parent.postMessage(['awake'], '*')</" + "script>"}, true); await heard("awake"); f.contentWindow.postMessage("x", "*"); return heard("sandbox") }, ["sandbox", "x", "http://site.example"]],
  ["opened window", async () => { const w = open("/popup.html", "named"); const said = await heard("popup"); const all = [...said, w.location.href, w.closed]; w.close(); return all }, ["popup", "http://site.example/popup.html", true, "named", "http://site.example", "http://site.example/popup.html", false]],
  // going somewhere
  ["form, GET", () => { el("iframe", {name: "got"}, true); const f = el("form", {action: "/search", target: "got", innerHTML: "<input name=q value='a b'>"}, true); f.submit(); return heard("found") }, ["found", "http://site.example/search?q=a+b"]],
  ["form, POST", () => { el("iframe", {name: "posted"}, true); const f = el("form", {action: "/sent", method: "post", target: "posted", innerHTML: "<input name=q value=1>"}, true); f.requestSubmit(); return heard("sent") }, ["sent", "http://site.example/sent"]],
  ["link to a part", async () => { const changed = once("hashchange"); el("a", {href: `${location.href.replace(/#.*/, "")}#part`}, true).click(); const {oldURL, newURL} = await changed; return [location.hash, newURL.replace(/^.*\/dir/, "")] }, ["#part", "/page.html?q=1#part"]],
  ["popstate", async () => { const here = location.href; history.replaceState({n: 0}, "", here); history.pushState({n: 1}, "", "/p1"); history.pushState({n: 2}, "", "/p2"); const popped = once("popstate"); history.back(); const {state} = await popped; const seen = [state.n, location.pathname]; const again = once("popstate"); history.back(); await again; return [...seen, location.href === here] }, [1, "/p1", true]],
  ["page written anew", () => { el("iframe", {src: "/anew.html"}, true); return heard("anew") }, ["anew", "http://site.example/anew.html", "http://other.example/x", "A(http://other.example/x)"]],
  ["javascript: frame", () => { const told = new Promise((done) => (window.scripted = done)); el("iframe", {src: "javascript:void parent.scripted(parent.location.host)"}, true); return told }, "site.example"],
  // code
  ["errors say where", () => { const told = new Promise((done) => addEventListener("error", (e) => { e.preventDefault(); done([e.filename, e.lineno]) }, {once: true})); el("script", {src: "/throws.js"}, true); return told }, ["http://site.example/throws.js", 3]],
  ["asynchronous functions made of text", () => (async () => {}).constructor("return location.host")(), "site.example"],
  ["import in a handler", () => { const told = new Promise((done) => (window.handled = done)); const b = el("b", {}, true); b.setAttribute("onclick", "import('/module.mjs').then((m) => handled(m.host))"); b.click(); return told }, "site.example"],
  ["import.meta", () => import("/meta.mjs").then((m) => [m.url, m.resolved, m.whole]), ["http://site.example/meta.mjs", "http://site.example/a/b.mjs", "http://other.example/c.mjs"]],
  ["import by name, far away", () => import("http://other.example/far.mjs").then((m) => m.far("/near.mjs")).then((m) => m.where), "http://other.example/near.mjs"],
  ["import map in use", () => { const s = document.createElement("script"); s.type = "importmap"; s.textContent = '{"imports": {"mapped": "http://other.example/near.mjs"}}'; document.head.append(s); return import("mapped").then((m) => m.where) }, "http://other.example/near.mjs"],
  ["callback by another name", () => new Promise((done) => { window.cb_2_999 = done; el("script", {src: "/jsonp?a=1&callback=cb_2_999"}, true) }), {n: 1}],
  // workers
  ["worker of a blob", () => fromWorker(new Worker(blobURL("postMessage([new Date().getFullYear(), new Date(2020, 0).toISOString(), Math.random(), origin, typeof RTCPeerConnection, (() => { try { return new Function('return self.location.origin')() + location.protocol } catch (e) { return String(e) } })()])"))), [2016, "2020-01-01T00:00:00.000Z", 0.07949724327772856, "http://site.example", "undefined", "http://site.exampleblob:"]],
  ["module worker of a blob", () => fromWorker(new Worker(blobURL("import {where} from 'http://other.example/near.mjs'; postMessage(where)"), {type: "module"})), "http://other.example/near.mjs"],
  ["worker in a worker", () => fromWorker(new Worker(blobURL("const w = new Worker(URL.createObjectURL(new Blob(['fetch(\"/data.json\").then((r) => postMessage([r.url, origin]))']))); w.onmessage = (e) => postMessage(e.data)"))), ["http://site.example/data.json", "http://site.example"]],
  ["databases of workers", () => fromWorker(new Worker(blobURL("const r = indexedDB.open('w'); r.onsuccess = async () => postMessage([r.result.name, (await indexedDB.databases()).some(({name}) => name === 'w')])"))).then(async (seen) => [...seen, (await indexedDB.databases()).some(({name}) => name === "w")]), ["w", true, true]],
  ["shared worker", () => fromWorker(new SharedWorker("/shared.js", "name")), ["http://site.example/shared.js", 2016, "name"]],
  ["worklet", async () => { const c = new OfflineAudioContext(1, 128, 44100); await c.audioWorklet.addModule("/worklet.js"); return new Promise((done) => (new AudioWorkletNode(c, "p").port.onmessage = ({data}) => done(data))) }, "up"],
];
