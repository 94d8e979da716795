/* Inside Shopify's admin every request carries a session token: links and forms become fetches that ask
   App Bridge for one, and the answer takes the place of the page. Without this script each link still
   works, through the reload page. */
"use strict";

(() => {
  const isOurs = (url) => url.origin === location.origin && url.pathname.startsWith("/app/");

  const show = (html, address) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    document.title = page.title;
    document.documentElement.lang = page.documentElement.lang;
    document.body.replaceWith(page.body);
    if (address !== location.href) history.pushState(null, "", address);
    document.getElementById("main")?.focus({ preventScroll: true });
    scrollTo(0, 0);
  };

  const ask = async (address, options = {}) => {
    const headers = { Authorization: `Bearer ${await window.shopify.idToken()}` };
    return fetch(address, { ...options, headers });
  };

  const go = async (address, options) => {
    document.body.setAttribute("aria-busy", "true");
    try {
      const answer = await ask(address, options);
      show(await answer.text(), answer.url);
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
    const fields = new URLSearchParams(new FormData(form, event.submitter));
    const url = new URL(form.action);
    if (!isOurs(url)) return;
    event.preventDefault();
    if (form.method === "get") go(`${url.pathname}?${fields}`);
    else go(url.href, { method: "POST", body: fields });
  });

  addEventListener("popstate", () => go(location.href));
})();
