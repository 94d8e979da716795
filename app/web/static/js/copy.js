/* Buttons that copy what stands beside them; without this script, or where the browser does not let pages copy,
   there are none. Inside Shopify's admin pages take each other's place, so the document listens. */
"use strict";

(() => {
  if (!navigator.clipboard) return;
  const SHOWN_MS = 2000;

  const reveal = () => document.querySelectorAll("[data-copy]").forEach((button) => { button.hidden = false; });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-copy]");
    if (!button) return;
    const words = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      // A frame that may not copy: what stands beside is marked, for the reader's own hands.
      getSelection().selectAllChildren(button.parentElement.querySelector("code"));
      return;
    }
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = words; }, SHOWN_MS);
  });

  reveal();
  document.addEventListener("page:shown", reveal);
})();
