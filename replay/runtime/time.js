// The clock starts at the moment of the capture, in UTC, and chance is the same every time: a page that makes addresses of
// the time, of chance, or of both makes the same ones whenever and wherever it is shown.

const RealDate = window.Date;
const digits = config.timestamp;
const captured = RealDate.UTC(
  +digits.slice(0, 4), +digits.slice(4, 6) - 1, +digits.slice(6, 8), +digits.slice(8, 10), +digits.slice(10, 12), +digits.slice(12, 14),
);
const realNow = RealDate.now;
const ahead = realNow() - captured;
const now = named(() => realNow() - ahead, realNow);

const date = RealDate.prototype;
const getTime = uncurried(date.getTime);
const {toISOString: iso, toUTCString: utc} = date;
/** A time that was written without a zone was meant to be local, which is UTC here. */
const HAS_ZONE = /(?:\b(?:UTC?|GMT|[ECMP][SD]T)\b|\dZ\s*$|:\d\d(?:[.,]\d+)?\s*(?:[ap]m\s*)?[+-]\d{1,2}:?(?:\d\d)?|^\s*[+-]?\d{4,6}(?:-\d\d(?:-\d\d)?)?\s*$)/i;
const local = Object.fromEntries(["FullYear", "Month", "Date", "Hours", "Minutes", "Seconds", "Milliseconds"].map((part) => [part, uncurried(date[`get${part}`])]));
const ofParts = (year, ...rest) => {
  const [month = 0, day = 1, ...time] = rest;
  return RealDate.UTC(year, month, day, ...time);
};
const {setUTCHours} = date;
const realParse = RealDate.parse;
const parse = named((text) => {
  const value = String(text);
  const moment = realParse(value);
  if (Number.isNaN(moment) || HAS_ZONE.test(value)) return moment;
  const read = new RealDate(moment);
  const shifted = new RealDate(0);
  apply(date.setUTCFullYear, shifted, [local.FullYear(read), local.Month(read), local.Date(read)]);
  return apply(setUTCHours, shifted, [local.Hours(read), local.Minutes(read), local.Seconds(read), local.Milliseconds(read)]);
}, realParse);
const moment = (values) => {
  if (!values.length) return now();
  if (values.length > 1) return ofParts(...values);
  const [value] = values;
  if (value instanceof RealDate) return getTime(value);
  const plain = typeof value === "object" && value !== null ? (value[Symbol.toPrimitive]?.("default") ?? value.valueOf()) : value;
  return typeof plain === "string" ? parse(plain) : typeof plain === "object" && plain !== null ? parse(String(plain)) : plain;
};
overrideClass("Date", (before) => ({
  construct: (target, values, made) => Reflect.construct(before, [moment(values)], made),
  apply: () => new window.Date().toString(),
}));
override(RealDate, "now", () => now);
override(RealDate, "parse", () => parse);

