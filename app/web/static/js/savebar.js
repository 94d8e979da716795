/* The bar that saves shows while something is not saved; without this script it always shows. It keeps its place
   while it does not, so that nothing moves. Inside Shopify's admin pages take each other's place, so a page
   that is shown begins anew. */
"use strict";

(() => {
  const CALM = "bar--calm";

  const begin = () => {
    const bar = document.querySelector("[data-bar]");
    const form = bar?.closest("form");
    if (!form || bar.dataset.isWatched) return;
    bar.dataset.isWatched = "yes";
    const isKept = bar.dataset.bar !== "unsaved";
    const read = () => {
      const held = new FormData(form);
      // What only changes how the page looks, or looks somebody up.
      form.querySelectorAll("[data-aside]").forEach((one) => held.delete(one.name));
      return new URLSearchParams(held).toString();
    };
    const saved = read();

    const show = () => {
      const isCalm = isKept && read() === saved;
      bar.classList.toggle(CALM, isCalm);
      bar.querySelectorAll("[data-unsaved]").forEach((one) => { one.hidden = isCalm; });
    };

    form.addEventListener("input", show);
    // What a reset does is done after its event.
    form.addEventListener("reset", () => setTimeout(show));
    show();
  };

  document.addEventListener("page:shown", begin);
  begin();
})();
