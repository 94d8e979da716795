/* While a dry run is under way, ask how far it is every two seconds; without this script the page shows the
   last answer. Inside Shopify's admin pages take each other's place, so a page that is shown begins anew. */
"use strict";

(() => {
  const PAUSE_MS = 2000;
  let round = 0;

  const place = () => document.querySelector("[data-rehearsal]");

  const show = ({ done, total }) => {
    if (!total) return;
    const figure = new Intl.NumberFormat(document.documentElement.lang);
    const meter = place().querySelector("progress");
    meter.max = total;
    meter.value = done;
    place().querySelector("[data-done]").textContent = `${figure.format(done)} / ${figure.format(total)}`;
  };

  const later = (own) => setTimeout(() => ask(own).catch(() => later(own)), PAUSE_MS);

  const ask = async (own) => {
    if (own !== round || !place()) return;
    const headers = { Accept: "application/json" };
    if (window.shopify?.idToken) headers.Authorization = `Bearer ${await window.shopify.idToken()}`;
    const answer = await fetch(place().dataset.rehearsal, { headers });
    if (answer.status === 401 || own !== round) return;
    const rehearsal = await answer.json();
    show(rehearsal);
    if (!rehearsal.finished) later(own);
    else if (document.dispatchEvent(new Event("page:stale", { cancelable: true }))) location.reload();
  };

  const begin = () => {
    round += 1;
    if (place()) later(round);
  };

  document.addEventListener("page:shown", begin);
  begin();
})();
