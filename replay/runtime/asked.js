// What rewritten scripts ask: whose location, top or message port a name stands for, and who calls.

const windowItself = getterOf(window, "window");
const isWindow = (value) => {
  try {
    return getPrototypeOf(value) === null ? value.window === value : windowItself(value) === value; // null: of another origin
  } catch {
    return false;
  }
};
const isDocument = (value) => {
  try {
    native.defaultView(value);
    return true;
  } catch {
    return false;
  }
};

// -- messages ----------------------------------------------------------------------------------------------------------

// Made in the window's own realm, so that the message comes from there whoever gave it the runtime.
const post = new window.Function("post", "target", "message", "moved", "post.call(target, message, '*', moved)");
const nativePost = window.postMessage;
const send = (target, message, where, transfer) => {
  let wanted = where;
  let moved = transfer;
  if (typeof where === "object" && where !== null && !Array.isArray(where)) {
    wanted = where.targetOrigin;
    moved = where.transfer;
  }
  wanted = wanted === undefined ? "/" : String(wanted);
  if (wanted !== "*") {
    const origin = wanted === "/" ? hereURL().origin : parsed(wanted)?.origin;
    if (origin === undefined) throw new DOMException(`Invalid target origin '${wanted}'.`, "SyntaxError");
    const there = target === window ? hereURL().origin : runtimeOf(target)?.origin;
    if (there !== undefined && origin !== there && origin !== config.reader) return undefined; // as browsers do: not for them
  }
  return post(runtimeOf(target)?.nativePost ?? target.postMessage, target, message, moved ?? []);
};
override(window, "postMessage", () => function postMessage(message, where, transfer) {
  return send(this ?? window, message, where, transfer);
});
const ownPost = window.postMessage;

// -- places ------------------------------------------------------------------------------------------------------------

/** The location of a window that no runtime runs in: a picture, or what a sandbox keeps apart. */
const strangers = new WeakMap();
const strange = (other) => {
  let view = strangers.get(other);
  if (view) return view;
  const lead = (url) => {
    other.location = archived(url, other.parent === other ? "" : "if");
  };
  view = {
    get href() {
      return originalOf(other.location.href);
    },
    set href(url) {
      lead(url);
    },
    assign: lead,
    replace: (url) => other.location.replace(archived(url, other.parent === other ? "" : "if")),
    reload: () => other.location.reload(),
    toString: () => view.href,
  };
  for (const part of ["origin", "hash", ...LOCATION_PARTS]) defineProperty(view, part, {enumerable: true, get: () => parsed(view.href)[part]});
  strangers.set(other, view);
  return view;
};
const placeOf = (other) => (other === window ? location : (runtimeOf(begin(other))?.view ?? strange(other)));

/** The archived location of any window or document; undefined for everything else. */
const locationOf = (value) => {
  if (value === window || value === window.document) return location;
  if (value === null || typeof value !== "object") return undefined;
  if (isWindow(value)) return placeOf(value);
  if (!isDocument(value)) return undefined;
  const view = native.defaultView(value);
  return view && placeOf(view);
};

/** The window whose location this is, among one and those inside it. */
const ownerOf = (place, other) => {
  if (other.location === place) return other;
  for (let index = 0; index < other.length; index++) {
    const found = ownerOf(place, other[index]);
    if (found) return found;
  }
  return null;
};
/** What was taken out of an object under the name of `location`: that of any window is the archived one. */
const placeAt = (value) => {
  if (value === realLocation) return location;
  if (value === null || typeof value !== "object") return value;
  for (const outermost of [nativeTop, window.opener && attempt(() => window.opener.top)]) {
    const owner = outermost && attempt(() => ownerOf(value, outermost));
    if (owner) return placeOf(owner);
  }
  return value;
};

// -- whom a property is asked of ---------------------------------------------------------------------------------------

const holders = new WeakMap(); // window or document → what answers in its place
const others = new WeakSet(); // what is neither
/** Stands in for a window or a document where one of these properties is named; everything else stands for itself. */
const of = (value) => {
  if (value === null || typeof value !== "object" || others.has(value)) return value;
  let holder = holders.get(value);
  if (holder) return holder;
  const isOurs = isWindow(value);
  if (!isOurs && !isDocument(value)) {
    others.add(value);
    return value;
  }
  holder = {
    get location() {
      return locationOf(value);
    },
    set location(url) {
      const place = locationOf(value);
      if (place) place.href = value === window || value === window.document ? url : (parsed(String(url), baseOf())?.href ?? url);
    },
  };
  if (isOurs) addWindow(holder, value);
  holders.set(value, holder);
  return holder;
};
const addWindow = (holder, target) => {
  const sends = named((...values) => send(target, ...values), nativePost);
  defineProperty(holder, "top", {get: archivedTop});
  defineProperty(holder, "postMessage", {
    get: () => {
      const theirs = runtimeOf(target)?.ownPost;
      return theirs === undefined || target.postMessage === theirs ? sends : target.postMessage.bind(target);
    },
    set: (value) => {
      target.postMessage = value;
    },
  });
};

const isLocation = (value) => value === realLocation;
const runtime = {
  view: location,
  get origin() {
    return hereURL().origin;
  },
  of,
  location: (value) => (isLocation(value) ? location : value),
  place: placeAt,
  assign: (value, set) => ({
    get value() {
      return isLocation(value) ? location : value;
    },
    set value(next) {
      if (isLocation(value)) go(next);
      else set(next);
    },
  }),
  it: undefined, // what is taken apart; nothing has the property below
  top: (value) => (value === window.top ? archivedTop() : value),
  script,
  eval: (value) => (value === window.eval ? indirectEval : value),
  module,
  meta,
  key: Symbol(),
  disguised,
  nativePost,
  ownPost,
  listen: () => listen(),
  take: (sent) => sent.forEach(setCookie),
  adopt: (next) => {
    Object.assign(config, next);
    answerWith(runtime);
    watch(window.document);
    listen();
  },
  banner: {storage: native.localStorage},
};
answerWith(runtime);
declare(runtime);
