/* Which groups of settings stand open is remembered for the visit, so that saving does not close them; a link
   to one opens it. Inside Shopify's admin pages take each other's place, so a page that is shown begins anew. */
"use strict";

(() => {
  const KEY = "settings.open";

  const all = () => [...document.querySelectorAll("details.settings__group")];

  const begin = () => {
    const groups = all();
    const open = new Set(JSON.parse(sessionStorage.getItem(KEY) || "[]"));
    for (const group of groups) {
      group.open = group.open || open.has(group.id) || location.hash === `#${group.id}`;
      group.addEventListener("toggle", () => {
        sessionStorage.setItem(KEY, JSON.stringify(groups.filter((one) => one.open).map((one) => one.id)));
      });
    }
  };

  addEventListener("hashchange", () => {
    const wanted = all().find((one) => location.hash === `#${one.id}`);
    if (wanted) wanted.open = true;
  });
  document.addEventListener("page:shown", begin);
  begin();
})();
