// A file that is too large is told of before it is sent: the server would cut it off in words of its own.
document.addEventListener("change", (event) => {
  const field = event.target;
  if (!field.matches("[data-most-bytes]")) return;
  const isTooLarge = [...field.files].some((file) => file.size > Number(field.dataset.mostBytes));
  field.setCustomValidity(isTooLarge ? field.dataset.tooLarge : "");
  field.reportValidity();
});
