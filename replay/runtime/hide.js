// Names that rewritten scripts need are not there for pages that look around.

const isOurs = (key) => typeof key === "string" && key.startsWith("__muniment");
const shows = (target) => target === window || target === window.Object.prototype;
for (const [owner, name] of [[window.Object, "getOwnPropertyNames"], [window.Reflect, "ownKeys"]]) {
  override(owner, name, (before) => function (target) {
    const keys = apply(before, this, [target]);
    return shows(target) ? keys.filter((key) => !isOurs(key)) : keys;
  });
}
override(window.Object, "getOwnPropertyDescriptors", (before) => function (target) {
  const all = apply(before, this, [target]);
  if (shows(target)) for (const key of Reflect.ownKeys(all)) if (isOurs(key)) delete all[key];
  return all;
});
