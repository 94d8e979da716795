/* While history arrives, ask how far it is every two seconds; without this script the page shows the last answer. */
"use strict";

(() => {
  const PAUSE_MS = 2000;
  const bars = document.querySelectorAll("[data-backfill]");
  const numbers = new Intl.NumberFormat(document.documentElement.lang);

  const show = (row) => {
    const bar = document.querySelector(`[data-backfill="${row.store}:${row.resource}"]`);
    if (!bar) return;
    const meter = bar.querySelector("progress");
    if (row.percent === null) meter.removeAttribute("value");
    else meter.value = row.percent;
    bar.querySelector("[data-done]").textContent = numbers.format(row.done);
  };

  const later = () => setTimeout(() => ask().catch(later), PAUSE_MS);

  const ask = async () => {
    const answer = await fetch("/app/progress.json", { headers: { Accept: "application/json" } });
    if (answer.status === 401) return;
    const { backfills, finished } = await answer.json();
    backfills.forEach(show);
    if (finished) location.reload();
    else later();
  };

  const isRunning = [...bars].some((bar) => {
    const meter = bar.querySelector("progress");
    return !meter.hasAttribute("value") || meter.value < 100;
  });
  if (isRunning) later();
})();
