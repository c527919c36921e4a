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
const sockets = new WeakMap();
overrideClass("WebSocket", () => ({
  construct: (target, [url], made) => {
    const whole = parsed(String(url), baseOf());
    if (!whole) throw new DOMException(`The URL '${url}' is invalid.`, "SyntaxError");
    whole.protocol = whole.protocol.replace("http", "ws");
    const socket = Reflect.construct(window.EventTarget, [], made);
    const state = {url: whole.href, readyState: 0, bufferedAmount: 0, extensions: "", protocol: "", binaryType: "blob"};
    sockets.set(socket, Object.assign(state, {onopen: null, onmessage: null, onerror: null, onclose: null}));
    const tell = (event) => {
      native.dispatchEvent(socket, event);
      if (typeof state[`on${event.type}`] === "function") apply(state[`on${event.type}`], socket, [event]);
    };
    native.setTimeout(() => {
      state.readyState = 3;
      tell(new window.Event("error"));
      tell(new window.CloseEvent("close", {code: 1006, wasClean: false}));
    });
    return socket;
  },
}));
const ofSockets = window.WebSocket?.prototype;
for (const name of ["url", "readyState", "bufferedAmount", "extensions", "protocol", "binaryType", "onopen", "onmessage", "onerror", "onclose"]) {
  redefine(ofSockets, name, {
    get: (before) => function () {
      return sockets.has(this) ? sockets.get(this)[name] : apply(before, this, []);
    },
    set: (before) => function (value) {
      if (sockets.has(this)) sockets.get(this)[name] = value;
      else apply(before, this, [value]);
    },
  });
}
override(ofSockets, "send", (before) => function (data) {
  const state = sockets.get(this);
  if (!state) apply(before, this, [data]);
  else if (state.readyState === 0) throw new DOMException("Still in CONNECTING state.", "InvalidStateError");
});
override(ofSockets, "close", (before) => function (...values) {
  if (sockets.has(this)) sockets.get(this).readyState = 3;
  else apply(before, this, values);
});
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

const runtimeOfWorkers = (isModule) => {
  const facts = {prefix: config.prefix, timestamp: config.timestamp, url: baseOf(), reader: config.reader, ...(isModule && {kind: "module"})};
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
  const [runtime, own] = [runtimeOfWorkers(isModule), code].map((address) => JSON.stringify(address));
  const begin = `import {begun} from ${runtime};try {await import(${own})} finally {begun()}`; // see module_worker.js
  return blobOf(isModule ? begin : `importScripts(${runtime},${own});`, "text/javascript");
};
for (const name of ["Worker", "SharedWorker"]) {
  overrideClass(name, (before) => ({
    construct: (target, [url, options], made) =>
      Reflect.construct(before, options === undefined ? [workerAddress(url)] : [workerAddress(url, options), options], made),
  }));
}
override(window.Worklet?.prototype, "addModule", (before) => function (url, ...rest) {
  return apply(before, this, [archived(url, "wkl"), ...rest]);
});
