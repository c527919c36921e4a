// The runtime of workers: there is no document, so less can lead out.

const {Object, Reflect, Proxy, URL, String, Promise, XMLHttpRequest} = self;
const realLocation = self.location;
const reader = self.location.origin === "null" ? config.reader : self.location.origin;
const {apply, defineProperty, getOwnPropertyDescriptor} = Reflect;
const ADDRESS = /^\/[^/]+\/\d{1,14}(?:([a-z]{2,4})_)?\/(?=[a-z][a-z0-9+.-]*:)/i;

const inPath = (url, what, by) => {
  const end = url.search(/[?#]/);
  return end < 0 ? url.replace(what, by) : url.slice(0, end).replace(what, by) + url.slice(end);
};
const originalOf = (address) => {
  const text = String(address);
  if (!text.startsWith(`${reader}/`)) return text;
  const path = text.slice(reader.length);
  const found = ADDRESS.exec(path);
  return found ? inPath(path.slice(found[0].length), /%25(?=(?:25)*2f)/gi, "%") : text;
};
const archived = (value, modifier) => {
  const text = String(value);
  if (/^[\s\0]*(?:data|blob|about):/i.test(text)) return text;
  let whole;
  try {
    whole = new URL(text, config.url);
  } catch {
    return text;
  }
  if (whole.origin === reader) {
    if (ADDRESS.test(whole.pathname) || whole.pathname.startsWith("/-/")) return whole.href;
    whole = new URL(whole.pathname + whole.search, config.url);
  }
  if (!/^https?:$/.test(whole.protocol)) return text;
  return `${reader}${config.prefix}${config.timestamp}${modifier}_/${inPath(whole.href, /%(?=(?:25)*2f)/gi, "%25")}`;
};
/** The object on the way up the prototypes that has a property of its own. */
const holder = (object, name) => {
  while (object && !getOwnPropertyDescriptor(object, name)) object = Reflect.getPrototypeOf(object);
  return object;
};
const replace = (object, name, make) => {
  const owner = holder(object, name);
  const before = owner && getOwnPropertyDescriptor(owner, name);
  if (before) defineProperty(owner, name, {...before, ...make(before)});
};
const getsOriginal = (before) => ({
  get() {
    return originalOf(apply(before.get, this, []));
  },
});
const construct = (name, change) => {
  if (!self[name]) return;
  const before = self[name];
  replace(self, name, () => ({
    value: new Proxy(before, {construct: (target, values, made) => Reflect.construct(before, change(values), before)}),
  }));
};

const script = (source) => {
  if (typeof source !== "string" || !/location|postMessage|eval|import|top/.test(source)) return source;
  const request = new XMLHttpRequest();
  request.open("POST", `${reader}/-/rewrite/js`, false);
  request.setRequestHeader("Content-Type", "text/plain;charset=utf-8");
  request.setRequestHeader("X-Archived-Page", `${config.prefix}${config.timestamp}/${encodeURI(config.url)}`);
  request.send(source);
  return request.status === 200 ? request.responseText : source;
};

const here = () => {
  const own = originalOf(realLocation.href);
  return new URL(/^https?:/.test(own) && !own.startsWith(`${reader}/`) ? own : config.url);
};
const location = Object.create(self.WorkerLocation.prototype);
for (const name of ["href", "origin", "protocol", "host", "hostname", "port", "pathname", "search", "hash"]) {
  defineProperty(location, name, {enumerable: true, get: () => here()[name]});
}
defineProperty(location, "toString", {value: () => here().href});
replace(self, "location", () => ({get: () => location}));

replace(self, "fetch", (before) => ({
  value: (input, init) => apply(before.value, self, [input instanceof self.Request ? input : archived(input, "da"), init]),
}));
construct("Request", ([input, ...rest]) => [input instanceof self.Request ? input : archived(input, "da"), ...rest]);
construct("EventSource", ([url, ...rest]) => [archived(url, "da"), ...rest]);
construct("Worker", ([url, ...rest]) => [archived(url, rest[0]?.type === "module" ? "wkrm" : "wkr"), ...rest]);
replace(self.Request.prototype, "url", getsOriginal);
replace(self.Response.prototype, "url", getsOriginal);
replace(self.XMLHttpRequest?.prototype, "responseURL", getsOriginal);
const open = XMLHttpRequest?.prototype.open;
replace(self.XMLHttpRequest?.prototype, "open", () => ({
  value(method, url, ...rest) {
    return apply(open, this, [method, String(url).startsWith(`${reader}/-/`) ? url : archived(url, "da"), ...rest]);
  },
}));
replace(self, "importScripts", (before) => ({
  value: (...urls) => apply(before.value, self, urls.map((url) => archived(url, "js"))),
}));
for (const name of ["WebSocket", "WebTransport", "WebSocketStream", "RTCPeerConnection"]) {
  if (name in self) {
    defineProperty(self, name, {
      configurable: true,
      writable: true,
      value: function () {
        throw new self.DOMException("There are no connections in an archive.", "SecurityError");
      },
    });
  }
}

const indirectEval = (source) => (0, self.eval)(script(source));
defineProperty(self, "__muniment", {
  value: {
    view: location,
    location: (value) => (value === realLocation ? location : value),
    assign: (value, set) => ({
      get value() {
        return value;
      },
      set value(next) {
        set(next);
      },
    }),
    top: (value) => value,
    script,
    eval: (value) => (value === self.eval ? indirectEval : value),
    module: (specifier) => (/^(?:\/|[a-z][a-z0-9+.-]*:)/i.test(String(specifier)) ? archived(specifier, "esm") : specifier),
    original: originalOf,
  },
});
for (const [name, get] of [
  [
    "__muniment_location",
    function () {
      return this === self ? location : this.location;
    },
  ],
  [
    "__muniment_top",
    function () {
      return this.top;
    },
  ],
  [
    "__muniment_from",
    function () {
      return () => this;
    },
  ],
]) {
  const own = name.slice("__muniment_".length);
  defineProperty(Object.prototype, name, {
    configurable: true,
    get,
    set(value) {
      this[own] = value;
    },
  });
}
