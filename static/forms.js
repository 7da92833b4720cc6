// The keys of a form's search fields. Without this file their Search button does the same.
(() => {
  "use strict";

  document.addEventListener("keydown", (event) => {
    const list = document.getElementById(event.target.dataset.formSearch);
    if (!list || event.isComposing || !["Enter", "ArrowDown"].includes(event.key)) return;
    event.preventDefault(); // Enter in a search must not send the answer
    const options = [...list.querySelectorAll("input")];
    (options.find((option) => !option.checked) || options[0] || event.target).focus();
  });
})();