for (const part of ["FullYear", "Month", "Date", "Day", "Hours", "Minutes", "Seconds", "Milliseconds"]) {
  const [get, set] = [date[`getUTC${part}`], date[`setUTC${part}`]];
  override(date, `get${part}`, () => function () {
    return apply(get, this, []);
  });
  override(date, `set${part}`, () => function (...values) {
    return apply(set, this, values);
  });
}
override(date, "getTimezoneOffset", () => function () {
  return Number.isNaN(getTime(this)) ? NaN : 0;
});
override(date, "getYear", () => function () {
  return this.getFullYear() - 1900;
});
override(date, "setYear", () => function (year) {
  const whole = Math.trunc(Number(year));
  return this.setFullYear(whole >= 0 && whole <= 99 ? whole + 1900 : whole);
});
const dayOf = (self) => apply(utc, self, []).replace(/^(\w+), (\d+) (\w+) (-?\d+) .*$/, "$1 $3 $2 $4");
const timeOf = (self) => `${apply(utc, self, []).slice(-12, -4)} GMT+0000 (Coordinated Universal Time)`;
for (const [name, said] of [["toString", (self) => `${dayOf(self)} ${timeOf(self)}`], ["toDateString", dayOf], ["toTimeString", timeOf]]) {
  override(date, name, () => function () {
    return Number.isNaN(getTime(this)) ? "Invalid Date" : said(this);
  });
}
const inUTC = (options) => (options === undefined || options.timeZone === undefined ? {...options, timeZone: "UTC"} : options);
for (const name of ["toLocaleString", "toLocaleDateString", "toLocaleTimeString"]) {
  override(date, name, (before) => function (locales, options) {
    return apply(before, this, [locales, inUTC(options)]);
  });
}
const {Intl} = window;
const RealFormat = Intl.DateTimeFormat;
const Format = new Proxy(RealFormat, {
  construct: (target, [locales, options], made) => Reflect.construct(RealFormat, [locales, inUTC(options)], made),
  apply: (target, self, [locales, options]) => new RealFormat(locales, inUTC(options)),
});
disguised.set(Format, RealFormat);
defineProperty(Intl, "DateTimeFormat", {...getOwnPropertyDescriptor(Intl, "DateTimeFormat"), value: Format});
defineProperty(RealFormat.prototype, "constructor", {...getOwnPropertyDescriptor(RealFormat.prototype, "constructor"), value: Format});
redefine(RealFormat.prototype, "format", {
  get: (before) => function () {
    const format = apply(before, this, []);
    return named((value) => format(value === undefined ? now() : value), format);
  },
});
override(RealFormat.prototype, "formatToParts", (before) => function (value) {
  return apply(before, this, [value === undefined ? now() : value]);
});

// -- clocks that count from somewhere else -----------------------------------------------------------------------------

redefine(window.Performance.prototype, "timeOrigin", {
  get: (before) => function () {
    return apply(before, this, []) - ahead;
  },
});
if (window.PerformanceTiming) {
  override(window.PerformanceTiming.prototype, "toJSON", (before) => function () {
    return Object.fromEntries(Object.keys(apply(before, this, [])).map((name) => [name, this[name]]));
  });
  for (const name of Object.keys(window.PerformanceTiming.prototype)) {
    redefine(window.PerformanceTiming.prototype, name, {
      get: (before) => function () {
        const value = apply(before, this, []);
        return value && value - ahead;
      },
    });
  }
}
redefine(window.Document?.prototype, "lastModified", {
  get: () => function () {
    const [, year, month, day, time] = /^(\d+)-(\d+)-(\d+)T([\d:]+)/.exec(apply(iso, new RealDate(captured), []));
    return `${month}/${day}/${year} ${time}`;
  },
});
overrideClass("File", (before) => ({
  construct: (target, [parts, name, options], made) => Reflect.construct(before, [parts, name, {lastModified: now(), ...options}], made),
}));

// -- chance ------------------------------------------------------------------------------------------------------------

let seed = Number(digits.slice(2)) % 4294967296;
const random = () => {
  seed = (seed + 0x6d2b79f5) % 4294967296;
  let mixed = seed;
  mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return (mixed ^ (mixed >>> 14)) >>> 0;
};
override(window.Math, "random", () => () => random() / 4294967296);
// Names and sessions are made of these; there is nobody here whom they would protect from anybody.
override(window.Crypto?.prototype, "getRandomValues", (before) => function (values) {
  const filled = apply(before, this, [values]); // throws for what it cannot fill
  const bytes = new window.Uint8Array(filled.buffer, filled.byteOffset, filled.byteLength);
  for (let at = 0; at < bytes.length; at++) bytes[at] = random() >>> 24;
  return filled;
});
override(window.Crypto?.prototype, "randomUUID", () => function () {
  const hex = Array.from({length: 32}, () => (random() >>> 28).toString(16));
  hex[12] = "4";
  hex[16] = "89ab"[random() >>> 30];
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].map((part) => part.join("")).join("-");
});
