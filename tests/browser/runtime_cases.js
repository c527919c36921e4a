// What a page reads and writes in the archive: name, expression, what it must give. The expressions are the page's own code,
// rewritten like any other. A(x) stands for x as an address of the archive, whatever its modifier.

var currentSource = document.currentScript.src;
window.results = {};

function el(name, properties, add) {
  const element = document.createElement(name);
  for (const key in properties) element[key] = properties[key];
  if (add) document.body.append(element);
  return element;
}

/** An attribute as it really is: serialised, which nobody stands in between. */
function raw(element, attribute, change) {
  change?.(element);
  const text = new XMLSerializer().serializeToString(element).replace(/>[\s\S]*/, "");
  const found = new RegExp(`[ :]${attribute.replace(/^.*:/, "")}="([^"]*)"`).exec(text);
  return found && found[1].replace(/&amp;/g, "&").replace(/&quot;/g, '"');
}

/** Where a frame says that it is, what it sees of us, from where its message came, and from where it says ours came. */
function framed(url) {
  return new Promise((done) => {
    const all = [];
    const frame = document.createElement("iframe");
    const heard = (event) => {
      if (event.source !== frame.contentWindow) return;
      const data = JSON.parse(event.data);
      if (data[0] === "origin") {
        removeEventListener("message", heard);
        done([...all, data[1]]);
      } else {
        all.push(data[0], data[1], event.origin);
        frame.contentWindow.postMessage("back", new URL(url, location).origin);
      }
    };
    addEventListener("message", heard);
    frame.src = url;
    document.body.append(frame);
  });
}

/** The first message that begins with a word. */
const heard = (word) => new Promise((done) => addEventListener("message", (event) => event.data[0] === word && done(event.data)));

