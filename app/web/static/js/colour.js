/* A well to pick a colour from beside the field where it is typed, with the button that mails will have; without
   this script the field stands alone, and its button shows what is kept. Inside Shopify's admin pages take each
   other's place, so a page that is shown begins anew.

   What can be read on what is decided by app/messaging/colours.py; this tells the same while typing. */
"use strict";

(() => {
  const HEX = /^#?([0-9a-f]{6}|[0-9a-f]{3})$/i;
  const [INK, WHITE, BLACK] = ["#26221e", "#ffffff", "#000000"];
  const [READABLE, APART] = [4.5, 1.25];

  const whole = (typed) => {
    const digits = HEX.exec(typed.trim())?.[1].toLowerCase() ?? "";
    return digits && `#${digits.length === 6 ? digits : digits.replace(/./g, "$&$&")}`;
  };

  /* Source: WCAG 2.2, relative luminance and contrast ratio. */
  const light = (colour) => {
    const [red, green, blue] = [1, 3, 5].map((at) => {
      const part = parseInt(colour.slice(at, at + 2), 16) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };

  const contrast = (one, other) => {
    const [darker, lighter] = [light(one), light(other)].sort((a, b) => a - b);
    return (lighter + 0.05) / (darker + 0.05);
  };

  const paint = (colour) => {
    if (!colour || contrast(colour, WHITE) < APART) return [INK, WHITE, colour && "unseen"];
    return contrast(colour, WHITE) >= READABLE ? [colour, WHITE, "white"] : [colour, BLACK, "black"];
  };

  const follow = (field) => {
    const [typed, well] = field.querySelectorAll("input");
    const told = field.querySelector("[data-told]");
    const figure = new Intl.NumberFormat(document.documentElement.lang, {
      minimumFractionDigits: 1, maximumFractionDigits: 1,
    });

    const show = () => {
      const colour = whole(typed.value);
      const [button, ink, words] = paint(colour);
      if (colour) well.value = colour;
      field.querySelector("rect").setAttribute("fill", button);
      field.querySelector("text").setAttribute("fill", ink);
      told.textContent = words ? field.dataset[words].replace("{ratio}", figure.format(contrast(button, ink))) : "";
    };

    well.hidden = false;
    well.addEventListener("input", () => {
      typed.value = well.value;
      typed.dispatchEvent(new Event("input", { bubbles: true }));
    });
    typed.addEventListener("input", show);
    // What a reset does is done after its event.
    field.closest("form").addEventListener("reset", () => setTimeout(show));
    show();
  };

  const begin = () => document.querySelectorAll("[data-colour]").forEach((field) => {
    if (field.dataset.isFollowed) return;
    field.dataset.isFollowed = "yes";
    follow(field);
  });

  document.addEventListener("page:shown", begin);
  begin();
})();
