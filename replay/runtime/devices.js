// What would ask the reader for something, or tell of them: archived pages hear what a reader who declines lets them hear.

redefine(window.Navigator.prototype, "onLine", {get: () => () => true});
for (const type of ["online", "offline"]) window.addEventListener(type, (event) => event.stopImmediatePropagation(), true);
for (const name of ["registerProtocolHandler", "unregisterProtocolHandler"]) override(window.Navigator.prototype, name, () => () => undefined);

const declined = (name = "NotAllowedError") => async () => {
  throw new DOMException("Not in an archived page.", name);
};
const answered = (value) => async () => value;
const {Navigator, MediaDevices, CredentialsContainer, Clipboard, StorageManager} = window;
for (const [owner, name, answer] of [
  [Navigator, "getInstalledRelatedApps", () => answered([])],
  [Navigator, "share", () => declined("AbortError")],
  [Navigator, "canShare", () => () => false],
  [Navigator, "requestMIDIAccess", () => declined()],
  [MediaDevices, "getUserMedia", () => declined()],
  [MediaDevices, "getDisplayMedia", () => declined()],
  [MediaDevices, "enumerateDevices", () => answered([])],
  [CredentialsContainer, "get", () => answered(null)],
  [CredentialsContainer, "create", () => declined()],
  [CredentialsContainer, "store", () => answered(undefined)],
  [Clipboard, "read", () => declined()],
  [Clipboard, "readText", () => declined()],
  [StorageManager, "persist", () => answered(false)],
]) {
  override(owner?.prototype, name, answer);
}
for (const name of ["getUserMedia", "webkitGetUserMedia"]) {
  override(window.Navigator.prototype, name, () => (wanted, ok, failed) => failed?.(new DOMException("Not in an archived page.", "NotAllowedError")));
}
for (const name of ["queryLocalFonts", "getScreenDetails"]) override(window, name, () => declined());
redefine(window.PermissionStatus?.prototype, "state", {get: () => () => "denied"});
if (window.Notification) {
  redefine(window.Notification, "permission", {get: () => () => "denied"});
  override(window.Notification, "requestPermission", () => (done) => {
    done?.("denied");
    return Promise.resolve("denied");
  });
}
const nowhere = (ok, failed) => {
  failed?.({code: 1, message: "User denied Geolocation", PERMISSION_DENIED: 1, POSITION_UNAVAILABLE: 2, TIMEOUT: 3});
};
override(window.Geolocation?.prototype, "getCurrentPosition", () => nowhere);
override(window.Geolocation?.prototype, "watchPosition", () => (ok, failed) => {
  nowhere(ok, failed);
  return 0;
});
// As in browsers that never had them.
for (const name of ["usb", "bluetooth", "hid", "serial", "xr", "contacts", "presentation", "storageBuckets"]) {
  if (name in window.Navigator.prototype) Reflect.deleteProperty(window.Navigator.prototype, name);
}
for (const name of ["PaymentRequest", "PresentationRequest", "IdleDetector"]) if (name in window) Reflect.deleteProperty(window, name);

// -- service workers ---------------------------------------------------------------------------------------------------

// A site's own would stand between the reader and the archive; the archive's own is none of the page's business.
const silence = () => new Promise(() => {});
const container = attempt(() => window.navigator.serviceWorker);
if (container) {
  for (const type of ["controllerchange", "message", "messageerror"]) {
    container.addEventListener(type, (event) => event.stopImmediatePropagation(), true);
  }
  const prototype = window.ServiceWorkerContainer.prototype;
  const register = uncurried(prototype.register);
  const controller = getterOf(prototype, "controller");
  override(prototype, "register", () => declined("SecurityError"));
  override(prototype, "getRegistration", () => answered(undefined));
  override(prototype, "getRegistrations", () => async () => []);
  redefine(prototype, "controller", {get: () => () => null});
  redefine(prototype, "ready", {get: () => () => silence()});
  // The net for what strays inside the archive: spread when everything else is done, and only once.
  const spread = () => register(container, `${config.reader}/-/net.js`, {scope: "/"}).catch(() => {});
  if (window.isSecureContext && window === window.top && !controller(container)) {
    window.addEventListener("load", () => (window.requestIdleCallback ?? native.setTimeout)(spread), {once: true});
  }
}
