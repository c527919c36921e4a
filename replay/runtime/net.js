// A service worker of the reader's own: requests that an archived page makes of this server by mistake, such as "/style.css"
// in a way that no rewriting caught, are led to the place in the archive that they were meant for. It knows the page from the
// browser, so that pages which hide where they come from are helped too. It keeps nothing and answers nothing itself.
// OF_DESTINATION and ADDRESS come from the server, which does the same for those who send a Referer.

self.addEventListener("install", (event) => {
  // What is an address of the archive goes past this worker, which then need not even run. (Routes take no regular expressions.)
  const past = ["/-/*", "/:collection/:moment/http\\://*", "/:collection/:moment/https\\://*"];
  event.addRoutes?.(past.map((pathname) => ({condition: {urlPattern: {pathname}}, source: "network"}))).catch(() => {});
  self.skipWaiting();
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

/** Where a request was meant to go; null when it is where it belongs. */
const meant = async ({request, clientId}) => {
  const client = await self.clients.get(clientId);
  const page = client && new URL(client.url);
  const found = page && ADDRESS.exec(page.pathname + page.search);
  if (!found) return null;
  const [, collection, timestamp, archivedURL] = found;
  const stray = new URL(request.url);
  const mark = OF_DESTINATION[request.destination || "empty"];
  return `/${collection}/${timestamp}${mark ? `${mark}_` : ""}/${new URL(stray.pathname + stray.search, archivedURL).href}`;
};

self.addEventListener("fetch", (event) => {
  const {request, clientId} = event;
  const target = new URL(request.url);
  if (request.mode === "navigate" || !clientId || target.origin !== self.location.origin) return;
  if (target.pathname.startsWith("/-/") || ADDRESS.test(target.pathname)) return;
  event.respondWith(
    meant(event).then((place) => (place === null ? fetch(request) : Response.redirect(place, 307)), () => fetch(request)),
  );
});
