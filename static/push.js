// The switch of one's own page that has this browser told.
(() => {
  "use strict";

  const form = document.querySelector("form[data-push-key]");
  if (!form) return;
  const said = form.querySelector("[role=status]");
  const canPush = "serviceWorker" in navigator && "PushManager" in window;
  if (!canPush) return say("This browser cannot be told. On an iPhone, add this page to the home screen first.");
  form.querySelector("button").hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    subscribe().catch((error) => say(`This browser was not added: ${error.message}`));
  });

  function say(text) {
    said.textContent = text;
  }

  async function subscribe() {
    if ((await Notification.requestPermission()) !== "granted") {
      return say("This browser does not allow it. Its settings for this site can.");
    }
    await navigator.serviceWorker.register(form.dataset.worker);
    const registration = await navigator.serviceWorker.ready;
    const earlier = await registration.pushManager.getSubscription();
    if (earlier) await earlier.unsubscribe(); // it may be of another key
    const subscription = await registration.pushManager.subscribe({
      userVisibleOnly: true,
      applicationServerKey: bytes(form.dataset.pushKey),
    });
    const { endpoint, keys } = subscription.toJSON();
    const body = new FormData(form);
    for (const [name, value] of Object.entries({ endpoint, ...keys })) body.set(name, value);
    const answer = await fetch(form.action, { method: "POST", body, redirect: "error" });
    if (!answer.ok) throw new Error("the server refused it");
    location.reload();
  }

  function bytes(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  }
})();
