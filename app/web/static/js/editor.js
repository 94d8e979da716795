/* The editor shows while typing what the Preview button shows without this script; a variable that is
   clicked goes where the cursor was. Inside Shopify's admin pages take each other's place, so a page that
   is shown begins anew. */
"use strict";

(() => {
  const PAUSE_MS = 500;
  const LOOK_MS = 2500;
  const MOST_LOOKS = 12;
  let form = null;
  let frame = null;
  let isReady = false;
  let html = "";
  let last = null;
  let timer = 0;
  let round = 0;

  const all = (selector) => [...form.querySelectorAll(selector)];
  const one = (selector) => form.querySelector(selector);

  const proof = async () => (
    window.shopify?.idToken ? { Authorization: `Bearer ${await window.shopify.idToken()}` } : {}
  );

  const stage = () => {
    if (isReady) frame.contentWindow.postMessage(html, "*");
  };

  const tell = (name, locale, told, between = " ") => all(`[data-${name}]`).forEach((line) => {
    const [language, ...place] = line.dataset[name].split(".");
    if (language === locale) line.textContent = (told[place.join(".")] ?? []).join(between);
  });

  const mark = (locale, problems) => all(`[name^="${locale}."]`).forEach((entry) => {
    const isWrong = Boolean(problems[entry.name.slice(locale.length + 1)]);
    if (isWrong) entry.setAttribute("aria-invalid", "true");
    else entry.removeAttribute("aria-invalid");
  });

  const count = (locale, sms) => {
    const list = one(`[data-count="${locale}"]`);
    if (!list) return;
    list.replaceChildren(...(sms?.count ?? []).map((text) => Object.assign(document.createElement("li"), {
      textContent: text,
    })));
  };

  const show = (locale, view, seen) => {
    tell("problem", locale, seen.problems);
    tell("warning", locale, seen.warnings);
    tell("reading", locale, seen.readings, "\n");
    mark(locale, seen.problems);
    count(locale, seen.sms);
    one("[data-failed]").textContent = seen.failed ?? "";
    const isText = view === "text";
    one(".editor__frame").hidden = isText;
    one("[data-text]").hidden = !isText;
    if (!seen.html) return;
    one("[data-subject]").textContent = seen.subject;
    one("[data-size]").textContent = seen.size;
    one("[data-text]").textContent = seen.sms ? `${seen.text}\n\nSMS\n${seen.sms.text}` : seen.text;
    html = seen.html;
    stage();
  };

  const ask = async () => {
    const own = ++round;
    const typed = new FormData(form);
    const headers = { Accept: "application/json", ...await proof() };
    const body = new URLSearchParams(typed);
    const answer = await fetch(form.dataset.preview, { method: "POST", headers, body });
    if (own !== round || !answer.ok) return;
    show(typed.get("locale"), typed.get("view"), await answer.json());
  };

  const soon = (pause = PAUSE_MS) => {
    clearTimeout(timer);
    timer = setTimeout(() => ask().catch(() => {}), pause);
  };

  const insert = (text) => {
    const entry = last && form.contains(last) ? last : one('textarea[name$=".text"]');
    if (!entry) return;
    entry.focus();
    const start = entry.selectionStart;
    entry.setRangeText(text, start, entry.selectionEnd, "end");
    /* Between empty quotes words are wanted: that is where the cursor goes. */
    const quotes = text.indexOf('""');
    if (quotes >= 0) entry.setSelectionRange(start + quotes + 1, start + quotes + 1);
    entry.dispatchEvent(new Event("input", { bubbles: true }));
  };

  /* How a test that was asked for went, as the page says that is read again. */
  const look = async (own, left) => {
    if (own !== form || left === 0 || !one("[data-waiting]")) return;
    const answer = await fetch(form.action, { headers: await proof() });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const told = page.querySelector("[data-trials]");
    if (told && own === form) one("[data-trials]").replaceWith(told);
    later(own, left - 1);
  };

  const later = (own, left) => setTimeout(() => look(own, left).catch(() => {}), LOOK_MS);

  const isWords = (entry) => entry.matches("textarea, input:not([type])");

  /* The preview speaks the language that is written in. */
  const follow = (entry) => {
    const locale = entry.closest("[data-locale]")?.dataset.locale;
    const choice = locale && one(`[name="locale"][value="${locale}"]`);
    if (!choice || choice.checked) return;
    choice.checked = true;
    soon(0);
  };

  const click = (event) => {
    const variable = event.target.closest("[data-insert]");
    if (variable) insert(variable.dataset.insert);
    const button = event.target.closest("button[formtarget]");
    if (!button) return;
    event.preventDefault();
    soon(0);
  };

  const key = (event) => {
    if (event.key !== "Enter" || event.target.name !== "q") return;
    event.preventDefault();
    one("[data-find]").click();
  };

  addEventListener("message", (event) => {
    if (!frame || event.source !== frame.contentWindow) return;
    isReady = true;
    stage();
  });

  const begin = () => {
    const found = document.getElementById("editor");
    if (!found || found === form) return;
    [form, isReady, html, last] = [found, false, "", null];
    frame = one("iframe");
    frame.src = form.dataset.stage;
    one("[data-refresh]").hidden = true;
    form.addEventListener("input", () => soon());
    form.addEventListener("change", () => soon(0));
    form.addEventListener("click", click);
    form.addEventListener("keydown", key);
    form.addEventListener("focusin", (event) => {
      if (!isWords(event.target)) return;
      last = event.target;
      follow(event.target);
    });
    soon(0);
    later(form, MOST_LOOKS);
  };

  document.addEventListener("page:shown", begin);
  begin();
})();
