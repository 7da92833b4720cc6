// Manners for a form: its keys, and nothing typed is lost to a slow answer or to a tab that is
// closed. Without this file the Search and Submit buttons do what the keys do.
(() => {
  "use strict";

  document.addEventListener("keydown", (event) => {
    const list = document.getElementById(event.target.dataset.formSearch);
    if (!list || event.isComposing || !["Enter", "ArrowDown"].includes(event.key)) return;
    event.preventDefault(); // Enter in a search must not send the answer
    const options = [...list.querySelectorAll("input")];
    (options.find((option) => !option.checked) || options[0] || event.target).focus();
  });

  // Enter in a one-line field goes on to the next, for a decision is not sent by accident.
  const LINES = "input:not([type=hidden], [type=file], [type=submit], [type=button], [type=reset])";

  function nextOf(field) {
    const fields = [...field.form.elements].filter((other) =>
      other === field || (other.matches(`${LINES}, select, textarea, [type=file], [data-once]`) && !other.disabled && other.checkVisibility() && other.tabIndex >= 0));
    const isSameGroup = (other) => field.type === "radio" && other.type === "radio" && other.name === field.name;
    const next = fields.slice(fields.indexOf(field) + 1).find((other) => !isSameGroup(other));
    return next && next.type === "radio" ? fields.find((other) => other.name === next.name && other.checked) || next : next;
  }

  document.addEventListener("keydown", (event) => {
    const form = event.target.form || event.target.closest("form");
    if (event.key !== "Enter" || event.isComposing || event.defaultPrevented || !form) return;
    if (!form.matches("#answer, #reject, .comment-form")) return;
    if (event.ctrlKey || event.metaKey) {
      event.preventDefault();
      form.requestSubmit();
    } else if (event.target.matches(LINES)) {
      event.preventDefault();
      const next = nextOf(event.target);
      if (next) next.focus();
    }
  });

  // What is typed while the answer to a button is on its way is put into the fields it brings.
  const late = new Map();

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target.id === "answer-fields") late.clear();
  });

  document.addEventListener("input", (event) => {
    if (event.target.closest("#answer-fields")) late.set(event.target.id, event.target);
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.target.id !== "answer-fields") return;
    for (const [id, old] of late) {
      const field = document.getElementById(id);
      if (!field || field === old || field.type !== old.type || field.type === "file") continue;
      if (/^(radio|checkbox)$/.test(field.type)) field.checked = old.checked;
      else field.value = old.value;
      field.focus();
      if (/^(text|textarea|search|password)$/.test(field.type)) field.setSelectionRange(old.selectionStart, old.selectionEnd);
    }
    late.clear();
  });

  // A draft is saved a second after the last key. Whoever leaves before has it saved on the way out.
  let isUnsaved = false;

  document.addEventListener("input", (event) => {
    if (event.target.closest("#answer")) isUnsaved = true;
  });

  document.addEventListener("submit", (event) => {
    if (["answer", "reject"].includes(event.target.id)) isUnsaved = false; // the form itself is on its way
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.target.id === "draft") isUnsaved = false;
  });

  // After a login in another tab the page's own token is old: what it sends by itself has the new one.
  // An answer has not, since somebody else may have logged in; a draft says whose page it is from.
  function useNewToken(fields) {
    const name = document.documentElement.dataset.root === "/" ? "csrftoken" : "approvals_csrftoken";
    const token = document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]+)`))?.[1];
    if (token && fields.has("csrfmiddlewaretoken")) fields.set("csrfmiddlewaretoken", token);
  }

  document.addEventListener("htmx:configRequest", (event) => {
    const { elt, formData } = event.detail;
    if (elt.id === "draft" || elt.hasAttribute("data-polls")) useNewToken(formData);
  });

  // A draft that the server could not take is saved again as soon as it answers anything.
  let isRefused = false;

  document.addEventListener("htmx:sendError", (event) => {
    if (event.target.id === "draft") isUnsaved = isRefused = true;
  });

  document.addEventListener("htmx:afterOnLoad", () => {
    if (isRefused) document.getElementById("answer")?.dispatchEvent(new Event("input"));
    isRefused = false;
  });

  function saveOnTheWayOut() {
    const draft = document.getElementById("draft");
    if (!isUnsaved || !draft) return;
    isUnsaved = false;
    const address = draft.getAttribute("hx-post");
    const fields = new FormData(document.getElementById("answer"));
    for (const input of document.querySelectorAll("#answer [type=file]")) fields.delete(input.name);
    fields.set("reason", document.getElementById("reason").value);
    fields.set("reader", JSON.parse(draft.getAttribute("hx-vals")).reader);
    useNewToken(fields);
    // more than a beacon holds goes as a usual request, which outlives a hidden tab, not a closed one
    if (!navigator.sendBeacon(address, fields)) fetch(address, { method: "POST", body: fields });
  }

  addEventListener("pagehide", saveOnTheWayOut);
  document.addEventListener("visibilitychange", () => { if (document.hidden) saveOnTheWayOut(); });
})();
