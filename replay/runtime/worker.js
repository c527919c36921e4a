// The runtime of workers: what tells them where they are, and what rewritten scripts ask. The rest they share with pages.

const location = Object.create(window.WorkerLocation.prototype);
/** A worker made of text is where its text is, of the origin of its page. */
const ownURL = () => (realLocation.protocol === "blob:" ? parsed(realLocation.href) : hereURL());
for (const name of ["href", "origin", "protocol", "host", "hostname", "port", "pathname", "search", "hash"]) {
  defineProperty(location, name, {enumerable: true, get: () => (name === "origin" ? hereURL() : ownURL())[name]});
}
defineProperty(location, "toString", {value: () => location.href});
for (const [name, value] of [["location", () => location], ["origin", () => hereURL().origin]]) {
  defineProperty(window, name, {configurable: true, enumerable: true, get: value});
}
override(window, "importScripts", (before) => (...urls) => apply(before, window, urls.map((url) => archived(url, "js"))));

defineProperty(window, "__muniment", {
  value: {
    view: location,
    of: (value) => value,
    location: (value) => (value === realLocation ? location : value),
    assign: (value, set) => ({
      get value() {
        return value;
      },
      set value(next) {
        set(next);
      },
    }),
    it: undefined,
    top: (value) => value,
    script,
    eval: (value) => (value === window.eval ? indirectEval : value),
    module,
    meta,
  },
});
defineProperty(window.Object.prototype, "__muniment_location", {
  configurable: true,
  get() {
    return this.location;
  },
  set(value) {
    this.location = value;
  },
});
