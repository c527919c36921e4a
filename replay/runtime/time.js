// The clock starts at the moment of the capture, and chance is the same every time. Last of all parts: what needs the clock follows it.

const RealDate = window.Date;
const digits = config.timestamp;
const captured = RealDate.UTC(
  +digits.slice(0, 4), +digits.slice(4, 6) - 1, +digits.slice(6, 8), +digits.slice(8, 10), +digits.slice(10, 12), +digits.slice(12, 14),
);
const realNow = RealDate.now;
const ahead = realNow() - captured;
const now = named(() => realNow() - ahead, realNow);
overrideClass("Date", (before) => ({
  construct: (target, values, made) => Reflect.construct(before, values.length ? values : [now()], made),
  apply: () => new before(now()).toString(),
  get: (target, key, receiver) => (key === "now" ? now : Reflect.get(target, key, receiver)),
}));
redefine(window.Performance.prototype, "timeOrigin", {
  get: (before) => function () {
    return apply(before, this, []) - ahead;
  },
});

let seed = Number(digits.slice(2)) % 4294967296;
override(window.Math, "random", () => () => {
  seed = (seed + 0x6d2b79f5) % 4294967296;
  let mixed = seed;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
});

takeCookies();
