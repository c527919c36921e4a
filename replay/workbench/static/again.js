// Keeps a page about work that goes on up to date, in its place: nobody loses what they read, or where the focus is.
// Without this script the page loads itself again.
"use strict";
(() => {
  const script = document.currentScript;
  const main = document.getElementById("main");
  const plain = (part) => part.outerHTML.replace(/<input type="hidden"[^>]*>/g, ""); // tokens of forms are always new

  const show = (fresh) => {
    const mine = [...main.children];
    const theirs = [...fresh.children];
    if (mine.length !== theirs.length || mine.some((part, at) => part.tagName !== theirs[at].tagName)) {
      if (main.contains(document.activeElement)) return; // somebody is on something; it waits
      main.replaceChildren(...theirs);
      return;
    }
    mine.forEach((part, at) => {
      if (plain(part) === plain(theirs[at]) || part.contains(document.activeElement)) return;
      for (const { name, value } of theirs[at].attributes) part.setAttribute(name, value);
      part.innerHTML = theirs[at].innerHTML; // the part itself stays, so that a status is read out
    });
  };

  const look = async () => {
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      if (!answer.ok) throw new Error(String(answer.status));
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!page.querySelector("script[data-again]")) return location.reload(); // it is over
      show(page.getElementById("main"));
    } catch {
      // such as a server that begins anew: it is asked again
    }
    setTimeout(look, script.dataset.again * 1000);
  };
  setTimeout(look, script.dataset.again * 1000);
})();
