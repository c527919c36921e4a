// The runtime of workers: what tells them where they are, and what rewritten scripts ask. The rest they share with pages.

/** A worker made of text is where its text is, of the origin of its page. */
const ownURL = () => (realHref().startsWith("blob:") ? parsed(realHref()) : hereURL());
const ofPlaces = window.WorkerLocation.prototype;
for (const name of ["href", "origin", "protocol", "host", "hostname", "port", "pathname", "search", "hash"]) {
  redefine(ofPlaces, name, {get: () => () => (name === "origin" ? hereURL() : ownURL())[name]});
}
override(ofPlaces, "toString", () => () => ownURL().href);
redefine(window, "origin", {get: () => () => hereURL().origin});
override(window, "importScripts", (before) => (...urls) => apply(before, window, urls.map((url) => archived(url, "js"))));

return {
  of: (value) => value,
  location: (value) => value,
  place: (value) => value,
  assign: (value, set) => ({
    get value() {
      return value;
    },
    set value(next) {
      set(next);
    },
  }),
  it: undefined,
  key: Symbol(),
  top: (value) => value,
  script,
  eval: (value) => (value === window.eval ? indirectEval : value),
  module,
  meta,
};
