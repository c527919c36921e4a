// What a page asks for while it runs, and what it would tell others.

const requested = (input) => (typeof input === "string" || input instanceof URL ? archived(input, "da") : input);

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
    return apply(before, window, [input instanceof window.Request ? input : requested(String(input)), options]);
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
override(window.Navigator.prototype, "sendBeacon", () => () => true);

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
for (const name of ["RTCPeerConnection", "webkitRTCPeerConnection", "RTCDataChannel", "WebTransport", "WebSocketStream", "PresentationRequest"]) {
  if (name in window) Reflect.deleteProperty(window, name);
}

// -- workers -----------------------------------------------------------------------------------------------------------

/** Addresses that workers were made of. */
const ofWorkers = new Set();
/** A worker made of a blob is given the runtime first. */
const workerAddress = (url, options) => {
  const text = String(url);
  if (!/^(?:blob|data):/i.test(text)) return archived(text, options?.type === "module" ? "wkrm" : "wkr");
  ofWorkers.add(text);
  const runtime = `${config.reader}/-/runtime/worker.js?${new window.URLSearchParams({prefix: config.prefix, timestamp: config.timestamp, url: baseOf()})}`;
  const lines =
    options?.type === "module"
      ? `import ${JSON.stringify(runtime)};import ${JSON.stringify(text)};`
      : `importScripts(${JSON.stringify(runtime)},${JSON.stringify(text)});`;
  return URL.createObjectURL(new window.Blob([lines], {type: "text/javascript"}));
};
for (const name of ["Worker", "SharedWorker"]) {
  overrideClass(name, (before) => ({
    construct: (target, [url, options], made) =>
      Reflect.construct(before, options === undefined ? [workerAddress(url)] : [workerAddress(url, options), options], made),
  }));
}
// Pages give up the address of a worker as soon as they have it; ours reads it when it has read the runtime.
const REVOKED_AFTER = 60000;
override(URL, "revokeObjectURL", (before) => function (url) {
  const address = String(url);
  if (ofWorkers.has(address)) native.setTimeout(() => apply(before, URL, [address]), REVOKED_AFTER);
  else apply(before, URL, [address]);
});
override(window.Worklet?.prototype, "addModule", (before) => function (url, ...rest) {
  return apply(before, this, [archived(url, "esm"), ...rest]);
});

// A site's own service worker would stand between the reader and the archive.
const silence = () => new Promise(() => {});
if (window.ServiceWorkerContainer) {
  override(window.ServiceWorkerContainer.prototype, "register", () => function register() {
    return silence();
  });
  override(window.ServiceWorkerContainer.prototype, "getRegistration", () => function getRegistration() {
    return Promise.resolve(undefined);
  });
  override(window.ServiceWorkerContainer.prototype, "getRegistrations", () => function getRegistrations() {
    return Promise.resolve([]);
  });
  redefine(window.ServiceWorkerContainer.prototype, "controller", {get: () => () => null});
  redefine(window.ServiceWorkerContainer.prototype, "ready", {get: () => silence});
}

// -- what would ask the reader, or tell of them ------------------------------------------------------------------------

redefine(window.Navigator.prototype, "onLine", {get: () => () => true});
for (const name of ["registerProtocolHandler", "unregisterProtocolHandler"]) override(window.Navigator.prototype, name, () => () => undefined);
if (window.Notification) {
  redefine(window.Notification, "permission", {get: () => () => "denied"});
  override(window.Notification, "requestPermission", () => (done) => {
    done?.("denied");
    return Promise.resolve("denied");
  });
}
const nowhere = (ok, failed) => {
  failed?.({code: 1, message: "User denied Geolocation", PERMISSION_DENIED: 1, POSITION_UNAVAILABLE: 2, TIMEOUT: 3});
};
override(window.Geolocation?.prototype, "getCurrentPosition", () => nowhere);
override(window.Geolocation?.prototype, "watchPosition", () => (ok, failed) => {
  nowhere(ok, failed);
  return 0;
});
