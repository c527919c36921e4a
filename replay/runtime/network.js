// What a page asks for while it runs, and what it would tell others.

const requestURL = getterOf(window.Request.prototype, "url");
const isRequest = (value) => typeof value === "object" && attempt(() => requestURL(value)) !== null;
const requested = (input) => (isRequest(input) ? input : archived(String(input), "da"));

overrideClass("Request", (before) => ({
  construct: (target, [input, ...rest], made) => Reflect.construct(before, [requested(input), ...rest], made),
}));
redefine(window.Request.prototype, "url", {get: (before) => function () {
  return originalOf(apply(before, this, []));
}});
redefine(window.Response.prototype, "url", {get: (before) => function () {
  return originalOf(apply(before, this, []));
}});

/** How often this page has sent the very same before; null for what a server does not tell apart anyway. */
const sent = new Map();
const turnOf = (method, url, body) => {
  if (/^(?:get|head)$/i.test(method)) return null;
  const said = body === undefined || body === null ? "" : typeof body === "string" || body instanceof window.URLSearchParams ? String(body) : typeof body;
  const key = `${method} ${url} ${said.slice(0, 10000)}`;
  const turn = sent.get(key) ?? 0;
  if (sent.size < 10000 || turn) sent.set(key, turn + 1);
  return String(turn);
};
const inTurn = (input, init) => {
  const turn = turnOf(String(init?.method ?? input?.method ?? "GET"), String(input?.url ?? input), init?.body);
  if (turn === null) return init;
  const headers = new window.Headers(init?.headers ?? input?.headers);
  headers.set("X-Archive-Repeat", turn);
  return {...init, headers};
};
override(window, "fetch", (before) => function (input, init) {
  const given = init && typeof init === "object" && init.integrity ? {...init, integrity: ""} : init;
  const options = inTurn(input, given);
  try {
    return apply(before, window, [requested(input), options]);
  } catch (error) {
    return Promise.reject(error);
  }
});
const opened = new WeakMap();
override(window.XMLHttpRequest.prototype, "open", (before) => function (method, url, ...rest) {
  opened.set(this, {method: String(method), url: String(url)});
  return apply(before, this, [method, archived(url, "da"), ...rest]);
});
const setRequestHeader = window.XMLHttpRequest.prototype.setRequestHeader;
override(window.XMLHttpRequest.prototype, "send", (before) => function (body) {
  const asked = opened.get(this);
  const turn = asked && this.readyState === 1 ? turnOf(asked.method, asked.url, body) : null;
  if (turn !== null) apply(setRequestHeader, this, ["X-Archive-Repeat", turn]);
  return apply(before, this, arguments.length ? [body] : []);
});
redefine(window.XMLHttpRequest.prototype, "responseURL", {get: (before) => function () {
  return originalOf(apply(before, this, []));
}});
overrideClass("EventSource", (before) => ({
  construct: (target, [url, ...rest], made) => Reflect.construct(before, [archived(url, "da"), ...rest], made),
}));
redefine(window.EventSource?.prototype, "url", {get: (before) => function () {
  return originalOf(apply(before, this, []));
}});
override(window.Navigator?.prototype, "sendBeacon", () => () => true);
override(window, "fetchLater", () => () => ({activated: false})); // never
redefine(window.ErrorEvent?.prototype, "filename", {get: (before) => function () {
  return originalOf(apply(before, this, []));
}});

// Nobody answers in an archive: connections are made and found closed, as when a server is away.
class ArchivedSocket extends window.EventTarget {
  constructor(url) {
    super();
    const whole = parsed(String(url), baseOf());
    if (!whole) throw new DOMException(`The URL '${url}' is invalid.`, "SyntaxError");
    whole.protocol = whole.protocol.replace("http", "ws");
    Object.assign(this, {url: whole.href, readyState: 0, bufferedAmount: 0, extensions: "", protocol: "", binaryType: "blob"});
    Object.assign(this, {onopen: null, onmessage: null, onerror: null, onclose: null});
    native.setTimeout(() => {
      this.readyState = 3;
      this.#tell(new window.Event("error"));
      this.#tell(new window.CloseEvent("close", {code: 1006, wasClean: false}));
    });
  }

  #tell(event) {
    this.dispatchEvent(event);
    this[`on${event.type}`]?.call(this, event);
  }

  send() {
    if (this.readyState === 0) throw new DOMException("Still in CONNECTING state.", "InvalidStateError");
  }

  close() {
    this.readyState = 3;
  }
}
if (window.WebSocket) {
  const original = window.WebSocket;
  for (const [name, value] of [["CONNECTING", 0], ["OPEN", 1], ["CLOSING", 2], ["CLOSED", 3]]) {
    defineProperty(ArchivedSocket, name, {value, enumerable: true});
    defineProperty(ArchivedSocket.prototype, name, {value, enumerable: true});
  }
  defineProperty(window, "WebSocket", {...getOwnPropertyDescriptor(window, "WebSocket"), value: named(ArchivedSocket, original)});
}
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCDataChannel", "WebTransport", "WebSocketStream"]) {
  if (name in window) Reflect.deleteProperty(window, name);
}

// -- workers -----------------------------------------------------------------------------------------------------------

/** The text behind an address of this page's own; null when it cannot be read. */
const textAt = (url) => {
  const request = new native.XMLHttpRequest();
  try {
    apply(native.open, request, ["GET", url, false]);
    apply(native.send, request, []);
  } catch {
    return null;
  }
  return native.responseText(request);
};
const blobOf = (text, type) => apply(native.createObjectURL, URL, [new window.Blob([text], {type})]);

const runtimeOfWorkers = () => {
  const facts = {prefix: config.prefix, timestamp: config.timestamp, url: baseOf(), reader: config.reader};
  return `${config.reader}/-/runtime/worker.js?${new window.URLSearchParams(facts)}`;
};
/** A worker made of a blob is given the runtime first. */
const workerAddress = (url, options) => {
  const text = String(url);
  const isModule = options?.type === "module";
  if (!/^(?:blob|data):/i.test(text)) return archived(text, isModule ? "wkrm" : "wkr");
  // A copy: pages give the address up as soon as they have their worker, and ours is read after the runtime.
  const source = textAt(text);
  const code = source === null ? text : blobOf(/\bimport\b/.test(source) ? script(source) : source, "text/javascript");
  const [runtime, own] = [runtimeOfWorkers(), code].map((address) => JSON.stringify(address));
  return blobOf(isModule ? `import ${runtime};import ${own};` : `importScripts(${runtime},${own});`, "text/javascript");
};
for (const name of ["Worker", "SharedWorker"]) {
  overrideClass(name, (before) => ({
    construct: (target, [url, options], made) =>
      Reflect.construct(before, options === undefined ? [workerAddress(url)] : [workerAddress(url, options), options], made),
  }));
}
override(window.Worklet?.prototype, "addModule", (before) => async function (url, ...rest) {
  await apply(before, this, [`${config.reader}/-/runtime/worklet.js`]);
  return apply(before, this, [archived(url, "esm"), ...rest]);
});
