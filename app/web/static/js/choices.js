/* A long list of choices comes once its field is seen, and the browser keeps it; the choice that holds is there
   before. What did not come is asked for again when the field is seen the next time. Inside Shopify's admin pages
   take each other's place, so a page that is shown begins anew. */
"use strict";

(() => {
  const fill = async (field) => {
    const address = field.dataset.more;
    delete field.dataset.more;
    const answer = await fetch(address).catch(() => null);
    if (answer?.ok) field.insertAdjacentHTML("beforeend", await answer.text());
    else field.dataset.more = address;
  };

  const seen = new IntersectionObserver((fields) => {
    for (const { isIntersecting, target } of fields) {
      if (isIntersecting && target.dataset.more) fill(target);
    }
  });

  const begin = () => {
    seen.disconnect();
    document.querySelectorAll("[data-more]").forEach((field) => seen.observe(field));
  };

  document.addEventListener("page:shown", begin);
  begin();
})();
