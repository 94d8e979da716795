// Which groups of settings stand open is remembered for the visit, so that saving does not close them.
"use strict";

const KEY = "settings.open";
const groups = [...document.querySelectorAll("details.settings__group")];
const open = new Set(JSON.parse(sessionStorage.getItem(KEY) || "[]"));

for (const group of groups) {
  group.open = group.open || open.has(group.id);
  group.addEventListener("toggle", () => {
    sessionStorage.setItem(KEY, JSON.stringify(groups.filter((one) => one.open).map((one) => one.id)));
  });
}