const cases = [
  ["location.href", () => (location.href), "http://site.example/dir/page.html?q=1"],
  ["window.location", () => (window.location.host), "site.example"],
  ["self.location", () => (self.location.pathname), "/dir/page.html"],
  ["an escaped slash", () => { const a = el('a', {href: '/a%2Fb?c=%2F'}); return [a.href, raw(a, 'href').includes('/a%252Fb?c=%2F')] }, ["http://site.example/a%2Fb?c=%2F", true]],
  ["document.location", () => (document.location.search), "?q=1"],
  ["computed location", () => (window['location'].origin), "http://site.example"],
  ["taken apart", () => ((({location: {href}, document: d}) => [href, d === document])(window)), ["http://site.example/dir/page.html?q=1", true]],
  ["shorthand", () => ((() => { const {location} = window; return {location}.location.protocol })()), "http:"],
  ["location as text", () => ('' + location + `${location}`), "http://site.example/dir/page.html?q=1http://site.example/dir/page.html?q=1"],
  ["location is a Location", () => (location instanceof Location && location === window.location), true],
  ["typeof location", () => (typeof location), "object"],
  ["local variables", () => ((() => { let location = {href: 3}; location = {href: 4}; return location.href })()), 4],
  ["parameters", () => (((location, top) => location + top.x)(1, {x: 2})), 3],
  ["other objects", () => (({location: 5}).location), 5],
  ["assigned to other objects", () => ((() => { const o = {}; o.location = 6; return [o.location, Object.keys(o)] })()), [6, ["location"]]],
  ["hash", () => ((location.hash = '#a', location.hash + new URL(location.href).hash)), "#a#a"],
  ["aliased", () => ((() => { const w = window; const l = w.location; return l.hostname })()), "site.example"],
  ["optional", () => (window?.location?.hostname), "site.example"],
  ["missing", () => (undefined?.location), null],
  ["URL", () => (document.URL.replace(/#.*/, '')), "http://site.example/dir/page.html?q=1"],
  ["documentURI", () => (document.documentURI.replace(/#.*/, '')), "http://site.example/dir/page.html?q=1"],
  ["baseURI", () => (document.body.baseURI.replace(/#.*/, '')), "http://site.example/dir/page.html?q=1"],
  ["domain", () => (document.domain), "site.example"],
  ["setting the domain", () => ((document.domain = 'site.example', document.domain)), "site.example"],
  ["referrer", () => (document.referrer), ""],
  ["origin", () => ([origin, self.origin]), ["http://site.example", "http://site.example"]],
  ["own script", () => (document.scripts[0].id), "first"],
  ["current script", () => (currentSource), "http://site.example/dir/cases.js"],
  ["top", () => (top === self && window.top === window && parent === window && self.parent === self), true],
  ["frameElement", () => (frameElement), null],
  ["direct eval", () => ((() => { const local = 7; return eval('local + location.pathname') })()), "7/dir/page.html"],
  ["indirect eval", () => ((0, eval)('location.host')), "site.example"],
  ["window.eval", () => (window.eval('location.host')), "site.example"],
  ["eval of a window lent", () => ([window[ 'eval' ].call( window, 'location.host' ), ((e) => e.eval.call(e, 'location.host'))(window), globalThis.eval.apply(null, ['location.host'])]), ["site.example", "site.example", "site.example"]],
  ["eval of a window kept", () => ((() => { const local = window.eval; return local('location.host') })()), "site.example"],
  ["eval of a window by name", () => (window['eval']('location.host')), "site.example"],
  ["eval of another object", () => ((() => { const own = {eval: {call: (self, text) => text}}; return own.eval.call(own, 'location.host') })()), "location.host"],
  ["Function", () => (new Function('a', 'return a + location.host')('x')), "xsite.example"],
  ["Function called", () => (Function('return window.location.host')()), "site.example"],
  ["Function is Function", () => ((() => {}) instanceof Function && (() => {}).constructor === Function), true],
  ["this of Function", () => (Function('return this')() === window), true],
  ["a.href", () => (el('a', {href: '/x?y#z'}).href), "http://site.example/x?y#z"],
  ["a parts", () => ((({host, pathname, search, hash}) => [host, pathname, search, hash])(el('a', {href: '//o.example/x?y#z'}))), ["o.example", "/x", "?y", "#z"]],
  ["a.pathname written", () => ((() => { const a = el('a', {href: '/x'}); a.pathname = '/n'; return a.href })()), "http://site.example/n"],
  ["a as text", () => ('' + el('a', {href: 'b'})), "http://site.example/dir/b"],
  ["attribute as written", () => (el('a', {href: '/x'}).getAttribute('href')), "/x"],
  ["attribute of the page", () => (document.getElementById('link').getAttribute('href')), "http://other.example/page"],
  ["relative attribute of the page", () => (['near', 'root', 'up', 'dot', 'query', 'same'].map((id) => document.getElementById(id).getAttribute('href'))), ["near.html?a=b", "/root.html#c", "../up.html", "./dot.html", "?q", "//other.example/same"]],
  ["relative attribute resolved", () => (['near', 'root', 'up', 'dot', 'query', 'same'].map((id) => document.getElementById(id).href)), ["http://site.example/dir/near.html?a=b", "http://site.example/root.html#c", "http://site.example/up.html", "http://site.example/dir/dot.html", "http://site.example/dir/page.html?q", "http://other.example/same"]],
  ["relative attribute in markup", () => (document.getElementById('near').outerHTML), "<a id=\"near\" href=\"near.html?a=b\"></a>"],
  ["markup keeps its spelling", () => (el('div', {innerHTML: '<a href="x/y?z">c</a><a href="./x"></a><a href="?y"></a><a href="//o.example/z"></a><img srcset="/a.png 1x, ./b.png 2x, //o.example/c.png 3x">'}).innerHTML), "<a href=\"x/y?z\">c</a><a href=\"./x\"></a><a href=\"?y\"></a><a href=\"//o.example/z\"></a><img srcset=\"/a.png 1x, ./b.png 2x, //o.example/c.png 3x\">"],
  ["markup is read attribute by attribute", () => ([...el('div', {innerHTML: '<a href="./x"></a><a href="?y"></a><a href="//o.example/z"></a><a href="../w/"></a><a href="/v"></a>'}).children].map((a) => a.getAttribute('href') + ' ' + a.href)), ["./x http://site.example/dir/x", "?y http://site.example/dir/page.html?y", "//o.example/z http://o.example/z", "../w/ http://site.example/w/", "/v http://site.example/v"]],
  ["selectors of outward links", () => { const d = el('div', {innerHTML: '<a href="./x"></a><a href="?y"></a><a href="/v"></a><a href="w"></a><a href="http://o.example/z" id=outward></a>'}, true); d.append(el('a', {href: 'made.html'}), el('a', {href: 'https://o.example/made', id: 'outmade'})); return [...d.querySelectorAll('[href^="http"]')].map((a) => a.id) }, ["outward", "outmade"]],
  ["selectors of spellings", () => (['[href="near.html?a=b"]', '[href="/root.html#c"]', '[href^="/root"]', '[href^="../"]', '[href="root.html#c"]', '[href^="http"]:is(#near,#root,#up)', '[href^="/"]:is(#near,#link)', '[href^=http]'].map((text) => document.querySelector(`a${text}`)?.id ?? null)), ["near", "root", "root", "up", null, null, null, "link"]],
  ["href of the page", () => (document.getElementById('link').href), "http://other.example/page"],
  ["img.src", () => (raw(el('img', {src: 'http://o.example/i.png'}), 'src')), "A(http://o.example/i.png)"],
  ["img.src read", () => (el('img', {src: '/i.png'}).src), "http://site.example/i.png"],
  ["img.srcset", () => (raw(el('img', {srcset: '/a.png 1x, //o.example/b,c.png 2x'}), 'srcset')), "A(http://site.example/a.png) 1x, A(http://o.example/b,c.png) 2x"],
  ["setAttribute", () => ((() => { const i = document.createElement('img'); i.setAttribute('SRC', '/i.png'); return raw(i, 'src') })()), "A(http://site.example/i.png)"],
  ["setAttributeNS", () => ((() => { const i = document.createElementNS('http://www.w3.org/2000/svg', 'image');i.setAttributeNS('http://www.w3.org/1999/xlink', 'xlink:href', '/i.png'); return raw(i, 'xlink:href') })()), "A(http://site.example/i.png)"],
  ["Attr.value", () => ((() => { const a = el('a', {href: '/x'}); const n = a.getAttributeNode('href'); n.value = '/n';return [n.value, a.href] })()), ["/n", "http://site.example/n"]],
  ["script.src", () => (raw(el('script', {src: '/s.js'}), 'src')), "A(http://site.example/s.js)"],
  ["module script", () => (raw(el('script', {src: '/s.js', type: 'module'}), 'src').includes('esm_/')), true],
  ["link.href", () => (raw(el('link', {rel: 'stylesheet', href: '/s.css'}), 'href')), "A(http://site.example/s.css)"],
  ["preconnect", () => (raw(el('link', {rel: 'preconnect', href: 'http://live.example'}), 'href')), "about:blank"],
  ["ping", () => (raw(el('a', {ping: 'http://live.example/p'}), 'ping')), ""],
  ["iframe.src", () => (raw(el('iframe', {src: '/f'}), 'src')), "A(http://site.example/f)"],
  ["form.action", () => (raw(el('form', {action: '/f'}), 'action')), "A(http://site.example/f)"],
  ["object.data", () => (raw(el('object', {data: '/o'}), 'data')), "A(http://site.example/o)"],
  ["video.poster", () => (raw(el('video', {poster: '/p.png'}), 'poster')), "A(http://site.example/p.png)"],
  ["data URLs", () => (raw(el('img', {src: 'data:image/gif;base64,R0lGODlhAQABAAAAACw='}), 'src').slice(0, 10)), "data:image"],
  ["integrity", () => ((() => { const s = el('script', {integrity: 'sha256-x'}); s.setAttribute('integrity', 'sha256-y');return [s.integrity, raw(s, 'integrity')] })()), ["", null]],
  ["on attributes", () => ((() => { const b = document.createElement('b'); b.setAttribute('onclick', 'this.x = location.host');b.click(); return b.x })()), "site.example"],
  ["javascript: links", () => (raw(el('a', {href: 'javascript:alert(location)'}), 'href').includes('__muniment.location')), true],
  ["innerHTML", () => ((() => { const d = el('div', {innerHTML: '<img src="/i.png" alt=a><a href=b>c</a>'});return [raw(d.firstChild, 'src'), d.lastChild.href, d.firstChild.alt] })()), ["A(http://site.example/i.png)", "http://site.example/dir/b", "a"]],
  ["innerHTML read", () => (el('div', {innerHTML: '<img src="http://o.example/i.png">'}).innerHTML), "<img src=\"http://o.example/i.png\">"],
  ["insertAdjacentHTML", () => ((() => { const d = el('div', {}); d.insertAdjacentHTML('beforeend', "<img src='/i.png'>");return raw(d.firstChild, 'src') })()), "A(http://site.example/i.png)"],
  ["setHTMLUnsafe", () => ((() => { const d = el('div', {}); d.setHTMLUnsafe('<img src=/i.png>'); return raw(d.firstChild, 'src') })()), "A(http://site.example/i.png)"],
  ["parseHTMLUnsafe", () => (raw(Document.parseHTMLUnsafe('<img src=/i.png>').images[0], 'src')), "A(http://site.example/i.png)"],
  ["createContextualFragment", () => (raw(document.createRange().createContextualFragment('<img src=/i.png>').firstChild, 'src')), "A(http://site.example/i.png)"],
  ["DOMParser", () => (raw(new DOMParser().parseFromString('<img src=/i.png>', 'text/html').images[0], 'src')), "A(http://site.example/i.png)"],
  ["shadow root", () => ((() => { const s = el('div', {}).attachShadow({mode: 'open'}); s.innerHTML = '<img src=/i.png>';return raw(s.firstChild, 'src') })()), "A(http://site.example/i.png)"],
  ["template", () => (raw(el('template', {innerHTML: '<img src=/i.png>'}).content.firstChild, 'src')), "A(http://site.example/i.png)"],
  ["entities", () => (el('div', {innerHTML: '<a href="/x?a=1&amp;b=2">c</a>'}).firstChild.search), "?a=1&b=2"],
  ["text stays text", () => (el('div', {innerHTML: '<!-- <img src=/a> --><b>src="/b" a > b</b>'}).lastChild.textContent), "src=\"/b\" a > b"],
  ["document.write", () => (document.getElementById('written').src + raw(document.getElementById('written'), 'src')), "http://site.example/w.pngA(http://site.example/w.png)"],
  ["selectors", () => ((el('div', {}, true).innerHTML = '<a id=sel href="/sel">x</a>',document.querySelector('a[href="/sel"]')?.id + document.querySelector('a[href^="http://other.example/"]')?.id)), "sellink"],
  ["style attribute", () => (raw(el('b', {}), 'style', e => e.setAttribute('style', 'background:url(/b.png)'))), "background:url(\"A(http://site.example/b.png)\")"],
  ["insertRule", () => { const s = el('style', {}, true).sheet; s.insertRule('b{background:url(/insertRule.png)}'); return s.cssRules[0].cssText }, "b { background: url(\"http://site.example/insertRule.png\"); }"],
  ["replaceSync", () => { const s = new CSSStyleSheet(); s.replaceSync('b{border-image:url(/replaceSync.png) 1}'); document.adoptedStyleSheets.push(s); return s.cssRules[0].style.borderImageSource }, "url(\"http://site.example/replaceSync.png\")"],
  ["style text", () => (el('style', {textContent: 'b{list-style-image:url(/textContent.png);display:list-item}'}, true).sheet.cssRules[0].style.listStyleImage), "url(\"http://site.example/textContent.png\")"],
  ["style property", () => (raw(el('b', {}), 'style', e => { e.style.backgroundImage = 'url(/b.png)' })), "background-image: url(\"A(http://site.example/b.png)\");"],
  ["setProperty", () => (raw(el('b', {}), 'style', e => e.style.setProperty('background-image', 'url(/b.png)'))), "background-image: url(\"A(http://site.example/b.png)\");"],
  ["clock", () => (Math.abs(Date.now() - Date.UTC(2016, 7, 10, 20, 46, 23)) < 60000), true],
  ["new Date", () => (new Date().getUTCFullYear() + ' ' + new Date(2020, 0).getFullYear() + ' ' + (new Date() instanceof Date)), "2016 2020 true"],
  ["Date is Date", () => (new Date().constructor === Date && Date.prototype.constructor === Date && typeof Date()), "string"],
  ["timeOrigin", () => (new Date(performance.timeOrigin).getUTCFullYear()), 2016],
  ["cookie", () => ((document.cookie = 'a=1; path=/', document.cookie = 'b=2; path=/elsewhere', document.cookie)), "sent=1; a=1"],
  ["cookies of the response", () => (firstCookie), "sent=1"],
  ["cookie gone", () => ((document.cookie = 'c=1', document.cookie = 'c=1; max-age=0', document.cookie.includes('c='))), false],
  ["localStorage", () => ((localStorage.clear(), localStorage.setItem('k', 'v'), localStorage.z = 3,[localStorage.k, localStorage.length, Object.keys(localStorage).sort().join(), localStorage.getItem('none')])), ["v", 2, "k,z", null]],
  ["storage is Storage", () => (localStorage instanceof Storage && Storage.prototype.getItem.call(sessionStorage, 'no') === null), true],
  ["sendBeacon", () => (navigator.sendBeacon('http://live.example/b', 'x')), true],
  ["RTCPeerConnection", () => (typeof RTCPeerConnection + typeof WebTransport), "undefinedundefined"],
  ["cookieStore", () => (typeof cookieStore), "undefined"],
  ["onLine", () => (navigator.onLine), true],
  ["Notification", () => (Notification.permission), "denied"],
  ["history", () => ((history.pushState(null, '', '/pushed'), [location.pathname, document.URL])), ["/pushed", "http://site.example/pushed"]],
  ["history elsewhere", () => ((() => { try { history.pushState(null, '', 'http://live.example/') } catch (e) { return e.name } })()), "SecurityError"],
  ["history back", () => ((history.replaceState(null, '', '/dir/page.html?q=1'), location.href)), "http://site.example/dir/page.html?q=1"],
  ["native code", () => (document.write.toString().includes('[native code]') && /native code/.test(Date + fetch)), true],
  ["names", () => ([fetch.name, Element.prototype.setAttribute.name, Element.prototype.setAttribute.length]), ["fetch", "setAttribute", 2]],
  ["no visible globals", () => (Object.keys(window).filter(k => k.includes('muniment')).length), 0],
  ["for in", () => ((() => { for (const k in {}) return k; return null })()), null],
];

const later = [
  ["the same question again", () => (async () => {
    const ask = () => fetch('/api', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"q":1}'});
    const first = await ask().then((r) => r.json());
    const second = await ask().then((r) => r.json());
    const third = await new Promise((done) => {
      const x = new XMLHttpRequest();
      x.open('POST', '/api');
      x.setRequestHeader('Content-Type', 'application/json');
      x.onload = () => done(JSON.parse(x.responseText));
      x.send('{"q":1}');
    });
    return [first.n, second.n, third.n];
  })(), [0, 1, 2]],
  ["fetch", () => (fetch('/data.json').then(r => r.json().then(j => [r.url, j.at]))), ["http://site.example/data.json", "http://site.example/raw"]],
  ["fetch elsewhere", () => (fetch('http://other.example/data.json').then(r => r.json()).then(j => j.at)), "other"],
  ["fetch of a Request", () => (fetch(new Request('/data.json')).then(r => r.status)), 200],
  ["fetch of HTML", () => (fetch('/fragment.html').then(r => r.text())), "<a href=\"/x\">x</a>"],
  ["fetch of what is missing", () => (fetch('http://live.example/none').then(r => r.status)), 404],
  ["XMLHttpRequest", () => (new Promise(done => { const x = new XMLHttpRequest(); x.open('GET', '/data.json');x.onload = () => done([x.responseURL, JSON.parse(x.responseText).at]); x.send() })), ["http://site.example/data.json", "http://site.example/raw"]],
  ["WebSocket", () => (new Promise(done => { const s = new WebSocket('ws://live.example/'); s.onclose = e => done([e.code, s.readyState]) })), [1006, 3]],
  ["timer strings", () => (new Promise(done => { window.timed = done; setTimeout('timed(location.host)') })), "site.example"],
  ["script text", () => (new Promise(done => { window.ran = done; const s = document.createElement('script');s.textContent = 'ran(location.host)'; document.head.append(s) })), "site.example"],
  ["script by node", () => (new Promise(done => { window.ran2 = done; const s = document.createElement('script');s.appendChild(document.createTextNode('ran2(location.host)')); document.head.append(s) })), "site.example"],
  ["module", () => (import('/module.mjs').then(m => [m.host, m.here, m.inner])), ["site.example", "http://site.example/module.mjs", "http://other.example/inner.mjs"]],
  ["module by variable", () => ((name => import(name))('http://site.example/module.mjs').then(m => m.host)), "site.example"],
  ["worker", () => (new Promise(done => { const w = new Worker('/worker.js'); w.onmessage = e => done(e.data); w.postMessage('go') })), ["http://site.example/worker.js", "http://site.example/raw", "imported"]],
  ["module worker", () => (new Promise(done => { const w = new Worker('/worker.mjs', {type: 'module'}); w.onmessage = e => done(e.data);w.postMessage('go') })), ["http://site.example/worker.mjs", "http://site.example/raw"]],
  ["blob worker", () => (new Promise(done => { const code = '(' + (() => { self.onmessage = () => fetch('http://site.example/data.json').then(r => r.json()).then(j => self.postMessage([self.location.origin, j.at])) }) + ')()';const w = new Worker(URL.createObjectURL(new Blob([code]))); w.onmessage = e => done(e.data); w.postMessage('go') })), ["http://site.example", "http://site.example/raw"]],
  ["revoked blob worker", () => (new Promise(done => { const url = URL.createObjectURL(new Blob(['postMessage(self.origin)'])); const w = new Worker(url); URL.revokeObjectURL(url); w.onmessage = e => done(e.data); w.onerror = e => done(e.message) })), "http://site.example"],
  ["service worker", () => (navigator.serviceWorker.getRegistrations().then(r => r.length)), 0],
  ["frame", () => (framed('/frame.html')), ["http://site.example/frame.html", "http://site.example/dir/page.html?q=1", "http://site.example", "http://site.example"]],
  ["frame elsewhere", () => (framed('http://other.example/frame.html')), ["http://other.example/frame.html", null, "http://other.example", "http://site.example"]],
  ["blank frame", () => ((() => { const f = el('iframe', {}, true); const d = f.contentDocument; d.open();d.write('<img id=i src=/i.png><script>window.seen = parent.location.host + location<\/script>'); d.close();return Promise.resolve([raw(d.getElementById('i'), 'src'), f.contentWindow.seen]) })()), ["A(http://site.example/i.png)", "site.examplehttp://site.example/dir/page.html?q=1"]],
  ["srcdoc", () => (new Promise(done => { window.fromSrcdoc = done; el('iframe', {srcdoc:'<script>parent.fromSrcdoc([document.baseURI, parent.location.host])<\/script>'}, true) })), ["http://site.example/dir/page.html?q=1", "site.example"]],
  ["data frame of the page", () => (staticData.then(data => [...data, document.getElementById('data').getAttribute('src').slice(0, 14)])), ["static", "undefined", "", "data:text/html"]],
  ["data frame", () => { const f = el('iframe', {src: 'data:text/html,<script>parent.postMessage(["made", typeof RTCPeerConnection], "*")</'+'script>'}, true); return heard('made').then(data => [...data, f.src.slice(0, 14)]) }, ["made", "undefined", "data:text/html"]],
  ["data object of the page", () => (staticObject), ["object", "undefined"]],
  ["drawing with scripts", () => { el('iframe', {src: '/drawing.svg'}, true); return heard('svg').then(data => data.slice(0, 3)) }, ["svg", "http://site.example/drawing.svg", "undefined"]],
  ["XHTML with scripts", () => { el('iframe', {src: '/page.xhtml'}, true); return heard('xhtml') }, ["xhtml", "http://site.example/page.xhtml", "undefined"]],
  ["sandboxed document", () => { const f = el('iframe', {sandbox: 'allow-scripts', srcdoc: '<script>parent.postMessage(["boxed", typeof RTCPeerConnection, document.compatMode], "*")</'+'script>'}, true); return heard('boxed') }, ["boxed", "undefined", "CSS1Compat"]],
  ["blob document", () => { el('iframe', {src: URL.createObjectURL(new Blob(['<!doctype html><script>parent.postMessage(["blob", origin, document.compatMode], "*")</'+'script>'], {type: 'text/html'}))}, true); return heard('blob') }, ["blob", "http://site.example", "CSS1Compat"]],
  ["IndexedDB", () => (new Promise(done => { const r = indexedDB.open('d'); r.onsuccess = () => indexedDB.databases().then(a =>done([r.result.name, a.map(x => x.name)])) })), ["d", ["d"]]],
  ["random", () => (Promise.resolve(firstRandom)), 0.07949724327772856],
];

for (const [name, run, expected] of [...cases, ...gaps]) {
  try {
    results[name] = [run(), expected];
  } catch (error) {
    results[name] = [`threw ${error}`, expected];
  }
}
(async () => {
  for (const [name, run, expected] of [...later, ...gapsLater]) {
    try {
      const silence = new Promise((done) => setTimeout(done, 2000, "no answer"));
      results[name] = [await Promise.race([run(), silence]), expected];
    } catch (error) {
      results[name] = [`threw ${error}`, expected];
    }
  }
  window.finished = true;
})();
