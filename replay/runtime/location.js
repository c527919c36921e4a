// The archived location: what a page reads is the archived address, where it goes stays in the archive.

const LOCATION_PARTS = ["protocol", "host", "hostname", "port", "pathname", "search"];

const go = (value, how = "assign") => {
  const text = String(value);
  if (SCRIPT_URL.test(text)) {
    realLocation.href = scriptAddress(text);
  } else if (text.startsWith("#")) {
    realLocation.hash = text;
  } else {
    const address = archived(text, pageModifier());
    if (parsed(address, native.baseURI(window.document))) realLocation[how](address);
    else throw new DOMException(`'${text}' is not a valid URL.`, "SyntaxError");
  }
};

const scriptAddress = (text) => {
  const body = text.replace(SCRIPT_URL, "");
  let source = body;
  try {
    source = decodeURIComponent(body);
  } catch {}
  const changed = script(source);
  return changed === source ? text : `javascript:${encodeURIComponent(changed)}`;
};

const ownURL = () => {
  const own = parsed(originalOf(realLocation.href));
  return own.protocol === "about:" || own.protocol === "blob:" ? own : hereURL();
};

const location = Object.create(window.Location.prototype);
const accessor = (name, get, set) => {
  const real = getOwnPropertyDescriptor(realLocation, name);
  if (real) defineProperty(location, name, {...real, get: named(get, real.get), set: set && named(set, real.set)});
};
accessor("href", () => originalOf(realLocation.href), (value) => go(value));
accessor("origin", () => (realLocation.protocol === "blob:" ? hereURL() : ownURL()).origin, undefined);
accessor("hash", () => realLocation.hash, (value) => {
  realLocation.hash = value;
});
/** Origins of the windows around this one, as far as they belong to the archived site, the nearest first. */
const ancestors = () => {
  const origins = [];
  for (let here = window; here !== here.parent; here = here.parent) {
    const around = runtimeOf(here.parent);
    if (!around) break;
    origins.push(around.origin);
  }
  return Object.assign(origins, {item: (index) => origins[index] ?? null, contains: (origin) => origins.includes(origin)});
};
accessor("ancestorOrigins", ancestors, undefined);
for (const part of LOCATION_PARTS) {
  accessor(part, () => ownURL()[part], (value) => {
    const next = hereURL();
    next[part] = value;
    go(next.href);
  });
}
for (const [name, method] of [
  ["assign", (value) => go(value)],
  ["replace", (value) => go(value, "replace")],
  ["reload", () => realLocation.reload()],
  ["toString", () => originalOf(realLocation.href)],
]) {
  const real = getOwnPropertyDescriptor(realLocation, name);
  defineProperty(location, name, {...real, value: named(method, real.value)});
}
for (const key of ["valueOf", Symbol.toPrimitive]) defineProperty(location, key, getOwnPropertyDescriptor(realLocation, key));

// -- what tells a document where it is ---------------------------------------------------------------------------------

const documentHere = (get) => function () {
  return originalOf(apply(get, this, []));
};
redefine(window.Document.prototype, "URL", {get: documentHere});
redefine(window.Document.prototype, "documentURI", {get: documentHere});
redefine(window.Document.prototype, "referrer", {get: documentHere});
redefine(window.Node.prototype, "baseURI", {get: documentHere});
redefine(window.Document.prototype, "domain", {
  get: () => function () {
    return hereURL().hostname;
  },
  set: () => function () {},
});
const originHere = {get: () => () => hereURL().origin};
redefine(window, "origin", originHere);

// -- history -----------------------------------------------------------------------------------------------------------

for (const name of ["pushState", "replaceState"]) {
  override(window.History.prototype, name, (before) => function (state, title, url) {
    if (url === undefined || url === null) return apply(before, this, [state, title]);
    const target = parsed(String(url), baseOf());
    if (!target || target.origin !== hereURL().origin) {
      throw new DOMException(`A history state object with URL '${url}' cannot be created.`, "SecurityError");
    }
    return apply(before, this, [state, title, archived(target.href, pageModifier())]);
  });
}

// The Navigation API tells and takes the same addresses. Where a navigation goes is known to the nets by the real one.
const destinationURL = window.NavigationDestination && getterOf(window.NavigationDestination.prototype, "url");
for (const name of ["NavigationHistoryEntry", "NavigationDestination"]) {
  redefine(window[name]?.prototype, "url", {
    get: (before) => function () {
      const url = apply(before, this, []);
      return url === null ? null : originalOf(url);
    },
  });
}
override(window.Navigation?.prototype, "navigate", (before) => function (url, ...rest) {
  return apply(before, this, [archived(url, pageModifier()), ...rest]);
});
redefine(window.NavigateEvent?.prototype, "canIntercept", {
  get: (before) => function () {
    return apply(before, this, []) && parsed(this.destination.url)?.origin === hereURL().origin;
  },
});

// What was loaded, by its own names.
const entryName = window.PerformanceEntry && getterOf(window.PerformanceEntry.prototype, "name");
redefine(window.PerformanceEntry?.prototype, "name", {get: () => function () {
  return originalOf(entryName(this));
}});
for (const name of ["PerformanceEntry", "PerformanceResourceTiming", "PerformanceNavigationTiming"]) {
  override(window[name]?.prototype, "toJSON", (before) => function () {
    return {...apply(before, this, []), name: this.name};
  });
}
for (const owner of [window.Performance, window.PerformanceObserverEntryList]) {
  override(owner?.prototype, "getEntriesByName", () => function (name, type) {
    return this.getEntries().filter((entry) => entry.name === String(name) && (type === undefined || entry.entryType === type));
  });
}
