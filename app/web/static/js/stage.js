/* The empty page in the editor's frame: it shows the mail that the page around it hands over. */
"use strict";

(() => {
  addEventListener("message", (event) => {
    if (event.source !== parent) return;
    const mail = new DOMParser().parseFromString(String(event.data), "text/html");
    const top = document.scrollingElement.scrollTop;
    document.documentElement.lang = mail.documentElement.lang;
    document.head.querySelectorAll("style").forEach((style) => style.remove());
    document.head.append(...mail.head.querySelectorAll("style"));
    document.body.replaceWith(mail.body);
    document.scrollingElement.scrollTop = top;
  });

  // A link in a preview leads nowhere.
  addEventListener("click", (event) => event.preventDefault(), true);
  addEventListener("submit", (event) => event.preventDefault(), true);
  parent.postMessage("ready", "*");
})();
