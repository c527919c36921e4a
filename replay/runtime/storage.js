// Storage and cookies of the archived site, apart from those of all other sites in the archive.

const storages = new WeakMap(); // view → the browser's own storage
const storageMethods = {};
for (const name of ["getItem", "setItem", "removeItem", "clear", "key"]) storageMethods[name] = window.Storage.prototype[name];
const storageLength = getterOf(window.Storage.prototype, "length");

const storageKeys = (real, mark) => {
  const keys = [];
  for (let index = 0; index < storageLength(real); index++) {
    const key = apply(storageMethods.key, real, [index]);
    if (key.startsWith(mark)) keys.push(key.slice(mark.length));
  }
  return keys;
};
const storageView = (real) => {
  const mark = marker();
  const read = (key) => apply(storageMethods.getItem, real, [mark + key]);
  const methods = {
    getItem: (key) => read(key),
    setItem: (key, value) => apply(storageMethods.setItem, real, [mark + key, value]),
    removeItem: (key) => apply(storageMethods.removeItem, real, [mark + key]),
    clear: () => {
      for (const key of storageKeys(real, mark)) methods.removeItem(key);
    },
    key: (index) => storageKeys(real, mark)[index] ?? null,
    length: () => storageKeys(real, mark).length,
  };
  const own = (key) => typeof key === "string" && !(key in window.Storage.prototype);
  const view = new Proxy(Object.create(window.Storage.prototype), {
    get: (target, key) => (own(key) ? (read(key) ?? undefined) : key === "length" ? methods.length() : Reflect.get(target, key)),
    set: (target, key, value) => (own(key) ? (methods.setItem(key, String(value)), true) : true),
    has: (target, key) => (own(key) ? read(key) !== null : Reflect.has(target, key)),
    deleteProperty: (target, key) => (methods.removeItem(key), true),
    ownKeys: () => storageKeys(real, mark),
    getOwnPropertyDescriptor: (target, key) => {
      const value = own(key) ? read(key) : null;
      return value === null ? undefined : {value, enumerable: true, configurable: true, writable: true};
    },
    defineProperty: (target, key, {value}) => (methods.setItem(key, String(value)), true),
  });
  storages.set(view, methods);
  return view;
};
for (const name of ["localStorage", "sessionStorage"]) {
  let view;
  redefine(window, name, {
    get: (before) => () => (view ??= storageView(native[name] ?? apply(before, window, []))),
  });
}
for (const name of ["getItem", "setItem", "removeItem", "clear", "key"]) {
  override(window.Storage.prototype, name, (before) => function (...values) {
    const methods = storages.get(this);
    return methods ? methods[name](...values.map((value) => (name === "key" ? Number(value) : String(value)))) : apply(before, this, values);
  });
}
redefine(window.Storage.prototype, "length", {
  get: (before) => function () {
    return storages.has(this) ? storages.get(this).length() : apply(before, this, []);
  },
});

// What other pages of the site store is heard of; what those of other sites store is not.
const eventKey = window.StorageEvent && getterOf(window.StorageEvent.prototype, "key");
const hearStorage = (event) => {
  const key = event.isTrusted ? eventKey(event) : null;
  if (key !== null && !key.startsWith(marker())) event.stopImmediatePropagation();
};
redefine(window.StorageEvent?.prototype, "key", {
  get: (before) => function () {
    const key = apply(before, this, []);
    return key !== null && key.startsWith(marker()) ? key.slice(marker().length) : key;
  },
});
redefine(window.StorageEvent?.prototype, "url", {get: (before) => function () {
  return originalOf(apply(before, this, []));
}});
redefine(window.StorageEvent?.prototype, "storageArea", {
  get: (before) => function () {
    const area = apply(before, this, []);
    return area === null ? null : area === native.localStorage ? window.localStorage : area === native.sessionStorage ? window.sessionStorage : area;
  },
});

// -- cookies -----------------------------------------------------------------------------------------------------------

// They live in the tab's own storage and never become real ones, so that nothing of them is ever sent.
const jarName = `muniment:cookies:${config.prefix}`;
const realSession = native.sessionStorage;
const cookies = () => {
  try {
    return JSON.parse(apply(storageMethods.getItem, realSession, [jarName]) ?? "[]");
  } catch {
    return [];
  }
};
const keepCookies = (list) => {
  try {
    apply(storageMethods.setItem, realSession, [jarName, JSON.stringify(list.slice(-300))]);
  } catch {}
};
const domainMatches = (host, domain) => host === domain || host.endsWith(`.${domain}`);
const pathMatches = (path, cookiePath) =>
  path === cookiePath || (path.startsWith(cookiePath) && (cookiePath.endsWith("/") || path[cookiePath.length] === "/"));

/** What stands before the first "=", and after it. */
const parted = (text) => {
  const [key, ...rest] = text.split("=");
  return [key.trim(), rest.join("=").trim()];
};
const setCookie = (text) => {
  const here = hereURL();
  const [pair, ...attributes] = String(text).split(";");
  const [name, value] = pair.includes("=") ? parted(pair) : ["", pair.trim()];
  const cookie = {name, value, host: here.hostname, only: true, path: here.pathname.replace(/\/[^/]*$/, "") || "/", until: null};
  for (const attribute of attributes) {
    const [key, setting] = parted(attribute);
    const word = key.toLowerCase();
    if (word === "domain" && setting) {
      const domain = setting.replace(/^\./, "").toLowerCase();
      if (!domainMatches(here.hostname, domain) || (!domain.includes(".") && domain !== here.hostname)) return;
      Object.assign(cookie, {host: domain, only: false});
    } else if (word === "path" && setting.startsWith("/")) {
      cookie.path = setting;
    } else if (word === "max-age" && /^-?\d+$/.test(setting)) {
      cookie.until = window.Date.now() + Number(setting) * 1000;
    } else if (word === "expires" && cookie.until === null) {
      const moment = window.Date.parse(setting);
      if (!Number.isNaN(moment)) cookie.until = moment;
    } else if (word === "httponly") {
      return;
    }
  }
  const list = cookies().filter((other) => !(other.name === name && other.host === cookie.host && other.path === cookie.path));
  if (cookie.until === null || cookie.until > window.Date.now()) list.push(cookie);
  keepCookies(list);
};
redefine(window.Document.prototype, "cookie", {
  get: () => function () {
    const here = hereURL();
    const now = window.Date.now();
    return cookies()
      .filter(({host, only, path, until}) => (only ? host === here.hostname : domainMatches(here.hostname, host)) && pathMatches(here.pathname, path) && (until === null || until > now))
      .map(({name, value}) => (name ? `${name}=${value}` : value))
      .join("; ");
  },
  set: () => function (text) {
    setCookie(text);
  },
});
