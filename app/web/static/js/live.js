/* While history arrives, ask how far it is every two seconds; without this script the page shows the last
   answer. Inside Shopify's admin pages take each other's place, so a page that is shown begins anew. */
"use strict";

(() => {
  const PAUSE_MS = 2000;
  let round = 0;

  const show = (row) => {
    const bar = document.querySelector(`[data-backfill="${row.store}:${row.resource}"]`);
    const meter = bar?.querySelector("progress");
    if (!meter) return;
    if (row.percent === null) meter.removeAttribute("value");
    else meter.value = row.percent;
    bar.querySelector("[data-done]").textContent =
      new Intl.NumberFormat(document.documentElement.lang).format(row.done);
  };

  const isRunning = () => [...document.querySelectorAll("[data-backfill] progress")].some(
    (meter) => !meter.hasAttribute("value") || meter.value < 100,
  );

  const later = (own) => setTimeout(() => ask(own).catch(() => later(own)), PAUSE_MS);

  const ask = async (own) => {
    if (own !== round || !isRunning()) return;
    const headers = { Accept: "application/json" };
    if (window.shopify?.idToken) headers.Authorization = `Bearer ${await window.shopify.idToken()}`;
    const answer = await fetch("/app/progress.json", { headers });
    if (answer.status === 401 || own !== round) return;
    const { backfills, finished } = await answer.json();
    backfills.forEach(show);
    if (!finished) later(own);
    else if (document.dispatchEvent(new Event("page:stale", { cancelable: true }))) location.reload();
  };

  const begin = () => {
    round += 1;
    if (isRunning()) later(round);
  };

  document.addEventListener("page:shown", begin);
  begin();
})();
