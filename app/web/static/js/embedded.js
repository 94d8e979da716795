/* Inside Shopify's admin every request carries a session token: links and forms become fetches that ask
   App Bridge for one, and the answer takes the place of the page. Without this script each link still
   works, through the reload page. */
"use strict";

(() => {
  const isOurs = (url) => url.origin === location.origin && url.pathname.startsWith("/app/");

  const bring = (kind, values) => new Promise((done) => {
    const own = Object.assign(document.createElement(kind), values);
    own.onload = own.onerror = done;
    document.head.append(own);
  });

  const lacked = (page, selector, name) => [...page.head.querySelectorAll(selector)]
    .map((one) => one.getAttribute(name))
    .filter((address) => !document.head.querySelector(`[${name}="${address}"]`));

  /* What a screen has of its own: the styles that the one before did not bring. */
  const dress = (page) => Promise.all(
    lacked(page, 'link[rel="stylesheet"]', "href").map((href) => bring("link", { rel: "stylesheet", href })),
  );

  /* Its scripts come once and begin by themselves; those that are here already are told. */
  const enliven = async (page) => {
    await Promise.all(lacked(page, "script[src]", "src").map((src) => bring("script", { src })));
    document.dispatchEvent(new Event("page:shown"));
  };

  const show = async (html, address) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    await dress(page);
    document.title = page.title;
    document.documentElement.lang = page.documentElement.lang;
    document.body.replaceWith(page.body);
    if (address !== location.href) history.pushState(null, "", address);
    document.getElementById("main")?.focus({ preventScroll: true });
    scrollTo(0, 0);
    await enliven(page);
  };

  const ask = async (address, options = {}) => {
    const headers = { Authorization: `Bearer ${await window.shopify.idToken()}` };
    const answer = await fetch(address, { ...options, headers });
    if (answer.status === 401) throw new Error("the token was refused");
    return answer;
  };

  const save = async (answer, [, name]) => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(await answer.blob());
    link.download = name;
    link.click();
    URL.revokeObjectURL(link.href);
  };

  /* Where no answer comes, the browser's own loading says so; after a form it shows what is true now. */
  const go = async (address, options) => {
    document.body.setAttribute("aria-busy", "true");
    try {
      const answer = await ask(address, options);
      const file = /^attachment; filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition") ?? "");
      if (file) await save(answer, file);
      else await show(await answer.text(), answer.url);
    } catch {
      location.assign(options ? location.href : address);
    } finally {
      document.body.removeAttribute("aria-busy");
    }
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey;
    if (!link || !isPlain || link.target || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (!isOurs(url) || (url.hash && url.pathname === location.pathname)) return;
    event.preventDefault();
    go(url.href);
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const typed = new FormData(form, event.submitter);
    const fields = form.enctype === "multipart/form-data" ? typed : new URLSearchParams(typed);
    const url = new URL(form.action);
    if (!isOurs(url)) return;
    event.preventDefault();
    if (form.method === "get") go(`${url.pathname}?${fields}`);
    else go(url.href, { method: "POST", body: fields });
  });

  document.addEventListener("page:stale", (event) => {
    event.preventDefault();
    go(location.href);
  });

  addEventListener("popstate", () => go(location.href));
})();
