// What makes the pages live: clocks, the list's keys, and manners for htmx.
// Every page works without this file; nothing here decides anything.
(() => {
  "use strict";

  // Where the product lies on its host.
  const { root } = document.documentElement.dataset;

  // The reader's time zone, for the server to write times in.
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (/^[A-Za-z0-9_+\-/]+$/.test(zone)) keepCookie("timezone", zone);

  function keepCookie(name, value) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `${name}=${value}; path=${root}; max-age=31536000; samesite=lax${secure}`;
  }

  // Spans of time, in the words of approvals/display/labels.py.
  const UNITS = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];

  function span(seconds, parts) {
    const words = [];
    let left = Math.max(Math.floor(seconds), 0);
    for (const [unit, length] of UNITS) {
      const count = Math.floor(left / length);
      if (count || words.length || length === 1) {
        if (count || !words.length) words.push(`${count} ${unit}${count === 1 ? "" : "s"}`);
        left %= length;
        parts -= 1;
      }
      if (!parts) break;
    }
    return words.join(" ");
  }

  function wordsFor(time, now) {
    const seconds = (new Date(time.dateTime) - now) / 1000;
    if (time.dataset.shown === "in") return seconds > 0 ? `in ${Math.ceil(seconds)} s` : "now";
    if (time.dataset.shown === "left") {
      if (!isUrgent(time, seconds)) return time.textContent; // a plain time until it matters
      return seconds <= 0 ? "no time left" : `${span(seconds, 2)} left`;
    }
    return -seconds < 10 ? "just now" : `${span(-seconds, 1)} ago`;
  }

  // The last tenth of the time, and ten minutes at most.
  function isUrgent(time, left) {
    const whole = (new Date(time.dateTime) - new Date(time.dataset.opened)) / 1000;
    return left <= Math.min(whole / 10, 600);
  }

  // The server's clock judges, so ours is corrected by what its last page said.
  let ahead = 0;

  function tick() {
    if (document.hidden) return;
    const now = Date.now() - ahead;
    for (const time of document.querySelectorAll("time:is([data-shown=left], [data-shown=ago], [data-shown=in])")) {
      const words = wordsFor(time, now);
      if (time.textContent !== words) time.textContent = words;
      const box = time.dataset.shown === "left" && time.closest(".left");
      if (box) box.className = `left left-${isUrgent(time, (new Date(time.dateTime) - now) / 1000) ? "now" : "later"}`;
    }
  }

  const sent = document.querySelector("meta[name=server-time]");
  if (sent) {
    const drift = Date.now() - performance.now() + performance.getEntriesByType("navigation")[0].responseStart - Date.parse(sent.content);
    if (Math.abs(drift) > 5000) ahead = drift;
  }
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);

  // Light or dark: the system's choice until somebody makes their own.
  const toggle = document.getElementById("theme-toggle");
  if (toggle) {
    toggle.hidden = false;
    toggle.addEventListener("click", () => {
      const isDark = document.documentElement.dataset.theme
        ? document.documentElement.dataset.theme === "dark"
        : matchMedia("(prefers-color-scheme: dark)").matches;
      document.documentElement.dataset.theme = isDark ? "light" : "dark";
      keepCookie("theme", document.documentElement.dataset.theme);
    });
  }

  // Keys of a list: j and k move, x selects, Enter follows the link, / searches, n opens what is next, u undoes.
  // Never while typing, nor for a key that is held down.
  function isTyping(target) {
    return !target.closest(".pick") && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
  }

  function move(step) {
    const links = [...document.querySelectorAll(".rows .row-link, .next-card")];
    const row = document.activeElement.closest(".row");
    const at = links.findIndex((link) => link === document.activeElement || (row && row.contains(link)));
    const next = links[at < 0 ? (step > 0 ? 0 : links.length - 1) : at + step];
    if (next) next.focus();
  }

  function select() {
    if (!document.activeElement.closest(".row")) move(1);
    document.activeElement.closest(".row")?.querySelector(".pick input")?.click();
  }

  // What is selected is counted, also after a poll has brought the list anew.
  function countPicked() {
    const count = document.getElementById("picked-count");
    if (!count) return;
    const boxes = [...document.querySelectorAll(".pick input")];
    const picked = boxes.filter((box) => box.checked).length;
    const words = `${picked} selected`;
    if (count.textContent !== words) count.textContent = words;
    const all = document.getElementById("pick-all");
    all.hidden = false;
    all.firstElementChild.checked = picked === boxes.length;
  }

  document.addEventListener("change", (event) => {
    if (event.target.closest("#pick-all")) {
      for (const box of document.querySelectorAll(".pick input")) box.checked = event.target.checked;
    }
    if (event.target.closest("#pick-all, .pick")) countPicked();
  });
  document.addEventListener("htmx:afterSettle", countPicked);
  addEventListener("pageshow", countPicked);

  // A page without a search of its own goes to that of the inbox, unless an answer is typed on it.
  function search() {
    const field = document.getElementById("q");
    if (field) field.select();
    else if (document.querySelector(".places") && !document.getElementById("answer")) location.assign(`${root}#q`);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.defaultPrevented) return;
    if (event.key === "Escape") return closeMenus();
    if (isTyping(event.target)) return;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "x" && !event.repeat) select();
    else if (event.key === "u" && !event.repeat) document.querySelector(".undo")?.click();
    else if (event.key === "n" && !event.repeat) document.querySelector(".next-card")?.click();
    else if (event.key === "/") {
      event.preventDefault();
      search();
    }
  });

  if (location.hash === "#q") search();

  function closeMenus() {
    for (const menu of document.querySelectorAll("details.menu[open], #reject-box[open]")) {
      const held = menu.contains(document.activeElement);
      menu.open = false;
      if (held) menu.querySelector("summary").focus();
    }
  }

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });

  // Whoever opens the box to reject goes on to type the reason.
  document.addEventListener("toggle", (event) => {
    if (event.target.id === "reject-box" && event.target.open) event.target.querySelector("textarea").focus();
  }, true);

  // A link to something folded away unfolds it.
  addEventListener("hashchange", () => {
    const target = document.getElementById(location.hash.slice(1));
    if (target && target.tagName === "DETAILS") target.open = true;
  });

  // One press, one answer. The server refuses a second one anyway.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.submitter && event.submitter.name) return noteBusy(form);
    if (form.dataset.sent) return event.preventDefault();
    if (form.method === "post") form.dataset.sent = "1";
    for (const button of form.elements) if (button.matches("[data-once]")) button.setAttribute("aria-busy", "true");
    noteBusy(form);
    if (unsent && isDecision(form)) {
      event.preventDefault();
      sendOnceThere(form, event.submitter);
    } else releaseLater(form);
  });

  function release(form) {
    delete form.dataset.sent;
    noteDone(form);
    for (const button of form.elements) if (button.matches("[data-once]")) button.removeAttribute("aria-busy");
  }

  function releaseLater(form) {
    setTimeout(() => release(form), 10000); // nobody is stuck when the answer is lost on its way
  }

  // A decision leaves the page only when the server is there to take it. Until then it is asked
  // again and again; what is changed meanwhile is not sent unseen.
  const unsent = document.getElementById("unsent");
  let unsentForm = null;

  function isDecision(form) {
    return ["answer", "reject"].includes(form.id) && form.hasAttribute("action");
  }

  function showUnsent(which) {
    unsent.hidden = !which;
    noteDone(unsentForm);
    for (const words of unsent.querySelectorAll("[data-unsent]")) words.hidden = words.dataset.unsent !== which;
  }

  async function isServerThere() {
    try {
      return (await fetch(unsent.dataset.probe, { cache: "no-store", signal: AbortSignal.timeout(5000) })).ok;
    } catch {
      return false;
    }
  }

  async function sendOnceThere(form, button) {
    unsentForm = form;
    while (unsentForm === form && !(await isServerThere())) {
      if (unsentForm === form) showUnsent("waits");
      await new Promise((wake) => setTimeout(wake, 1000));
    }
    if (unsentForm !== form) return;
    unsentForm = null;
    noteBusy(form);
    // The script sends to the form's own address, so a button with another one lends its own.
    const own = form.action;
    if (button && button.hasAttribute("formaction")) form.action = button.formAction;
    form.submit();
    form.action = own;
    releaseLater(form);
  }

  document.addEventListener("input", (event) => {
    if (!unsentForm || !event.isTrusted) return;
    release(unsentForm);
    unsentForm = null;
    showUnsent("changed");
  });

  addEventListener("pageshow", (event) => {
    if (event.persisted) [...document.forms].forEach(release);
  });

  // Polls rest while nobody looks or edits what they bring, and a list is not changed under a selection.
  document.addEventListener("htmx:beforeRequest", (event) => {
    if (!event.target.hasAttribute("data-polls")) return;
    if (document.hidden || event.target.querySelector("details[open] textarea")) event.preventDefault();
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    const polled = event.detail.requestConfig.elt;
    const selection = getSelection();
    if (polled.hasAttribute("data-polls") && !selection.isCollapsed && polled.contains(selection.anchorNode)) {
      event.detail.shouldSwap = false;
    }
  });

  // That the session has ended is said once, and taken back when there is one again.
  const sessionNotice = document.getElementById("session-notice");

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.target !== sessionNotice) return;
    event.detail.shouldSwap = !sessionNotice.children.length;
    event.detail.isError = false;
  });

  document.addEventListener("htmx:afterOnLoad", (event) => {
    if (event.detail.xhr.status < 400) sessionNotice.replaceChildren();
  });

  // On a slow line the page says that it works on what was asked for; what it asks by itself is quiet.
  const busy = document.getElementById("busy");
  const asked = new Set();
  let sign = 0;

  function noteBusy(what) {
    asked.add(what);
    sign = sign || setTimeout(() => { busy.textContent = "Working…"; }, 300);
  }

  function noteDone(what) {
    asked.delete(what);
    if (asked.size) return;
    clearTimeout(sign);
    sign = 0;
    if (busy.textContent) busy.textContent = "";
  }

  function isQuiet(element) {
    return element.hasAttribute("data-polls") || element.id === "draft";
  }

  document.addEventListener("htmx:beforeSend", (event) => { if (!isQuiet(event.detail.elt)) noteBusy(event.detail.xhr); });
  document.addEventListener("htmx:afterRequest", (event) => noteDone(event.detail.xhr));

  const lost = document.getElementById("connection-notice");
  document.addEventListener("htmx:sendError", () => { if (lost) lost.hidden = false; });
  document.addEventListener("htmx:afterOnLoad", () => { if (lost) lost.hidden = true; });

  // Say of a draft when it was saved, or that it was not; of an ended approval the page tells itself.
  function noteDraft(event) {
    const status = event.detail.xhr.status;
    if (event.detail.elt.id !== "draft" || status === 409) return;
    document.getElementById("draft-saved").hidden = status !== 204;
    document.getElementById("draft-unsaved").hidden = status === 204;
    document.querySelector("#draft-saved time").dateTime = new Date(Date.now() - ahead).toISOString();
    tick();
  }
  document.addEventListener("htmx:afterOnLoad", noteDraft);
  document.addEventListener("htmx:sendError", noteDraft);

  // A structure button that htmx cannot serve (a session that ended, say) is sent as a plain form.
  document.addEventListener("htmx:responseError", (event) => {
    const button = event.detail.elt;
    if (!button.form || !button.hasAttribute("data-form-op")) return;
    const command = document.createElement("input");
    Object.assign(command, { type: "hidden", name: button.name, value: button.value });
    button.form.append(command);
    button.form.submit();
  });
})();
