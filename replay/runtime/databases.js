// Databases, caches, channels and locks of the archived site, apart from those of all other sites and collections.

const siteOf = () => `${config.prefix}${hereURL().origin}`;
const marker = () => `muniment:${siteOf()}:`;
for (const name of ["open", "deleteDatabase"]) {
  override(window.IDBFactory.prototype, name, (before) => function (database, ...rest) {
    return apply(before, this, [marker() + database, ...rest]);
  });
}
override(window.IDBFactory.prototype, "databases", (before) => async function () {
  const mark = marker();
  const all = await apply(before, this, []);
  return all.filter(({name}) => name.startsWith(mark)).map((entry) => ({...entry, name: entry.name.slice(mark.length)}));
});
redefine(window.IDBDatabase.prototype, "name", {
  get: (before) => function () {
    const name = apply(before, this, []);
    return name.startsWith(marker()) ? name.slice(marker().length) : name;
  },
});
for (const name of ["open", "has", "delete"]) {
  override(window.CacheStorage?.prototype, name, (before) => function (cache) {
    return apply(before, this, [marker() + cache]);
  });
}
override(window.CacheStorage?.prototype, "keys", (before) => async function () {
  const mark = marker();
  return (await apply(before, this, [])).filter((name) => name.startsWith(mark)).map((name) => name.slice(mark.length));
});
overrideClass("BroadcastChannel", (before) => ({
  construct: (target, [name], made) => Reflect.construct(before, [marker() + name], made),
}));
redefine(window.BroadcastChannel?.prototype, "name", {
  get: (before) => function () {
    const name = apply(before, this, []);
    return name.startsWith(marker()) ? name.slice(marker().length) : name;
  },
});
redefine(window.MessageEvent.prototype, "origin", {
  get: (before) => function () {
    const origin = apply(before, this, []);
    if (origin !== config.reader) return origin;
    return runtimeOf(this.source)?.origin ?? hereURL().origin;
  },
});
for (const name of ["add", "match", "matchAll", "put", "delete", "keys"]) {
  override(window.Cache?.prototype, name, (before) => function (asked, ...rest) {
    return apply(before, this, asked === undefined ? [] : [requested(asked), ...rest]);
  });
}
override(window.Cache?.prototype, "addAll", (before) => function (all) {
  return apply(before, this, [Array.from(all, requested)]);
});
override(window.CacheStorage?.prototype, "match", (before) => function (asked, options) {
  const chosen = options?.cacheName === undefined ? options : {...options, cacheName: marker() + options.cacheName};
  return apply(before, this, [requested(asked), chosen]);
});
override(window.LockManager?.prototype, "request", (before) => function (name, ...rest) {
  return apply(before, this, [marker() + name, ...rest]);
});
redefine(window.Lock?.prototype, "name", {
  get: (before) => function () {
    const name = apply(before, this, []);
    return name.startsWith(marker()) ? name.slice(marker().length) : name;
  },
});
override(window.LockManager?.prototype, "query", (before) => async function () {
  const mark = marker();
  const ours = (list) => list.filter(({name}) => name.startsWith(mark)).map((lock) => ({...lock, name: lock.name.slice(mark.length)}));
  const {held, pending} = await apply(before, this, []);
  return {held: ours(held), pending: ours(pending)};
});
override(window.StorageManager?.prototype, "getDirectory", (before) => async function () {
  const root = await apply(before, this, []);
  return root.getDirectoryHandle(encodeURIComponent(marker()), {create: true});
});
if ("cookieStore" in window) Reflect.deleteProperty(window, "cookieStore");
